"""What people and providers say on the channels about being written to, into the ledger.

Recorded interactions say it in five ways: consent that a channel reports, a text that
takes it back (*SAIR*) or undoes that (*VOLTAR*), a provider's word that it was taken back
or that an address is dead, and a browser's signals. Only whoever speaks through an
address speaks for it: a stop counts where possession of the contact point was proven, so
that nobody opts a stranger out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeGuard

from enlace.domain import events
from enlace.domain.consent import MARKETING_ONLY, SHARING, SUBJECT, ConsentRecord
from enlace.domain.consent_events import consent_changed
from enlace.domain.envelope import AddressRef, Entry, Event
from enlace.domain.opt_out import SIGNAL, SIGNALS, Reply
from enlace.domain.privacy_signals import DENIED, read_signals
from enlace.domain.send_gate import MARKETING
from enlace.domain.sender_channel import SenderChannels
from enlace.errors import InvalidPayload
from enlace.usecases.consent_messages import ConsentMessages
from enlace.usecases.consents import Answer, Consents

SOURCE = "enlace.record_consent"

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")

#: The reason of a failed message whose recipient has said no to the provider.
OPTED_OUT = "opted_out"

_REPORTED = {
    "consent.requested": "requested",
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
    channels : mapping
        The channels that there are senders for.
    now, later : callable
        The current contract time, and the one some seconds from now.
    """

    def __init__(
        self,
        consents: Consents,
        *,
        timeline: Timeline,
        bus: Publisher,
        channels: SenderChannels,
        now: Callable[[], str],
        later: Callable[[int], str],
    ):
        self._consents = consents
        self._timeline = timeline
        self._bus = bus
        self._messages = ConsentMessages(channels, now=now, later=later, source=SOURCE)
        self._now = now

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
                # Recorded before it was published.
                return "nothing: erased"
            type_ = event.data["type"]
            if type_ in _REPORTED:
                return self._reported(event, body, _REPORTED[type_])
            if type_ == "message.failed":
                return self._failed(event, body)
            if event.data.get("opt_out") == SIGNAL:
                return self._signalled(event, body)
            if event.data.get("opt_out"):
                return self._replied(event, body, event.data["opt_out"])
        except KeyError as error:
            raise InvalidPayload(f"interaction.recorded: {error} is missing") from None
        return "nothing: it says nothing about consent"

    def _reported(self, event: Event, body: Mapping[str, Any], state: str) -> str:
        data, stops = body.get("data", {}), {}
        channel = _word(data.get("channel")) or self._channel(event)
        reason, actor = data.get("reason"), data.get("actor", SUBJECT)
        if state == "withdrawn" and reason == "complaint":
            stops = {MARKETING_ONLY: "complaint"}
        elif state == "withdrawn" and reason == "stop":
            # The provider was told, and confirms and stops by itself.
            stops = {channel: "stop"}
        # Whoever reports a no is believed: it costs a message, and no trust. Of a yes,
        # only what came through the address itself is evidence.
        proven = body["contact_point"]["level"] == "proven"
        record = self._record(
            event,
            body,
            state,
            actor=actor if actor in (SUBJECT, "agent") else "import",
            channel=channel,
            purpose=_word(data.get("purpose")) or MARKETING,
            has_evidence=proven or state != "granted",
            # Who takes a stop back at the provider has said no more than that.
            narrow=state == "granted" and reason in ("resume", "start"),
        )
        return self._note(event, body, record, stops=stops, proven=proven)

    def _failed(self, event: Event, body: Mapping[str, Any]) -> str:
        data = body.get("data", {})
        channel = self._channel(event)
        if data.get("reason") == OPTED_OUT:
            # Said to the provider, who refuses since then, and told us only now.
            record = self._record(event, body, "withdrawn", actor=SUBJECT, channel=channel)
            return self._note(event, body, record, stops={channel: "stop"})
        if data.get("reason") != "bounce" or data.get("bounce_type") != "Permanent":
            return "nothing: the address may still work"
        record = self._record(
            event, body, "invalidated", actor="provider", channel=channel, purpose="delivery"
        )
        return self._note(event, body, record, stops={channel: "hard_bounce"})

    def _replied(self, event: Event, body: Mapping[str, Any], opt_out: str) -> str:
        if body["contact_point"]["level"] != "proven":
            return "nothing: whoever wrote has not shown that the address is theirs"
        channel = self._channel(event)
        state = {Reply.STOP: "withdrawn", Reply.START: "granted"}.get(Reply(opt_out), "paused")
        record = self._record(event, body, state, actor=SUBJECT, channel=channel)
        stops = {channel: "stop"} if state == "withdrawn" else {}
        return self._note(event, body, record, stops=stops)

    def _signalled(self, event: Event, body: Mapping[str, Any]) -> str:
        said = read_signals(body.get("data", {}).get(SIGNALS))
        point = body["contact_point"]
        if point["level"] != "proven" and not point["kind"].startswith("anonymous_id"):
            # Anybody can claim to be somebody: what takes a denial back is not believed.
            # An anonymous id is known to its own browser alone.
            said = {name: word for name, word in said.items() if word == DENIED}
        if not said:
            return "nothing: no signal that counts"
        record = self._record(
            event, body, "signalled", actor=SUBJECT, channel=self._channel(event), purpose=SHARING
        )
        return self._note(event, body, replace(record, signals=tuple(sorted(said.items()))))

    def _record(
        self,
        event: Event,
        body: Mapping[str, Any],
        state: str,
        *,
        actor: str,
        channel: str,
        purpose: str = MARKETING,
        has_evidence: bool = True,
        narrow: bool = False,
    ) -> ConsentRecord:
        data = body.get("data", {})
        # The API records what it is told at once, and lets the request follow it here.
        recorded_as = data.get("consent_id") if state == "requested" else None
        return ConsentRecord(
            # The interaction is recorded once, so what it says is, too.
            event_id=recorded_as if _is_uuid(recorded_as) else event.data["interaction_id"],
            purpose=purpose,
            channel=channel,
            state=state,
            actor=actor,
            occurred_at=event.data["occurred_at"],
            received_at=str(body.get("received_at") or event.data["occurred_at"]),
            has_evidence=has_evidence,
            notice_version=str(_notice(data).get("version") or "")[:64],
            narrow=narrow,
        )

    def _note(
        self,
        event: Event,
        body: Mapping[str, Any],
        record: ConsentRecord,
        *,
        stops: Mapping[str, str] | None = None,
        proven: bool = True,
    ) -> str:
        point = AddressRef(event.data["contact_point"]["kind"], event.data["contact_point"]["key"])
        data, opt_out = body.get("data", {}), event.data.get("opt_out")
        details = {
            "source_event_id": event.data["interaction_id"],
            "timeline_key": event.data["timeline_key"],
            "method": str(data.get("reason") or opt_out or event.data["type"])[:64],
            "notice": _notice(data),
        }
        holds: Answer | None
        if record.state == "signalled":
            holds = self._consents.signal(point.key, record, details)
        elif opt_out == Reply.START:
            holds = self._consents.restart(point.key, record, details)
        else:
            holds = self._consents.record(point.key, record, details, stops=stops, proven=proven)
        if holds is None:
            return "nothing: it says nothing new"
        if holds.ignored:
            return "nothing: it was said before the address was erased"
        entries = [
            consent_changed(
                consent_id=record.event_id,
                contact_point=point,
                purpose=holds.purpose,
                channel=record.channel,
                said=holds.said,
                actor=record.actor,
                allowed=holds.ruling.allowed,
                occurred_at=record.occurred_at,
                recorded_at=self._now(),
                source=SOURCE,
            )
        ]
        if holds.asks:
            entries += self._messages.opt_in(event, body, point, record)
        # Where the provider has read the word itself, it has answered it itself.
        if opt_out == Reply.STOP and not data.get("opt_out_type"):
            entries += self._messages.opt_out(event, body, point, record, holds)
        self._bus.publish_all(entries)
        return f"{holds.said}: {holds.purpose} on {record.channel}"

    def _channel(self, event: Event) -> str:
        return _word(event.data["channel"]) or "other"


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    known = text and text[0].isalpha() and text.replace("_", "").isalnum() and text.islower()
    return text[:64] if known and text.isascii() else ""


def _notice(data: Mapping[str, Any]) -> dict[str, Any]:
    notice = data.get("notice")
    return notice if isinstance(notice, dict) else {}


def _is_uuid(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _UUID.match(value) is not None
