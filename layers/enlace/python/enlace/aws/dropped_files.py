"""Files that operators drop into a bucket, read in pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from enlace.errors import TemporaryFailure
from enlace.usecases.import_files import File

_Answer = TypeVar("_Answer")


class DroppedFiles:
    """Implements :class:`enlace.usecases.import_files.Files`.

    Parameters
    ----------
    client
        A botocore S3 client.
    bucket : str
    """

    def __init__(self, client: Any, bucket: str):
        self._client = client
        self._bucket = bucket

    def dropped(self) -> list[File]:
        """See :class:`enlace.usecases.import_files.Files`; a thousand at most."""
        answer = _call(lambda: self._client.list_objects_v2(Bucket=self._bucket))
        return [
            File(one["Key"], one["ETag"].strip('"'), one["Size"])
            for one in answer.get("Contents", ())
            # Consoles make folders by empty files.
            if not one["Key"].endswith("/")
        ]

    def read(self, file: File, start: int, size: int) -> bytes:
        """See :class:`enlace.usecases.import_files.Files`; if it was replaced meanwhile, it is
        another one."""
        body: bytes = _call(
            lambda: self._client.get_object(
                Bucket=self._bucket,
                Key=file.name,
                IfMatch=f'"{file.version}"',
                Range=f"bytes={start}-{start + size - 1}",
            )["Body"].read()
        )
        return body

    def delete(self, file: File) -> None:
        """See :class:`enlace.usecases.import_files.Files`."""
        _call(lambda: self._client.delete_object(Bucket=self._bucket, Key=file.name))


def _call(make: Callable[[], _Answer]) -> _Answer:
    try:
        return make()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise TemporaryFailure(f"S3: {code}") from error
    except (BotoCoreError, OSError) as error:
        raise TemporaryFailure(f"S3: {type(error).__name__}") from error
