"""Copies of what is held of people, as zipped files in a bucket, written part by part."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

from enlace.aws.s3_calls import S3Calls
from enlace.usecases.subject_copies import Stored

#: S3 takes parts from 5 MiB, and ten thousand of them.
PART_BYTES = 8 * 1024 * 1024
#: A zip's own oldest date: when a copy was made stands in it.
_DATE = (1980, 1, 1, 0, 0, 0)


class ExportFiles:
    """Implements :class:`enlace.usecases.subject_copies.Files`.

    Parameters
    ----------
    make_client : callable
        Makes the botocore S3 client at the first use: most copies are short.
    bucket : str
    part_bytes : int
        What is held in memory.
    """

    def __init__(
        self, make_client: Callable[[], Any], bucket: str, *, part_bytes: int = PART_BYTES
    ):
        self._call = S3Calls(make_client, bucket)
        self._part_bytes = part_bytes

    def write(self, name: str, file_name: str, parts: Iterable[str]) -> Stored:
        """Write one, in the place of the one before it; it is there whole, or not at all.

        Raises
        ------
        TemporaryFailure
            If the service did not take it.
        """
        upload = self._call("create_multipart_upload", Key=name, ContentType="application/zip")
        upload_id = upload["UploadId"]
        out = _Parts(
            lambda number, body: str(
                self._call(
                    "upload_part", Key=name, UploadId=upload_id, PartNumber=number, Body=body
                )["ETag"]
            ),
            self._part_bytes,
        )
        try:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
                info = zipfile.ZipInfo(file_name, _DATE)
                info.compress_type = zipfile.ZIP_DEFLATED
                with zipped.open(info, "w", force_zip64=True) as file:
                    for part in parts:
                        file.write(part.encode())
            stored = out.end()
            listed = {"Parts": out.taken}
            self._call(
                "complete_multipart_upload", Key=name, UploadId=upload_id, MultipartUpload=listed
            )
        except BaseException:
            # What was taken of it would lie there unseen.
            self._call("abort_multipart_upload", Key=name, UploadId=upload_id)
            raise
        return stored

    def link(self, name: str, seconds: int) -> str:
        """A link by which whoever has it can get this file, and nothing else, for so long."""
        url: str = self._call.client.generate_presigned_url(
            "get_object", Params={"Bucket": self._call.bucket, "Key": name}, ExpiresIn=seconds
        )
        return url


class _Parts:
    """A file to write to and nothing else, which hands on what it gets in parts of one size."""

    def __init__(self, take: Callable[[int, bytes], str], part_bytes: int):
        self._take = take
        self._part_bytes = part_bytes
        self._held = bytearray()
        self._size = 0
        self._hash = hashlib.sha256()
        self.taken: list[dict[str, Any]] = []

    def write(self, data: bytes) -> int:
        self._held += data
        self._size += len(data)
        self._hash.update(data)
        while len(self._held) >= self._part_bytes:
            self._hand_on(bytes(self._held[: self._part_bytes]))
            del self._held[: self._part_bytes]
        return len(data)

    def flush(self) -> None:
        """A part has its size; only the last one is shorter."""

    def close(self) -> None:
        """What ends it is :meth:`end`."""

    def end(self) -> Stored:
        if self._held or not self.taken:
            self._hand_on(bytes(self._held))
        return Stored(self._size, self._hash.hexdigest())

    def _hand_on(self, body: bytes) -> None:
        number = len(self.taken) + 1
        self.taken.append({"PartNumber": number, "ETag": self._take(number, body)})
