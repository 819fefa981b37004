"""Three hundred requests at once, of mixed purposes: counts add up, caps hold, nothing comes twice.

How many go out on which channel, wait or are denied follows from who is asked for what. What went
out, the providers themselves say: by the ids that they gave, and by what stands in their messages.
"""

from __future__ import annotations

import random
import time
import urllib.error
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import pytest

from enlace.domain.open_hours import is_open
from enlace.rules import message_policy
from enlace.usecases.recipient_zones import zones_of_number
from local import stack as local_stack
from local.demo.hub import Hub
from tests.e2e.queues import drain, set_visibility, visibility_seconds, waiting
from tests.e2e.test_messages import SENT, asked, consent, email, phone, shown

pytestmark = pytest.mark.timeout(600)

#: Four, for eight processes of the laptop stack would wait for two processors.
THREADS = 4
#: The most that one person gets a day, in the policy that ships.
MOST = 3
EXPECTED = {"email": 104, "sms": 44, "whatsapp": 44, "deferred": 12, "denied": 96}

A = TypeVar("A")
B = TypeVar("B")


class Wanted(NamedTuple):
    """One request."""

    kind: str
    address: str
    purpose: str
    channel: str


class Town:
    """People, and what they said."""

    def __init__(self) -> None:
        #: Each with two addresses, both shown to be theirs: one person, one cap.
        self.twice = [(email(), email()) for _ in range(8)]
        self.yes = [email() for _ in range(12)]
        self.no = [email() for _ in range(6)]
        self.silent = [email() for _ in range(12)]
        self.asleep = [by_night() for _ in range(4)]
        self.phones = [phone() for _ in range(30)]

    def requests(self) -> list[Wanted]:
        """All of them, in no order."""
        mails = [*(mail for both in self.twice for mail in both), *self.yes, *self.no, *self.silent]
        news = [
            *(mail for both in self.twice for mail in both for _ in range(MOST)),
            *self.yes * (MOST + 1),
            *self.no * 4,
            *self.silent * 3,
        ]
        found = [Wanted("email", mail, "marketing", "email") for mail in news]
        found += [Wanted("phone", number, "marketing", "sms") for number in self.asleep * 3]
        for n in range(44):
            found.append(Wanted("email", mails[n % len(mails)], "transactional", "email"))
            for channel in ("sms", "whatsapp"):
                number = self.phones[n % len(self.phones)]
                found.append(Wanted("phone", number, "transactional", channel))
        random.shuffle(found)
        return found


def by_night() -> str:
    """A number of somewhere where it may not ring now, nor soon."""
    hours, now = message_policy().open_hours, datetime.now(UTC)
    soon = now + timedelta(minutes=15)
    return next(
        number
        for number in (phone(), phone("+81901", 7), phone("+35191", 7))
        if not any(is_open(hours, zones_of_number(number), at) for at in (now, soon))
    )


def each(act: Callable[[A], B], of: Iterable[A]) -> list[B]:
    """At once, as far as there are threads."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(act, of))


def insisting(ask: Callable[[], B]) -> B:
    """Ask again after a 503, with the same key, as callers are told to."""
    for attempt in range(4):
        try:
            return ask()
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            time.sleep(0.5 * (attempt + 1))
    return ask()


@pytest.fixture
def hub(stack: dict[str, Any]) -> Iterator[Hub]:
    """The stack, with queues that deliver again soon, and no more under way."""
    hub = Hub(stack)
    before = set_visibility(hub, visibility_seconds(hub))
    drain(hub)
    yield hub
    set_visibility(hub, before)


@pytest.fixture
def town(hub: Hub) -> Town:
    """People who are known, and who said what they have to say."""
    town = Town()

    def introduce(both: tuple[str, str]) -> None:
        one, other = ({"kind": "email", "value": mail, "level": "proven"} for mail in both)
        body: dict[str, Any] = {"source_id": both[0], "channel": "api"}
        # Without a time of its own, as own systems may tell it.
        body |= {"type": "customer.identified", "contact_point": one, "identifiers": [other]}
        hub.api("POST", "/v1/interactions", body, expected=202)

    each(introduce, town.twice)
    said = [("email", mail, "email", "granted") for both in town.twice for mail in both]
    said += [("email", mail, "email", "granted") for mail in (*town.yes, *town.no)]
    said += [("phone", number, "sms", "granted") for number in town.asleep]
    each(lambda one: consent(hub, *one), said)
    each(lambda mail: consent(hub, "email", mail, "email", "withdrawn"), town.no)
    drain(hub)
    return town


def test_three_hundred_requests_add_up(hub: Hub, town: Town) -> None:
    dead, run = waiting(hub, "_dlq"), uuid.uuid4().hex
    wanted = town.requests()
    assert len(wanted) == 300
    # Every tenth is asked for twice, from another thread, with the same key.
    twice = [*range(300), *range(0, 300, 10)]
    random.shuffle(twice)

    def ask(number: int) -> tuple[int, str]:
        kind, address, purpose, channel = wanted[number]
        about: dict[str, Any] = {"template": "order_confirmation", "data": {"order_id": run[:8]}}
        if purpose == "marketing":
            about = {"template": "newsletter", "data": {"text": f"Oi {run}"}}
        about |= {"purpose": purpose, "channels": [channel]}
        return number, insisting(lambda: asked(hub, kind, address, f"{run}-{number}", **about))

    ids = dict(each(ask, twice))
    assert len(set(ids.values())) == 300
    drain(hub)

    found = each(lambda number: shown(hub, ids[number]), range(300))
    assert waiting(hub, "_dlq") == dead
    ends = Counter(m["channel"] if m["status"] in SENT else m["status"] for m in found)
    assert ends == EXPECTED
    sent: Counter[tuple[str, str, str]] = Counter()
    for one, message in zip(wanted, found, strict=True):
        if message["status"] in SENT:
            sent[one.channel, one.address, message["provider_message_id"]] += 1
    # One call of a provider for each record that says so, and no other.
    assert sent == taken(hub, {one.address for one in wanted})
    assert max(sent.values()) == 1
    news = Counter(to for mail in mails_with(run) for to in mail["To"])
    assert not {*town.no, *town.silent} & set(news)
    assert [news[mail] for mail in town.yes] == [MOST] * len(town.yes)
    assert [news[a] + news[b] for a, b in town.twice] == [MOST] * len(town.twice)
    assert Counter(m["reason"].partition(",")[0] for m in found if m["status"] == "denied") == {
        "frequency cap": MOST * len(town.twice) + len(town.yes),
        "consent": 4 * len(town.no) + 3 * len(town.silent),
    }
    assert all("step 8" in m["reason"] for m in found if m["status"] == "deferred")


def taken(hub: Hub, addresses: set[str]) -> Counter[tuple[str, str, str]]:
    """What the providers took for these addresses: channel, address and the id that they gave."""
    calls = [("email", to, m["MessageId"]) for m in local_stack.sent_emails() for to in m["To"]]
    calls += [("sms", m["PhoneNumber"], m["MessageId"]) for m in local_stack.sent_sms()]
    calls += [("whatsapp", m["to"], m["id"]) for m in hub.whatsapp_sent()]
    return Counter(call for call in calls if call[1] in addresses)


def mails_with(text: str) -> list[dict[str, Any]]:
    """What SES took with this text in it."""
    return [mail for mail in local_stack.sent_emails() if text in mail["BodyText"]]
