"""WhatsApp Business Platform (Cloud API): messages, statuses and marketing opt-outs.

A sender may come with a phone, with a business-scoped user id (BSUID), or with
both: a user with a username may hide the phone. The contact point is the phone
where there is one, and both are proven, since Meta vouches for them together.

Sources: developers.facebook.com, WhatsApp Business Platform, "messages",
"business-scoped-user-ids" and "user_preferences" webhook references (read through
mirrors, 2026-11-22); the validator of pywa 4.5.0 is the oracle of the signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from enlace.channels import meta
from enlace.channels.base import (
    Rejected,
    Request,
    build,
    collect,
    digest,
    epoch_time,
    identifier,
    objects,
    optional_object,
    optional_text,
    required_object,
    required_text,
)
from enlace.channels.whatsapp_content import content
from enlace.domain.interaction import Identifier, Interaction
from enlace.errors import InvalidInteraction, InvalidPayload

NAME = "whatsapp"
MAX_BODY_BYTES = meta.MAX_BODY_BYTES

handshake = meta.handshake
verify = meta.verify

_STATUS_TYPES = {
    "sent": "message.sent",
    "delivered": "message.delivered",
    "read": "message.read",
    "failed": "message.failed",
}
#: The code of a failure by which Meta says that the person stopped our marketing.
_STOPPED_MARKETING = 131050


def parse(request: Request, secret: Mapping[str, Any]) -> list[Interaction | Rejected]:
    """Read every message, status and preference of every entry.

    Parameters
    ----------
    secret : mapping
        An optional ``portfolio_id`` scopes the BSUIDs; without it, the id of the
        WhatsApp Business Account does. Give it where one portfolio has several
        accounts, before the first message: it is part of the identifier.

    Raises
    ------
    InvalidPayload
        If the body is no WhatsApp payload at all.
    """
    found: list[Interaction | Rejected] = []
    portfolio = secret.get("portfolio_id")
    scope = portfolio if isinstance(portfolio, str) and portfolio else None
    for entry in meta.entries(request, "whatsapp_business_account"):
        try:
            waba = required_text(required_object(entry, "entry"), "id")
            for change in objects(entry, "changes"):
                found += _change(change, scope or waba, request.received_at)
        except (InvalidPayload, InvalidInteraction) as error:
            found.append(Rejected(str(error), entry))
    return found


def _change(change: Any, scope: str, received_at: str) -> list[Interaction | Rejected]:
    """One change; what it holds beside messages, statuses and preferences is not for us."""
    try:
        value = optional_object(required_object(change, "change"), "value")
        account = optional_text(optional_object(value, "metadata"), "phone_number_id") or ""
        contacts = [c for c in objects(value, "contacts") if isinstance(c, dict)]
        reader = _Reader(account, f"whatsapp_bsuid:{scope}", contacts, received_at)
        match change.get("field"):
            case "messages":
                return collect(objects(value, "messages"), reader.message) + collect(
                    objects(value, "statuses"), reader.status
                )
            case "user_preferences":
                return collect(objects(value, "user_preferences"), reader.preference)
        return []
    except InvalidPayload as error:
        return [Rejected(str(error), change)]


class _Reader:
    """Reads the items of one change, which share the account and the contacts."""

    def __init__(
        self, account: str, bsuid_kind: str, contacts: list[dict[str, Any]], received_at: str
    ):
        self.account = account
        self.bsuid_kind = bsuid_kind
        self.contacts = contacts
        self.received_at = received_at

    def message(self, item: Any) -> Iterator[Interaction]:
        item = required_object(item, "message")
        phone, bsuid = item.get("from"), item.get("from_user_id")
        contact = self._contact(phone, bsuid)
        people = self._people(
            phone or contact.get("wa_id"), bsuid or contact.get("user_id"), "proven"
        )
        context = optional_object(item, "context")
        system = optional_object(item, "system")
        if system.get("type") == "user_changed_number" and system.get("wa_id"):
            # The old number may go to somebody else one day: worth knowing, not proof.
            people.append(identifier("phone", _plus(system["wa_id"]), "stated"))
        yield build(
            NAME,
            "event.tracked" if system else "message.received",
            people[0],
            account=self.account,
            source_id=required_text(item, "id"),
            occurred_at=epoch_time(item.get("timestamp"), "timestamp"),
            received_at=self.received_at,
            identifiers=people[1:],
            traits=self._traits(contact),
            conversation={
                "reply_to": optional_text(context, "id"),
                "group_id": optional_text(item, "group_id"),
            },
            data=content(item),
        )

    def status(self, item: Any) -> Iterator[Interaction]:
        item = required_object(item, "status")
        wamid, status = required_text(item, "id"), required_text(item, "status")
        type_ = _STATUS_TYPES.get(status)
        if type_ is None:  # e.g. deleted, warning, played: nothing that the contract tells
            return
        occurred_at = epoch_time(item.get("timestamp"), "timestamp")
        phone, bsuid = item.get("recipient_id"), item.get("recipient_user_id")
        contact = self._contact(phone, bsuid)
        # Until it is delivered, the address is only what we typed.
        level = "proven" if status in ("delivered", "read") else "stated"
        people = self._people(phone, bsuid or contact.get("user_id"), level)
        source_id = f"{wamid}:{status}:{item['timestamp']}"
        data: dict[str, Any] = {"provider": NAME, "provider_message_id": wamid}
        # What we gave it when we sent; other programs may send from the same number.
        if "biz_opaque_callback_data" in item:
            data["message_id"] = optional_text(item, "biz_opaque_callback_data")
        if "pricing" in item:
            data["pricing"] = optional_object(item, "pricing") or None
        code = None
        if "errors" in item:
            data["errors"] = objects(item, "errors") or None
            code = _code(item["errors"] or ())
            if code is not None:
                stopped = code == _STOPPED_MARKETING
                data["reason"] = "opted_out" if stopped else f"whatsapp: error {code}"
        yield build(
            NAME,
            type_,
            people[0],
            account=self.account,
            source_id=source_id,
            occurred_at=occurred_at,
            received_at=self.received_at,
            direction="outbound",
            identifiers=people[1:],
            data=data,
        )
        if code == _STOPPED_MARKETING:
            yield self._consent(
                "consent.withdrawn", people, f"{source_id}:stop", occurred_at, reason="stop"
            )

    def preference(self, item: Any) -> Iterator[Interaction]:
        item = required_object(item, "user_preference")
        wish = required_text(item, "value")
        if item.get("category") != "marketing_messages" or wish not in ("stop", "resume"):
            return
        occurred_at = epoch_time(item.get("timestamp"), "timestamp")
        contact = self._contact(item.get("wa_id"), item.get("user_id"))
        people = self._people(
            item.get("wa_id"), item.get("user_id") or contact.get("user_id"), "proven"
        )
        # Meta gives these no id of their own; the digest keeps the phone out of ours.
        whom = digest(people[0].kind, people[0].value)
        yield self._consent(
            "consent.withdrawn" if wish == "stop" else "consent.granted",
            people,
            f"preference:{whom}:{wish}:{item['timestamp']}",
            occurred_at,
            reason=wish,
            traits=self._traits(contact),
        )

    def _consent(
        self,
        type_: str,
        people: list[Identifier],
        source_id: str,
        occurred_at: str | None,
        *,
        reason: str,
        traits: dict[str, Any] | None = None,
    ) -> Interaction:
        """What a person told Meta about our marketing."""
        return build(
            NAME,
            type_,
            people[0],
            account=self.account,
            source_id=source_id,
            occurred_at=occurred_at,
            received_at=self.received_at,
            identifiers=people[1:],
            traits=traits,
            data={"channel": NAME, "purpose": "marketing", "actor": "subject", "reason": reason},
        )

    def _contact(self, phone: Any, bsuid: Any) -> dict[str, Any]:
        for contact in self.contacts:
            if (phone and contact.get("wa_id") == phone) or (
                bsuid and contact.get("user_id") == bsuid
            ):
                return contact
        # Brazilian numbers may differ by the ninth digit between `from` and `wa_id`.
        return self.contacts[0] if len(self.contacts) == 1 else {}

    def _people(self, phone: Any, bsuid: Any, level: str) -> list[Identifier]:
        people = []
        if phone:
            people.append(identifier("phone", _plus(phone), level))
        if bsuid:
            people.append(identifier(self.bsuid_kind, bsuid, level))
        if not people:
            raise InvalidPayload("neither a phone nor a user id")
        return people

    @staticmethod
    def _traits(contact: dict[str, Any]) -> dict[str, Any]:
        profile = optional_object(contact, "profile")
        return {
            "name": optional_text(profile, "name"),
            "whatsapp_username": optional_text(profile, "username"),
        }


def _code(errors: Iterable[Any]) -> int | None:
    """The code of the first error that has one."""
    for error in errors:
        if isinstance(error, dict) and type(error.get("code")) is int:
            return int(error["code"])
    return None


def _plus(phone: Any) -> str:
    """Meta gives international numbers without the plus sign."""
    if not isinstance(phone, str) or not phone.isascii() or not phone.lstrip("+").isdigit():
        raise InvalidPayload("the phone: must be digits")
    return "+" + phone.lstrip("+")
