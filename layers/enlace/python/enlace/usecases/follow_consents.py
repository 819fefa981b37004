"""What people and providers say on the channels about being written to, into the ledger.

Three kinds of recorded interactions say it: consent that a channel reports, a text that
takes it back (*SAIR*), and a provider's word that an address is dead. Only whoever
speaks through an address speaks for it: a stop counts where possession of the contact
point was proven, so that nobody opts a stranger out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from enlace.domain import events
from enlace.domain.consent import CONFIRMATION, MARKETING_ONLY, SUBJECT, ConsentRecord
from enlace.domain.consent_events import consent_changed
from enlace.domain.envelope import AddressRef, Entry, Event
from enlace.domain.send_gate import CHANNEL_OF_KIND, MARKETING
from enlace.errors import InvalidPayload, TemporaryFailure
from enlace.usecases.consents import Answer, Consents
from enlace.usecases.message_templates import language_of

SOURCE = "enlace.record_consent"
CONFIRMED = "opt_out_confirmed"
#: The confirmation must not come as a surprise a day later.
CONFIRM_SECONDS = 300

_REPORTED = {
    "consent.granted": "granted",
    "consent.denied": "denied",
    "consent.withdrawn": "withdrawn",
}


class Timeline(Protocol):
    """Recorded interactions."""

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The stored body of one interaction."""


class Publisher(Protocol):
    """The bus."""

    def publish_all(self, entries: Sequence[Entry]) -> None:
        """Publish events, all of them."""


class FollowConsents:
    """The use case of the consumer.

    Parameters
    ----------
    now, later : callable
        The current contract time, and the one some seconds from now.
    """

    def __init__(
        self,
        consents: Consents,
        *,
        timeline: Timeline,
        bus: Publisher,
        now: Callable[[], str],
        later: Callable[[int], str],
    ):
        self._consents = consents
        self._timeline = timeline
        self._bus = bus
        self._now = now
        self._later = later

    def __call__(self, event: Event) -> str:
        """Handle one ``interaction.recorded`` event.

        Returns
        -------
        str
            What was done, for the log.

        Raises
        ------
        InvalidPayload
            If the event is another one or lacks a field.
        TemporaryFailure
            If a table or the bus did not do its part.
        """
        if event.name != events.INTERACTION_RECORDED or event.major != 1:
            raise InvalidPayload("not an interaction.recorded.v1 event")
        try:
            point = event.data["contact_point"]
            body = self._timeline.get(point["key"], event.data["timeline_key"])
            if body is None:
                # Recorded before it was published, so it must be there.
                raise TemporaryFailure("the interaction is not in the timeline")
            type_ = event.data["type"]
            if type_ in _REPORTED:
                return self._reported(event, body, _REPORTED[type_])
            if type_ == "message.failed":
                return self._failed(event, body)
            if event.data.get("opt_out"):
                return self._replied(event, body, event.data["opt_out"])
        except KeyError as error:
            raise InvalidPayload(f"interaction.recorded: {error} is missing") from None
        return "nothing: it says nothing about consent"

    def _reported(self, event: Event, body: Mapping[str, Any], state: str) -> str:
        data = body.get("data", {})
        proven = body["contact_point"]["level"] == "proven"
        said_by_subject = data.get("actor", SUBJECT) == SUBJECT
        if state != "granted":
            # Whoever reports a no is believed: it costs a message, and no trust.
            actor = SUBJECT if said_by_subject else "import"
        else:
            actor = SUBJECT if proven and said_by_subject else "import"
        complaint = data.get("reason") == "complaint"
        return self._record(
            event,
            body,
            state,
            actor=actor,
            channel=_word(data.get("channel")) or self._channel(event),
            purpose=_word(data.get("purpose")) or MARKETING,
            stops={MARKETING_ONLY: "complaint"} if complaint else {},
        )

    def _failed(self, event: Event, body: Mapping[str, Any]) -> str:
        data = body.get("data", {})
        if data.get("reason") != "bounce" or data.get("bounce_type") != "Permanent":
            return "nothing: the address may still work"
        channel = self._channel(event)
        return self._record(
            event,
            body,
            "invalidated",
            actor="provider",
            channel=channel,
            purpose="delivery",
            stops={channel: "hard_bounce"},
        )

    def _replied(self, event: Event, body: Mapping[str, Any], opt_out: str) -> str:
        if body["contact_point"]["level"] != "proven":
            return "nothing: whoever wrote has not shown that the address is theirs"
        channel = self._channel(event)
        if opt_out != "stop":
            return self._record(event, body, "paused", actor=SUBJECT, channel=channel)
        return self._record(
            event, body, "withdrawn", actor=SUBJECT, channel=channel, stops={channel: "stop"}
        )

    def _record(
        self,
        event: Event,
        body: Mapping[str, Any],
        state: str,
        *,
        actor: str,
        channel: str,
        purpose: str = MARKETING,
        stops: Mapping[str, str] | None = None,
    ) -> str:
        point = AddressRef(event.data["contact_point"]["kind"], event.data["contact_point"]["key"])
        data = body.get("data", {})
        notice = data.get("notice") if isinstance(data.get("notice"), dict) else {}
        record = ConsentRecord(
            # The interaction is recorded once, so what it says is, too.
            event_id=event.data["interaction_id"],
            purpose=purpose,
            channel=channel,
            state=state,
            actor=actor,
            occurred_at=event.data["occurred_at"],
            received_at=str(body.get("received_at") or event.data["occurred_at"]),
            has_evidence=True,
            notice_version=str(notice.get("version") or "")[:64],
        )
        details = {
            "source_event_id": event.data["interaction_id"],
            "timeline_key": event.data["timeline_key"],
            "method": str(data.get("reason") or event.data.get("opt_out") or event.data["type"]),
            "notice": notice,
        }
        holds = self._consents.record(point.key, record, details, stops=stops)
        entries = [
            consent_changed(
                consent_id=record.event_id,
                contact_point=point,
                purpose=purpose,
                channel=channel,
                said=state,
                actor=actor,
                allowed=holds.ruling.allowed,
                occurred_at=record.occurred_at,
                recorded_at=self._now(),
                source=SOURCE,
            )
        ]
        if stops and state == "withdrawn" and "stop" in stops.values():
            entries += self._confirmation(event, body, point, record, holds)
        self._bus.publish_all(entries)
        return f"{state}: {purpose} on {channel}"

    def _confirmation(
        self,
        event: Event,
        body: Mapping[str, Any],
        point: AddressRef,
        record: ConsentRecord,
        holds: Answer,
    ) -> list[Entry]:
        """One answer to the first stop; who says it again has had it."""
        channel = CHANNEL_OF_KIND.get(point.kind)
        decided = holds.record or {}
        if channel != record.channel or decided.get("event_id") != record.event_id:
            return []
        if decided["stopped_before"]:
            return []
        now = self._now()
        return [
            events.send_message(
                message_id=events.message_id(record.event_id, CONFIRMED),
                customer_id=event.data["customer_id"],
                purpose=CONFIRMATION,
                template=CONFIRMED,
                language=language_of(body.get("traits", {})),
                channel=channel,
                contact_point=point,
                data={},
                expires_at=self._later(CONFIRM_SECONDS),
                occurred_at=record.occurred_at,
                recorded_at=now,
                correlation_id=record.event_id,
                causation_id=event.event_id,
                source=SOURCE,
            )
        ]

    def _channel(self, event: Event) -> str:
        return _word(event.data["channel"]) or "other"


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    known = text and text[0].isalpha() and text.replace("_", "").isalnum() and text.islower()
    return text[:64] if known and text.isascii() else ""
