"""What became of the e-mails that we sent: SES sending events.

They come through SNS to the function, authorised by IAM. Our sender tags each
message with its ``message_id``, so that outcomes join it; a complaint also
withdraws consent, since whoever calls a message spam wants no more of them.

Opens and clicks become ``message.read``, the first of each kind and link. They prove
little: mail programs load images ahead, scanners follow links. So they are outbound and
``stated``, and no contact that would keep a person's data longer. The address of the
link, which may hold a token, and of the reader, the browser and the IP are not kept.

Source: Amazon SES developer guide, "Contents of event data that Amazon SES
publishes to Amazon SNS" (checked 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from enlace.channels.base import (
    Interaction,
    build,
    digest,
    identifier,
    objects,
    optional_object,
    optional_text,
    required_object,
    required_text,
)
from enlace.domain.interaction import parse_time
from enlace.errors import InvalidPayload

NAME = "email"

#: Feedback that is nobody's wish to be left alone: somebody took a mail out of the spam
#: folder, and a receiving server found no valid signature (RFC 5965, RFC 6591, RFC 6430).
_NO_COMPLAINT = frozenset(("not-spam", "auth-failure"))


def parse(event: Any, received_at: str) -> list[Interaction]:
    """Read one sending event; kinds that settle nothing give an empty list.

    Parameters
    ----------
    event : dict
        What SES published: ``eventType``, ``mail`` and a part named by the type.
    received_at : str
        Contract time.

    Raises
    ------
    InvalidPayload
        If it is no sending event.
    InvalidInteraction
        If an address breaks the contract.
    """
    event = required_object(event, "event")
    # Identity notifications, an older way to subscribe, call it notificationType.
    kind = event.get("eventType", event.get("notificationType"))
    if not isinstance(kind, str):
        raise InvalidPayload("eventType: must be text")
    mail = required_object(event.get("mail"), "mail")
    match kind:
        case "Delivery":
            return list(
                _delivery(mail, required_object(event.get("delivery"), "delivery"), received_at)
            )
        case "Bounce":
            return list(_bounce(mail, required_object(event.get("bounce"), "bounce"), received_at))
        case "Complaint":
            return list(
                _complaint(mail, required_object(event.get("complaint"), "complaint"), received_at)
            )
        case "Reject" | "Rendering Failure":
            return list(_refusal(mail, kind, received_at))
        case "Open":
            return list(_read(mail, "opened", received_at, {"via": "open"}))
        case "Click":
            click = required_object(event.get("click"), "click")
            tags = optional_object(click, "linkTags") or None
            # Each link once.
            outcome = f"clicked:{digest(required_text(click, 'link'))}"
            return list(_read(mail, outcome, received_at, {"via": "click", "link_tags": tags}))
    return []  # Send, DeliveryDelay, Subscription


def _delivery(
    mail: dict[str, Any], part: dict[str, Any], received_at: str
) -> Iterator[Interaction]:
    for address in objects(part, "recipients"):
        yield _outcome(
            mail, "message.delivered", "delivered", address, _time(part), received_at, {}
        )


def _bounce(mail: dict[str, Any], part: dict[str, Any], received_at: str) -> Iterator[Interaction]:
    kind = optional_text(part, "bounceType")
    for recipient in objects(part, "bouncedRecipients"):
        recipient = required_object(recipient, "bouncedRecipients")
        data = {
            "reason": "bounce",
            # Permanent: the address does not work; Transient: it may, later.
            "bounce_type": kind,
            "bounce_subtype": optional_text(part, "bounceSubType"),
            "status": optional_text(recipient, "status"),
        }
        yield _outcome(
            mail,
            "message.failed",
            "bounced",
            recipient.get("emailAddress"),
            _time(part),
            received_at,
            data,
        )


def _complaint(
    mail: dict[str, Any], part: dict[str, Any], received_at: str
) -> Iterator[Interaction]:
    if optional_text(part, "complaintFeedbackType") in _NO_COMPLAINT:
        return
    for recipient in objects(part, "complainedRecipients"):
        address = required_object(recipient, "complainedRecipients").get("emailAddress")
        data = {
            "reason": "complaint",
            "feedback_type": optional_text(part, "complaintFeedbackType"),
        }
        time = _time(part)
        yield _outcome(mail, "message.failed", "complained", address, time, received_at, data)
        consent = {"channel": NAME, "purpose": "marketing", "actor": "subject", **data}
        yield _outcome(
            mail, "consent.withdrawn", "withdrawn", address, time, received_at, consent, "inbound"
        )


def _refusal(mail: dict[str, Any], kind: str, received_at: str) -> Iterator[Interaction]:
    for address in objects(mail, "destination"):
        data = {"reason": kind.lower().replace(" ", "_")}
        yield _outcome(mail, "message.failed", "failed", address, _time(mail), received_at, data)


def _read(
    mail: dict[str, Any], outcome: str, received_at: str, data: dict[str, Any]
) -> Iterator[Interaction]:
    recipients = objects(mail, "destination")
    # SES does not say which of several it was; ours have one.
    if len(recipients) == 1:
        # Every open has a time of its own; the first receipt's counts.
        yield _outcome(mail, "message.read", outcome, recipients[0], None, received_at, data)


def _outcome(
    mail: dict[str, Any],
    type_: str,
    outcome: str,
    address: Any,
    occurred_at: str | None,
    received_at: str,
    data: dict[str, Any],
    direction: str = "outbound",
) -> Interaction:
    ses_id, message_id = required_text(mail, "messageId"), _tag(mail, "message_id")
    # Sending to an address proves nothing about whose it is.
    contact_point = identifier("email", address)
    # Without our tag it was sent by another system, maybe to several addresses.
    base = message_id or f"{ses_id}:{digest(contact_point.value)}"
    return build(
        NAME,
        type_,
        contact_point,
        source_id=f"{base}:{outcome}",
        occurred_at=occurred_at,
        received_at=received_at,
        direction=direction,
        data={
            "message_id": message_id,
            "template": _tag(mail, "template"),
            # A consent has a purpose of its own, which is not the message's.
            "purpose": _tag(mail, "purpose"),
            "provider": "ses",
            "provider_message_id": ses_id,
            **data,
        },
    )


def _tag(mail: dict[str, Any], name: str) -> str | None:
    values = objects(optional_object(mail, "tags"), name)
    if not values:
        return None
    if not isinstance(values[0], str):
        raise InvalidPayload("tags: must be texts")
    return values[0] or None


def _time(part: dict[str, Any]) -> str:
    return parse_time(required_text(part, "timestamp"), "timestamp")
