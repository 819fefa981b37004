"""A sender of messages as a Lambda function: everything but the provider.

So that a new sender is a module under ``enlace.senders``, an ``app.py`` that names it, and
a block in the template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.clients import client
from enlace.aws.consent_table import ConsentTable
from enlace.aws.delivery_table import DeliveryTable
from enlace.aws.identity_table import IdentityTable
from enlace.aws.message_links import message_links
from enlace.aws.outcomes import outcomes_to
from enlace.aws.restore_marks import restore_hold
from enlace.aws.template_store import S3Templates
from enlace.domain.outgoing import Attachment
from enlace.domain.sender_channel import SenderChannel
from enlace.logs import Logger
from enlace.rules import message_policy
from enlace.usecases.deliver_message import DeliverMessage
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.send_gate import SendGate
from enlace.usecases.sender_ports import MessageProvider

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def message_sender(
    channel: SenderChannel,
    provider: MessageProvider,
    environ: Mapping[str, str],
    *,
    account: str,
) -> Handler:
    """The handler of a sender.

    Parameters
    ----------
    channel : SenderChannel
    provider : MessageProvider
    environ : mapping
        ``IDENTITY_TABLE``, ``DELIVERY_TABLE``, ``CONSENT_TABLE``, ``INTERACTIONS_QUEUE_URL``;
        ``TIMELINE_TABLE`` where the provider wants to know of the last message that came;
        ``LINK_SECRET_ID`` and ``PUBLIC_URL`` for links in messages, ``TEMPLATES_BUCKET`` for
        templates of the company's own, ``ATTACHMENTS_BUCKET`` for files.
    account : str
        What the company sends from.
    """
    dynamodb = client("dynamodb")
    deliver = DeliverMessage(
        channel,
        provider,
        identities=IdentityTable(dynamodb, environ["IDENTITY_TABLE"]),
        deliveries=DeliveryTable(dynamodb, environ["DELIVERY_TABLE"]),
        templates=_templates(environ.get("TEMPLATES_BUCKET", "")),
        gate=SendGate(
            ConsentTable(dynamodb, environ["CONSENT_TABLE"]),
            policy=message_policy(),
            now=_now,
            idempotent=provider.idempotent,
        ),
        links=message_links(environ),
        report=outcomes_to(lambda: client("sqs"), environ["INTERACTIONS_QUEUE_URL"]),
        account=account,
        now=_now,
        last_inbound=_last_inbound(dynamodb, environ.get("TIMELINE_TABLE", ""), channel.name),
        attachments=_attachments(environ.get("ATTACHMENTS_BUCKET", "")),
    )
    log = Logger(f"send_{channel.name}", environ.get("LOG_LEVEL", "info"))
    # Whether the provider reads timelines or not, it may not ask them whether they were restored.
    told = {name: value for name, value in environ.items() if name != "TIMELINE_TABLE"}
    return BusConsumer(lambda event: deliver(event).state, log, hold=restore_hold(told, dynamodb))


def _now() -> datetime:
    return datetime.now(UTC)


def _templates(bucket: str) -> MessageTemplates:
    if not bucket:
        return MessageTemplates()
    return MessageTemplates(S3Templates(lambda: client("s3"), bucket))


def _last_inbound(dynamodb: Any, table: str, channel: str) -> Callable[[str], str] | None:
    if not table:
        return None

    def last_inbound(key: str) -> str:
        # What only a provider that asks for it pays for.
        from enlace.aws.timeline_table import TimelineTable

        items = TimelineTable(dynamodb, table).page(key, before=None, since=None, limit=_LOOKED_AT)
        # Only what somebody wrote on this very network opens its window.
        wanted = (channel, "message.received", "inbound")
        wrote = (i for i in items if tuple(i.body[name] for name in _WRITTEN) == wanted)
        # Of the key: who told of it may have left the time out of the body.
        return next((item.sk.partition("#")[0] for item in wrote), "")

    return last_inbound


#: Our own messages and their reports stand between.
_LOOKED_AT = 25
_WRITTEN = ("channel", "type", "direction")


def _attachments(bucket: str) -> Callable[[str], Attachment] | None:
    if not bucket:
        return None

    def read(name: str) -> Attachment:
        from enlace.aws.attachments import Attachments

        return Attachments(lambda: client("s3"), bucket).read(name)

    return read
