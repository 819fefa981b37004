"""Copies that people asked for as a place of erasure: the files, and what leads to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from enlace.aws.erased_objects import ErasedObjects
from enlace.aws.s3_calls import S3Calls
from enlace.domain.erasure import Census, Subject
from enlace.usecases.erasure_rows import pk_of
from enlace.usecases.rows import Row, Rows
from enlace.usecases.subject_copies import COPY, EXPORT, folder


class ExportPlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place`.

    A copy tells of every address of a customer, and goes with any of them. It is no record of
    its own, so no legal hold keeps it.

    Parameters
    ----------
    rows : Rows
    make_client : callable
        Makes the botocore S3 client at the first use.
    bucket : str
    """

    name = "exports"
    method = "delete"

    def __init__(self, rows: Rows, make_client: Callable[[], Any], bucket: str):
        self._rows = rows
        self._objects = ErasedObjects(make_client, bucket)
        self._call = S3Calls(make_client, bucket)

    def census(self, subject: Subject) -> Census:
        """Count files, those that were never finished, and what leads to them."""
        rows = list(self._known(subject))
        found = len(rows)
        for prefix in map(folder, _requests(rows)):
            found += self._objects.count(prefix) + sum(1 for _ in self._uploads(prefix))
        return Census(found)

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Delete them; what leads to them last."""
        rows = list(self._known(subject))
        for id_ in _requests(rows):
            # First: nobody gets a link to what is not there any more.
            for row in self._rows.under(pk_of(id_), COPY):
                self._rows.delete(row.pk, row.sk)
        for prefix in map(folder, _requests(rows)):
            if not time_left():
                return False
            for one in list(self._uploads(prefix)):
                self._call("abort_multipart_upload", "NoSuchUpload", **one)
            self._objects.erase(prefix)
        for row in rows:
            if not time_left():
                return False
            self._rows.delete(row.pk, row.sk)
        return True

    def _known(self, subject: Subject) -> Iterator[Row]:
        for key in subject.keys:
            yield from self._rows.under(f"subject#{key}", EXPORT)

    def _uploads(self, prefix: str) -> Iterator[dict[str, str]]:
        """Those that somebody began, and whose function ended first."""
        arguments: dict[str, Any] = {"Prefix": prefix}
        while True:
            answer = self._call("list_multipart_uploads", **arguments)
            for one in answer.get("Uploads", ()):
                yield {"Key": one["Key"], "UploadId": one["UploadId"]}
            if not answer.get("IsTruncated"):
                return
            arguments["KeyMarker"] = answer["NextKeyMarker"]
            arguments["UploadIdMarker"] = answer["NextUploadIdMarker"]


def _requests(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row.body["request_id"] for row in rows))
