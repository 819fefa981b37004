"""What queues and dead-letter queues hold of a subject."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from enlace.aws.queue_walk import Judge, Letter, QueueWalk
from enlace.domain.erasure import Census, Kept, Subject
from enlace.domain.queued_data import Judged, SubjectMatch, judge, texts_of
from enlace.errors import TemporaryFailure

#: Days that SQS keeps a message at most, which all our queues are set to.
KEPT_DAYS = 14
_SHARED = "facts about several customers, ids only"
#: Where an announcement of received mail names the object that the mail is in.
_MAIL_KEY = re.compile(r'\\*"objectKey\\*":\s*\\*"([^"\\]+)')


class QueuePlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place`.

    Never ``PurgeQueue``: it would delete everybody's messages.

    Parameters
    ----------
    client
        A botocore SQS client.
    urls : sequence of str
        Every queue of the stack that can hold personal data, dead-letter queues too.
    clock, sleep, wait_seconds
        As for :class:`QueueWalk`.
    """

    name = "queues"
    method = "delete"

    def __init__(
        self,
        client: Any,
        urls: Sequence[str],
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        wait_seconds: int = 1,
    ):
        self._walk = QueueWalk(client, clock=clock, sleep=sleep, wait_seconds=wait_seconds)
        self._urls = tuple(urls)

    def census(self, subject: Subject) -> Census:
        """Count messages, and the subject's items in messages that hold several.

        What is at work at this moment is not seen: whoever works on it asks the fence.
        """
        judge_letter = _judge_for(subject)
        found, shared, mails = 0, 0, []
        for url in self._urls:
            walked = self._walk(url, judge_letter, erase=False)
            if not walked.whole:
                raise TemporaryFailure("a queue holds more than can be read at once")
            found, shared = found + walked.found, shared + walked.shared
            mails += [key for body in walked.letters for key in _mails_in(body)]
        kept = (Kept(_SHARED, shared, f"gone from the queue within {KEPT_DAYS} days"),)
        located = {"mails": tuple(dict.fromkeys(mails))} if mails else {}
        return Census(found + shared, kept if shared else (), located)

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Delete them; other people's are given back."""
        judge_letter = _judge_for(subject)
        for url in self._urls:
            if not time_left():
                return False
            walked = self._walk(url, judge_letter, erase=True, time_left=time_left)
            if not walked.whole:
                if time_left():
                    raise TemporaryFailure("a queue holds more than can be read at once")
                return False
        return True


def _judge_for(subject: Subject) -> Judge:
    match = SubjectMatch(subject)

    def judge_letter(letter: Letter) -> Judged:
        # What the bus notes about a message that it could not deliver may quote it.
        if match.mentions(letter.notes, letter.sent_at):
            return Judged(1, None)
        return judge(letter.body, lambda item: match(item, letter.sent_at))

    return judge_letter


def _mails_in(body: str) -> Iterator[str]:
    for text in texts_of(body):
        yield from _MAIL_KEY.findall(text)
