"""How each sort of place is read for residues: page by page, and nothing of a page is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.aws.queue_walk import Letter, QueueWalk
from enlace.domain.queued_data import Judged, texts_of
from enlace.domain.residues import Piece, Spot
from enlace.errors import TemporaryFailure
from enlace.usecases.scan_residues import Page

#: What is small, or only read from where the last round ended, is read every day; stores, which
#: are paid for by what is read, every week. An hour less: runs begin an hour apart.
DAILY, WEEKLY = 23 * 3600, (7 * 24 - 1) * 3600
#: Of an object so much is read: a mail has 40 MB at most, of which attachments are most.
OBJECT_BYTES = 4 * 1024 * 1024
_VERSIONS = 50
#: Lines may come in so much later than they were written.
_LATE_SECONDS = 600
#: Stores that hold people who are customers.
_CUSTOMERS = frozenset(
    {"IdentityTable", "TimelineTable", "CaseTable", "ConsentTable", "DeliveryTable"}
    | {"MailBucket", "AttachmentsBucket", "RegistryBucket"}
)


class TablePlace:
    """A table, or one of its indexes."""

    every_seconds = WEEKLY

    def __init__(self, client: Any, logical: str, table: str, index: str, keys: Sequence[str]):
        self.spot = Spot(f"{logical}/{index}" if index else logical, logical in _CUSTOMERS)
        self._client = client
        self._arguments = {"TableName": table, **({"IndexName": index} if index else {})}
        self._keys = tuple(keys)

    def page(self, cursor: str, since: str, until: str) -> Page:
        """See :class:`enlace.usecases.scan_residues.Place`."""
        start = {"ExclusiveStartKey": json.loads(cursor)} if cursor else {}
        with translated("DynamoDB"):
            answer = self._client.scan(**self._arguments, **start)
        last = answer.get("LastEvaluatedKey")
        return Page(map(self._piece, answer["Items"]), json.dumps(last) if last else "")

    def _piece(self, item: dict[str, Any]) -> Piece:
        under = tuple(_plain(next(iter(item[key].values()))) for key in self._keys if key in item)
        return Piece("\n".join(_texts(item)), under)


class BucketPlace:
    """A bucket with all versions."""

    every_seconds = WEEKLY

    def __init__(self, client: Any, logical: str, bucket: str):
        self.spot = Spot(logical, logical in _CUSTOMERS)
        self._client = client
        self._bucket = bucket

    def page(self, cursor: str, since: str, until: str) -> Page:
        """See :class:`enlace.usecases.scan_residues.Place`."""
        markers = json.loads(cursor) if cursor else {}
        with translated("S3"):
            answer = self._client.list_object_versions(
                Bucket=self._bucket, MaxKeys=_VERSIONS, **markers
            )
        further = {
            "KeyMarker": answer.get("NextKeyMarker", ""),
            "VersionIdMarker": answer.get("NextVersionIdMarker", ""),
        }
        more = answer.get("IsTruncated") and further["KeyMarker"]
        named = {name: value for name, value in further.items() if value}
        return Page(self._pieces(answer), json.dumps(named) if more else "")

    def _pieces(self, answer: dict[str, Any]) -> Iterator[Piece]:
        for marker in answer.get("DeleteMarkers", ()):
            yield Piece(marker["Key"])
        for one in answer.get("Versions", ()):
            whole = {"Bucket": self._bucket, "Key": one["Key"]}
            if one.get("VersionId") not in (None, "null"):
                whole["VersionId"] = one["VersionId"]
            try:
                with translated("S3"):
                    got = self._client.get_object(**whole)
                    text = got["Body"].read(OBJECT_BYTES).decode("utf-8", "replace")
            except _Gone:
                continue
            yield Piece("\n".join((one["Key"], json.dumps(got.get("Metadata", {})), text)))


class QueuePlace:
    """A queue; what lies in it is there afterwards as well."""

    every_seconds = DAILY

    def __init__(self, client: Any, logical: str, url: str):
        # A dead letter about somebody who lives on is about a customer.
        self.spot = Spot(logical, customers=True)
        self._client = client
        self._url = url

    def page(self, cursor: str, since: str, until: str) -> Page:
        """See :class:`enlace.usecases.scan_residues.Place`."""
        found: list[Piece] = []

        def look(letter: Letter) -> Judged:
            found.append(Piece("\n".join((letter.notes, letter.body, *texts_of(letter.body)))))
            return Judged(0, letter.body)

        QueueWalk(self._client)(self._url, look, erase=False)
        return Page(found, "")


class LogPlace:
    """A log group: what was written since the last round began."""

    every_seconds = DAILY

    def __init__(self, client: Any, logical: str, group: str):
        self.spot = Spot(logical, logs=True)
        self._client = client
        self._group = group

    def page(self, cursor: str, since: str, until: str) -> Page:
        """See :class:`enlace.usecases.scan_residues.Place`."""
        begin = max(0, _milliseconds(since) - 1000 * _LATE_SECONDS) if since else 0
        window = {"startTime": begin, "endTime": _milliseconds(until)}
        try:
            answer = self._filter(window, cursor)
        except _Gone:
            # A token is good for a day: the window is read again from its beginning.
            answer = self._filter(window, "")
        pieces = (Piece(event["message"]) for event in answer["events"])
        return Page(pieces, answer.get("nextToken", ""))

    def _filter(self, window: dict[str, int], token: str) -> dict[str, Any]:
        further = {"nextToken": token} if token else {}
        with translated("CloudWatch Logs"):
            answer: dict[str, Any] = self._client.filter_log_events(
                logGroupName=self._group, **window, **further
            )
        return answer


class SchedulePlace:
    """A group of schedules."""

    every_seconds = DAILY

    def __init__(self, client: Any, logical: str, group: str):
        self.spot = Spot(logical)
        self._client = client
        self._group = group

    def page(self, cursor: str, since: str, until: str) -> Page:
        """See :class:`enlace.usecases.scan_residues.Place`."""
        further = {"NextToken": cursor} if cursor else {}
        with translated("Scheduler"):
            answer = self._client.list_schedules(GroupName=self._group, **further)
        return Page(self._pieces(answer["Schedules"]), answer.get("NextToken", ""))

    def _pieces(self, schedules: Sequence[dict[str, Any]]) -> Iterator[Piece]:
        for one in schedules:
            try:
                with translated("Scheduler"):
                    whole = self._client.get_schedule(GroupName=self._group, Name=one["Name"])
            except _Gone:
                continue
            yield Piece(json.dumps(whole, default=_plain))


class SmallPlace:
    """What is read with a few calls, at once."""

    every_seconds = DAILY

    def __init__(self, name: str, service: str, read: Callable[[], Iterator[str]]):
        self.spot = Spot(name)
        self._service = service
        self._read = read

    def page(self, cursor: str, since: str, until: str) -> Page:
        """See :class:`enlace.usecases.scan_residues.Place`."""
        with translated(self._service):
            return Page([Piece(text) for text in self._read()], "")


class _Gone(TemporaryFailure):
    """What was listed is not there any more."""


_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "ResourceNotFoundException"})
#: Of a log group: a token that is too old.
_TOO_OLD = "InvalidParameterException"


@contextmanager
def translated(service: str) -> Iterator[None]:
    """Errors of a service as ours; their texts may name keys, so codes alone are told.

    Raises
    ------
    TemporaryFailure
        If the service did not do its part.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        if code in _GONE or code == _TOO_OLD:
            raise _Gone(f"{service}: {code}") from error
        raise TemporaryFailure(f"{service}: {code}") from error
    except BotoCoreError as error:
        raise TemporaryFailure(f"{service}: {type(error).__name__}") from error


def _texts(value: Any) -> Iterator[str]:
    """Texts of an item's attributes; JSON inside them is opened."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple, set)):
        for part in value:
            yield from _texts(part)
    else:
        yield from texts_of(_plain(value))


def _plain(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
