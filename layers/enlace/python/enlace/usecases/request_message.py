"""Ask for a message: check everything that can be checked at once, enter it, and tell dispatch.

An address that nobody has seen yet is entered as one that the company gave: a message is
about an address, whoever's it is.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from enlace.domain.delivery import MessageRecord, Request, State
from enlace.domain.envelope import NAMESPACE, Entry
from enlace.domain.interaction import Identifier, Interaction, interaction_id, utc_text
from enlace.domain.message_events import ASKED, dispatch_message
from enlace.domain.message_policy import MessagePolicy
from enlace.domain.outgoing import Attachment
from enlace.domain.send_plan import PREFERRED
from enlace.domain.sender_channel import SenderChannels
from enlace.domain.template_source import is_name
from enlace.errors import EnlaceError, InvalidPayload, PayloadTooLarge
from enlace.usecases.find_customer import Customer
from enlace.usecases.message_templates import LANGUAGES
from enlace.usecases.publish import resolved_entries
from enlace.usecases.resolve import Resolved

SOURCE = "enlace.api_messages"
#: What somebody waits for is of no use tomorrow; a campaign may wait for open hours.
TTL = timedelta(hours=24)
BULK_TTL = timedelta(hours=72)
MAX_TTL = timedelta(days=7)
#: As it is kept and goes over the bus, whose events have 256 KB.
MAX_DATA_BYTES = 32 * 1024
#: Asked for by Enlace itself, and by nobody else: they pass where other purposes do not.
RESERVED = frozenset(("confirmation", "opt_in"))


class AskedOtherwise(EnlaceError):
    """The Idempotency-Key stands for another request already (answer 422)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request as it came in; see :class:`enlace.domain.delivery.Request`.

    ``to`` is an identifier; kind ``customer_id`` stands for the customer.
    """

    to: Identifier
    purpose: str
    template: str
    data: Mapping[str, Any]
    channels: tuple[str, ...] = (PREFERRED,)
    language: str = ""
    expires_at: str = ""
    fallback_after_seconds: int = 0
    attachments: tuple[Attachment, ...] = ()


class Accepted(NamedTuple):
    """A message that was asked for, and what of the request was left aside."""

    message: MessageRecord
    warnings: tuple[str, ...] = ()


class Templates(Protocol):
    """The texts."""

    def current(self, name: str) -> str: ...

    def purpose_of(self, name: str, version: str = "") -> frozenset[str]: ...

    def declared(self, name: str, version: str = "") -> frozenset[str]: ...

    def check(
        self, name: str, language: str, data: Mapping[str, Any], version: str = ""
    ) -> None: ...


class Deliveries(Protocol):
    """Records of messages."""

    def accept(self, message: MessageRecord) -> bool: ...

    def get(self, message_id: str) -> MessageRecord | None: ...


class Bus(Protocol):
    """Where events go."""

    def publish_all(self, entries: Sequence[Entry]) -> None: ...


class RequestMessage:
    """The use case.

    Parameters
    ----------
    customer_of : callable
        The customer of an identifier, or None where it was never seen; raises ``NotFound``
        for a customer id that was never given out.
    key_of : callable
        The address key of an identifier; raises ``InvalidPayload`` if it is not valid.
    record : callable
        Records an interaction: the resolve use case.
    keep : callable
        Keeps an attachment under a message's id; gives its name.
    now : callable
        The current time, with a zone.
    """

    def __init__(
        self,
        *,
        customer_of: Callable[[Identifier], Customer | None],
        key_of: Callable[[Identifier], str],
        record: Callable[[Interaction], Resolved],
        templates: Templates,
        deliveries: Deliveries,
        bus: Bus,
        policy: MessagePolicy,
        channels: SenderChannels,
        keep: Callable[[str, int, Attachment], str],
        now: Callable[[], datetime],
    ):
        self._customer_of = customer_of
        self._key_of = key_of
        self._record = record
        self._templates = templates
        self._deliveries = deliveries
        self._bus = bus
        self._policy = policy
        self._channels = channels
        self._keep = keep
        self._now = now

    def __call__(self, wanted: Wanted, *, caller: str, idempotency_key: str) -> Accepted:
        """Enter a message; asking again with the same key is asking once.

        Data that the template has no variable for is dropped, and named in the warnings.

        Returns
        -------
        Accepted
            The message as it stands: further along, where it was asked for before.

        Raises
        ------
        InvalidPayload
            If a field cannot be used; names it and says what it must be.
        NotFound
            If the customer id was never given out.
        AskedOtherwise
            If the key stands for another request.
        TemporaryFailure
            If a service did not do its part; ask again with the same key.
        """
        now = self._now()
        wanted, version, warnings = self._checked(wanted, now)
        at = utc_text(now)
        key = f"message\x1f{caller}\x1f{idempotency_key}" if idempotency_key else str(uuid.uuid4())
        message_id = str(uuid.uuid5(NAMESPACE, key))
        to_key, customer_id, entries = self._to(wanted.to, message_id, at)
        attachments = tuple(
            self._keep(message_id, number, one) for number, one in enumerate(wanted.attachments)
        )
        bulk = self._policy.needs_consent(wanted.purpose)
        message = MessageRecord(
            message_id,
            State.ACCEPTED,
            template=wanted.template,
            version=version,
            purpose=wanted.purpose,
            customer_id=customer_id,
            accepted_at=at,
            request=Request(
                to_key,
                wanted.to.kind == "customer_id",
                wanted.channels,
                dict(wanted.data),
                wanted.expires_at or utc_text(now + (BULK_TTL if bulk else TTL)),
                wanted.language,
                wanted.fallback_after_seconds,
                attachments,
            ),
        )
        if not self._deliveries.accept(message):
            message = self._known(message, explicit_end=bool(wanted.expires_at))
        entries.append(
            dispatch_message(
                message_id=message_id,
                purpose=message.purpose,
                cause=ASKED,
                attempt=0,
                source=SOURCE,
                at=message.accepted_at,
            )
        )
        self._bus.publish_all(entries)
        return Accepted(message, warnings)

    def _known(self, message: MessageRecord, *, explicit_end: bool) -> MessageRecord:
        known = self._deliveries.get(message.message_id)
        if known is None or known.request is None or message.request is None:
            raise AskedOtherwise("the Idempotency-Key stands for another request")
        mine = message.request
        if not explicit_end:
            mine = replace(mine, expires_at=known.request.expires_at)
        if known.request.forgotten:
            # What was sent is not kept, so that other data was asked for cannot be told.
            mine = replace(mine, data=known.request.data, forgotten=True)
        same = (known.template, known.purpose, known.request) == (
            message.template,
            message.purpose,
            mine,
        )
        if not same:
            raise AskedOtherwise("the Idempotency-Key stands for another request")
        return known

    def _checked(self, wanted: Wanted, now: datetime) -> tuple[Wanted, str, tuple[str, ...]]:
        """What of it can be sent, by which version of its template, and what was dropped."""
        if wanted.purpose in RESERVED:
            raise InvalidPayload(f"purpose: {wanted.purpose} is asked for by the hub alone")
        known = sorted((*self._channels, PREFERRED))
        if not wanted.channels or not set(wanted.channels) <= set(known):
            raise InvalidPayload(f"channels: must be some of {', '.join(known)}")
        if wanted.language and wanted.language not in LANGUAGES:
            raise InvalidPayload(f"language: must be one of {', '.join(LANGUAGES)}")
        if wanted.expires_at:
            end = datetime.fromisoformat(wanted.expires_at)
            if not now < end <= now + MAX_TTL:
                raise InvalidPayload("expires_at: must lie ahead, by seven days at most")
        version = self._templates.current(wanted.template)
        purposes = self._templates.purpose_of(wanted.template, version)
        if wanted.purpose not in purposes:
            raise InvalidPayload(
                f"purpose: the template {wanted.template} is for {', '.join(sorted(purposes))}"
            )
        declared = self._templates.declared(wanted.template, version)
        data = {name: value for name, value in wanted.data.items() if name in declared}
        try:
            size = len(json.dumps(data, ensure_ascii=False).encode())
        except UnicodeEncodeError:
            # A lone surrogate is valid JSON, and no store keeps it.
            raise InvalidPayload("data: must be valid Unicode text") from None
        if size > MAX_DATA_BYTES:
            raise PayloadTooLarge(f"data: over {MAX_DATA_BYTES} bytes")
        # A field's name that is no word may be a value that went astray: it is not repeated.
        unknown = sorted({name if is_name(name) else "?" for name in wanted.data} - declared)
        self._templates.check(wanted.template, wanted.language or LANGUAGES[0], data, version)
        warnings = tuple(f"data.{name}: the template has no such variable" for name in unknown)
        return replace(wanted, data=data), version, warnings

    def _to(self, to: Identifier, message_id: str, at: str) -> tuple[str, str, list[Entry]]:
        """Address key, customer, and what became known on the way."""
        customer = self._customer_of(to)
        if customer is not None:
            return customer.asked.key, customer.id, []
        key = self._key_of(to)
        if not any(channel.reaches(to.kind) for channel in self._channels.values()):
            raise InvalidPayload("to.identifier: nobody is known by it, and no sender reaches it")
        source_id = f"message:{message_id}"
        resolved = self._record(
            Interaction(
                id=interaction_id("api", "messages", source_id),
                source_id=source_id,
                channel="api",
                account="messages",
                type="customer.identified",
                direction="inbound",
                occurred_at=at,
                received_at=at,
                # The company says that there is such an address, and not whose it is.
                contact_point=Identifier(to.kind, to.value, "imported"),
                data={"message_id": message_id},
            )
        )
        return key, resolved.customer_id, resolved_entries(resolved, at)
