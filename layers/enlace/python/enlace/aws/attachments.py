"""Files that go along with messages, in a bucket, under the message's id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from enlace.aws.s3_calls import S3Calls
from enlace.domain.outgoing import Attachment
from enlace.errors import InvalidPayload


class Attachments:
    """Keeps and reads them.

    Parameters
    ----------
    make_client : callable
        Makes the botocore S3 client at the first use: most messages have none.
    bucket : str
    """

    def __init__(self, make_client: Callable[[], Any], bucket: str):
        self._call = S3Calls(make_client, bucket)

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
        answer = self._call("get_object", "NoSuchKey", "404", Key=name)
        if not answer:
            raise InvalidPayload("an attachment is not there any more")
        return Attachment(
            unquote(answer["Metadata"].get("name", "attachment")),
            answer["ContentType"],
            answer["Body"].read(),
        )
