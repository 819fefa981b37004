"""SNS notifications of SES, as Lambda gets them: inbound mail and sending events.

A record that can never be understood goes to the dead-letter queue; a service
that fails raises, and Lambda calls again with the same event.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.aws.clients import client
from enlace.aws.interactions_queue import InteractionsQueue
from enlace.domain.interaction import Interaction, epoch_text
from enlace.errors import InvalidInteraction, InvalidPayload, TemporaryFailure
from enlace.logs import Logger
from enlace.usecases.ingest import Queue, dump

Handler = Callable[[Mapping[str, Any], Any], None]
#: Reads one SNS message: ``(message, received_at) -> interactions``.
Read = Callable[[Any, str], list[Interaction]]


def notification_handler(read: Read, queue: Queue, logger: Logger, channel: str) -> Handler:
    """A Lambda handler for an SNS subscription.

    Parameters
    ----------
    read : callable
        Turns a decoded message into interactions; raises ``InvalidPayload`` or
        ``InvalidInteraction`` for what can never be read, ``TemporaryFailure``
        for what may be read later.
    """

    def handler(event: Mapping[str, Any], context: Any) -> None:
        logger.request_id = getattr(context, "aws_request_id", None)
        received_at = epoch_text(time.time())
        bodies: list[str] = []
        rejected: list[tuple[str, str]] = []
        for record in event["Records"]:
            text = record["Sns"]["Message"]
            try:
                message = json.loads(text)
                bodies += [dump(i.to_dict()) for i in read(message, received_at)]
            except (InvalidPayload, InvalidInteraction) as error:
                rejected.append((str(error), dump(text)))
            except (ValueError, RecursionError):
                rejected.append(("the notification is not JSON", dump(text)))
        if bodies:
            queue.send(bodies)
        if rejected:
            queue.send_rejected(rejected, channel)
            logger("warning", "items rejected", count=len(rejected), reason=rejected[0][0])

    return handler


def queue_from(environment: Mapping[str, str]) -> InteractionsQueue:
    """The queue of the function's environment."""
    return InteractionsQueue(
        client("sqs"),
        environment["INTERACTIONS_QUEUE_URL"],
        environment["INTERACTIONS_DLQ_URL"],
    )


class MailStore:
    """The bucket in which SES stores what it receives.

    Parameters
    ----------
    s3
        A botocore S3 client.
    bucket : str
        The only bucket that is read.
    """

    def __init__(self, s3: Any, bucket: str):
        self._s3 = s3
        self._bucket = bucket

    def read(self, bucket: str, key: str) -> bytes:
        """A raw message.

        Raises
        ------
        InvalidPayload
            If a notification names another bucket.
        TemporaryFailure
            If it cannot be read now.
        """
        if bucket != self._bucket:
            raise InvalidPayload("bucketName: not the mail bucket")
        try:
            body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise TemporaryFailure(f"the message cannot be read: {code}") from error
        except BotoCoreError as error:
            raise TemporaryFailure(f"S3 failed: {type(error).__name__}") from error
        return body
