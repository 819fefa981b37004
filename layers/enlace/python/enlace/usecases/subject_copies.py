"""The complete copy of what is held of a person: in the answer, or as a file where it is long.

What takes longer than the API waits is made all the same, and had by asking again: for an hour
the file is the answer. It holds everything about somebody, so it is there for days and its link
for minutes; and ``subject#<key>``/``export#<request id>`` leads to it from every address that it
tells of, so that an erasure finds it (:mod:`enlace.aws.erase_exports`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Protocol

from enlace.domain.erasure import Subject
from enlace.domain.interaction import utc_text
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.collect_subject import CollectSubject, summary_of
from enlace.usecases.copy_forms import parts_of
from enlace.usecases.erasure_rows import ERASING, pk_of
from enlace.usecases.request_ends import WrongState
from enlace.usecases.request_rows import RequestRows
from enlace.usecases.rows import Row, Rows

#: As a Lambda function can answer it (6 MB) with room for its wrapping.
ANSWER_BYTES = 5_000_000
#: How long a link works; whoever needs another one asks again.
LINK_SECONDS = 300
#: How long whoever makes one may take: the function's own time, and less than an erasure waits.
MAKING_SECONDS = 200
#: How old a file may be that is handed over again.
FRESH_SECONDS = 3600
#: How long it is known where files are; the bucket has dropped them weeks before.
KNOWN_DAYS = 30
EXPORT = "export#"
#: Of a request's partition: its files, by their forms.
COPY = "copy#"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that was written: bytes, and their SHA-256 in hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Link:
    """A file, and where it can be had until then (contract time)."""

    url: str
    expires_at: str
    file_name: str
    stored: Stored


class Files(Protocol):
    """See :class:`enlace.aws.exports.ExportFiles`."""

    def write(self, name: str, file_name: str, parts: Iterable[str]) -> Stored: ...

    def link(self, name: str, seconds: int) -> str: ...


class SubjectCopies:
    """The use case.

    Parameters
    ----------
    rows : Rows
    requests : RequestRows
    collect : CollectSubject
    files : Files
    now : callable
        The current time, with a zone.
    answer_bytes : int
        What is longer becomes a file.
    """

    def __init__(
        self,
        rows: Rows,
        requests: RequestRows,
        collect: CollectSubject,
        files: Files,
        *,
        now: Callable[[], datetime],
        answer_bytes: int = ANSWER_BYTES,
    ):
        self._rows = rows
        self._requests = requests
        self._collect = collect
        self._files = files
        self._now = now
        self._answer_bytes = answer_bytes

    def summary(self, request_id: str, recipients: Sequence[str]) -> Mapping[str, Any]:
        """The simplified answer, see :func:`enlace.usecases.collect_subject.summary_of`.

        Raises
        ------
        NotFound
            If there is no such request, or it is over.
        TemporaryFailure
            If a store did not do its part, or was restored.
        """
        return summary_of(self._collect.records(self._subject(request_id)), recipients)

    def make(self, request_id: str, form: str) -> str | Link:
        """The copy itself, or where it lies.

        Raises
        ------
        NotFound
            If there is no such request, or it is over.
        WrongState
            If the person is being erased.
        TemporaryFailure
            If it is being made, or a store did not do its part, or was restored.
        """
        if made := self._made(request_id, form):
            return made
        subject, at = self._subject(request_id), self._now()
        records = self._collect.records(subject)
        parts = parts_of(form, request_id, utc_text(at), records)
        short, size = [], 0
        for part in parts:
            short.append(part)
            size += len(part.encode())
            if size > self._answer_bytes:
                return self._file(subject, form, at, chain(short, parts))
        return "".join(short)

    def _subject(self, request_id: str) -> Subject:
        body = self._requests.known(request_id).body
        named = self._requests.identifier(request_id)
        return self._collect.subject(request_id, body["key"], named, bool(body["whole_customer"]))

    def _made(self, request_id: str, form: str) -> Link | None:
        # Who is over has no copy any more.
        self._requests.identifier(request_id)
        row = self._rows.get(pk_of(request_id), f"{COPY}{form}")
        if row is None:
            return None
        age = (self._now() - datetime.fromisoformat(row.body["at"])).total_seconds()
        if row.body["size"] is None:
            if age < MAKING_SECONDS:
                raise TemporaryFailure("the copy is being made")
            return None
        stored = Stored(row.body["size"], row.body["sha256"])
        return self._link(request_id, form, stored) if age < FRESH_SECONDS else None

    def _file(self, subject: Subject, form: str, at: datetime, parts: Iterator[str]) -> Link:
        request_id = subject.request_id
        expires_at = int((at + timedelta(days=KNOWN_DAYS)).timestamp())
        for key in subject.keys:
            self._known_of(key, request_id, expires_at)
        # Asked once it can be found: an erasure that comes later waits until this is written.
        if any(self._rows.get(f"subject#{key}", ERASING) for key in subject.keys):
            raise WrongState("the person is being erased")
        pk, sk = pk_of(request_id), f"{COPY}{form}"
        body = {"at": utc_text(at), "size": None, "sha256": ""}
        row = self._rows.get(pk, sk) or Row(pk, sk)
        try:
            [row] = self._rows.put([replace(row, body=body, expires_at=expires_at)])
        except Conflict as error:
            raise TemporaryFailure("the copy is being made") from error
        try:
            stored = self._files.write(_name(request_id, form), f"{request_id}.{form}", parts)
        except BaseException:
            self._rows.delete(pk, sk)
            raise
        # Else somebody has begun it anew, who took this call for dead.
        with suppress(Conflict):
            self._rows.put([row.with_body(size=stored.size, sha256=stored.sha256)])
        return self._link(request_id, form, stored)

    def _link(self, request_id: str, form: str, stored: Stored) -> Link:
        until = utc_text(self._now() + timedelta(seconds=LINK_SECONDS))
        url = self._files.link(_name(request_id, form), LINK_SECONDS)
        return Link(url, until, f"{request_id}.{form}.zip", stored)

    def _known_of(self, key: str, request_id: str, expires_at: int) -> None:
        pk, sk = f"subject#{key}", f"{EXPORT}{request_id}"
        row = self._rows.get(pk, sk) or Row(pk, sk, {"request_id": request_id})
        # Another call for the same copy wrote the same.
        with suppress(Conflict):
            self._rows.put([replace(row, expires_at=expires_at)])


def folder(request_id: str) -> str:
    """Where the files of a request lie."""
    return f"exports/{request_id}/"


def _name(request_id: str, form: str) -> str:
    return f"{folder(request_id)}{form}.zip"
