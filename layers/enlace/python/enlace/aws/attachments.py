"""Files that go along with messages, in a bucket, under the message's id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from botocore.exceptions import BotoCoreError, ClientError

from enlace.domain.outgoing import Attachment
from enlace.errors import InvalidPayload, TemporaryFailure


class Attachments:
    """Keeps and reads them.

    Parameters
    ----------
    make_client : callable
        Makes the botocore S3 client at the first use: most messages have none.
    bucket : str
    """

    def __init__(self, make_client: Callable[[], Any], bucket: str):
        self._make_client = make_client
        self._client: Any = None
        self._bucket = bucket

    def keep(self, message_id: str, number: int, attachment: Attachment) -> str:
        """Keep one; gives the name under which it is read."""
        name = f"attachments/{message_id}/{number}"
        self._call(
            "put_object",
            Key=name,
            Body=attachment.content,
            ContentType=attachment.content_type,
            # Metadata of S3 is ASCII.
            Metadata={"name": quote(attachment.name)},
        )
        return name

    def read(self, name: str) -> Attachment:
        """Read one.

        Raises
        ------
        InvalidPayload
            If it is not there any more.
        TemporaryFailure
            If the service did not answer.
        """
        answer = self._call("get_object", Key=name)
        return Attachment(
            unquote(answer["Metadata"].get("name", "attachment")),
            answer["ContentType"],
            answer["Body"].read(),
        )

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        if self._client is None:
            self._client = self._make_client()
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(
                Bucket=self._bucket, **parameters
            )
            return answer
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if code in ("NoSuchKey", "404"):
                raise InvalidPayload("an attachment is not there any more") from error
            raise TemporaryFailure(f"s3.{operation}: {code}") from error
        except BotoCoreError as error:
            raise TemporaryFailure(f"s3.{operation}: {type(error).__name__}") from error
