"""Decide about a message that was asked for: to whom, on which channel, when, or not at all.

A message goes to addresses within one proven circle only: that of the address it is
about. Of the ways to that person the first is taken that consent allows; hours and caps
hold for what rests on consent. The next way is taken when one fails, or was not read in
time, and never otherwise: one message is one message.

Everything here may be repeated: where an attempt goes is entered once, on a condition,
before it is handed to a sender.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from enlace.domain import message_events
from enlace.domain.consent import AddressConsent, evaluate
from enlace.domain.delivery import Choice, MessageRecord, Request, State, Step
from enlace.domain.envelope import AddressRef, Entry, Event
from enlace.domain.interaction import utc_text
from enlace.domain.message_due import FAILED, is_due
from enlace.domain.message_events import CAUSES, DISPATCH_MESSAGE, DUE, UNREAD
from enlace.domain.message_policy import MessagePolicy
from enlace.domain.open_hours import closes_at, is_open, next_opening
from enlace.domain.send_plan import Way, ways
from enlace.domain.sender_channel import SenderChannels
from enlace.domain.traits import preferred_channel_of, surviving_traits
from enlace.errors import InvalidPayload, TemporaryFailure
from enlace.usecases.consents import StoredConsent
from enlace.usecases.message_ports import Alarms, Deliveries
from enlace.usecases.message_templates import language_of
from enlace.usecases.recipient_zones import zones_of
from enlace.usecases.recipients import Recipients

Done = tuple[str, list[Entry]]
_ASK_AGAIN = timedelta(minutes=5)


class PlanMessage:
    """The use case.

    Parameters
    ----------
    recipients : Recipients
        On the same channels.
    channels : mapping
        The channels that there are senders for.
    now : callable
        The current time, with a zone.
    """

    def __init__(
        self,
        *,
        recipients: Recipients,
        deliveries: Deliveries,
        alarms: Alarms,
        policy: MessagePolicy,
        channels: SenderChannels,
        now: Callable[[], datetime],
    ):
        self._recipients = recipients
        self._deliveries = deliveries
        self._alarms = alarms
        self._policy = policy
        self._channels = channels
        self._now = now

    def __call__(self, event: Event) -> Done:
        """Handle one ``dispatch.message`` event.

        Raises
        ------
        InvalidPayload
            If it is another event or a field is not of its type.
        TemporaryFailure
            If a store did not do its part.
        """
        data = event.data
        message_id, cause, attempt = data.get("message_id"), data.get("cause"), data.get("attempt")
        if event.name != DISPATCH_MESSAGE or event.major != 1:
            raise InvalidPayload("not a dispatch.message.v1 event")
        if not isinstance(message_id, str) or cause not in CAUSES or type(attempt) is not int:
            raise InvalidPayload("dispatch.message: a field is not of its type")
        record = self._deliveries.get(message_id)
        if record is None:
            # Entered before it was asked for, so it must be there.
            raise TemporaryFailure("the message is not on record")
        if not is_due(record, str(cause), attempt, policy=self._policy, channels=self._channels):
            if cause == UNREAD and self._is_on_its_way(record, attempt):
                # Its sender is slow, or waits for somebody's lease: ask again.
                at = utc_text(self._now() + _ASK_AGAIN)
                self._alarms.set(
                    message_id, purpose=record.purpose, cause=UNREAD, attempt=attempt, at=at
                )
            return f"nothing: the message is {record.state}", []
        return self.plan(record, attempt)

    def _is_on_its_way(self, record: MessageRecord, attempt: int) -> bool:
        request = record.request
        open_ = record.state == State.ACCEPTED and record.attempt in (0, attempt)
        return open_ and request is not None and utc_text(self._now()) < request.expires_at

    def failed(self, message_id: str, attempt: int | None) -> Done:
        """Take the next way, an attempt having failed; nothing where there is none.

        Parameters
        ----------
        attempt : int or None
            None: the present one, where the report does not say.
        """
        record = self._deliveries.get(message_id)
        if record is not None and attempt is None:
            attempt = record.attempt
        if (
            record is None
            or attempt is None
            or not is_due(record, FAILED, attempt, policy=self._policy, channels=self._channels)
        ):
            return "nothing: no other way is due", []
        return self.plan(record, attempt)

    def plan(self, record: MessageRecord, attempt: int) -> Done:
        """Decide about the attempt after ``attempt``."""
        request = record.request
        if request is None:
            raise InvalidPayload("the message was not asked for")
        now = self._now()
        at = utc_text(now)
        if record.attempt == attempt + 1:
            # Decided before, and cut off before the sender was asked.
            choice = Choice(record.attempt, record.channel, record.contact_kind, record.contact_key)
            return self._send(record, request, choice, [], at, "", request.expires_at)
        decided = self._decided(record, attempt)
        again = [Step(at, "chosen", "as decided before", decided.channel)] if decided else []
        to = "expired" if request.expires_at <= at else self._recipients.of(request)
        if isinstance(to, str):
            if decided:
                return self._send(record, request, decided, again, at, "", request.expires_at)
            return self._end(record, attempt, at, to, [])
        records, consents = to.records, to.consents
        traits = surviving_traits(records.values(), least_level="stated")
        tried = {step.channel for step in record.steps if step.what == "chosen"}
        tried |= {record.channel} - {""}
        found = ways(
            to.addresses,
            self._channels,
            asked=request.channels,
            asked_key="" if request.by_customer else request.to_key,
            preferred=preferred_channel_of(traits),
        )
        steps: list[Step] = []
        if attempt:
            # It may have waited for the morning in between.
            before = FAILED if record.state == State.FAILED else UNREAD
            steps.append(Step(at, "fallback", f"the way before: {before}", record.channel))
        way: Way | None
        if decided:
            place = (decided.channel, decided.contact_key)
            way = next((w for w in found if (w.channel.name, w.address.key) == place), None)
            if way is None:
                return self._send(record, request, decided, again, at, "", request.expires_at)
        else:
            untried = [way for way in found if way.channel.name not in tried]
            way = self._allowed(untried, record, consents, at, steps)
        if way is None:
            # The others' reasons stand among the steps.
            reason = steps[0].why if steps else "no address that the channels asked for reach"
            return self._end(record, attempt, at, reason, steps)
        expires_at = request.expires_at
        if self._policy.needs_consent(record.purpose) and way.channel.quiet_hours:
            zones = zones_of(records[way.address.key], records.values())
            hours = self._policy.open_hours
            if not is_open(hours, zones, now):
                due = utc_text(next_opening(hours, zones, now))
                return self._defer(record, attempt, at, due, way, steps)
            expires_at = min(expires_at, utc_text(closes_at(hours, zones, now)))
        choice = Choice(attempt + 1, way.channel.name, way.address.kind, way.address.key)
        steps.append(Step(at, "chosen", _how(way, request), way.channel.name))
        language = request.language or language_of(
            {name: trait["value"] for name, trait in traits.items()}
        )
        entered = self._enter(record, choice, steps, consents)
        if entered is None:
            return self._end(record, attempt, at, "frequency cap", steps[:-1])
        others = {other.channel.name for other in found} - tried - {entered.channel}
        self._watch(record, request, entered, others)
        if entered != choice:
            # An earlier look at it decided, and was cut off before the sender was asked.
            steps[-1] = Step(at, "chosen", "as decided before", entered.channel)
        # Under a reservation the steps are on no record yet: the sender enters them.
        told = steps if self._policy.needs_consent(record.purpose) else []
        return self._send(record, request, entered, told, at, language, expires_at)

    def _decided(self, record: MessageRecord, attempt: int) -> Choice | None:
        """Where an earlier look sent this attempt; its sender may be at it.

        Then nothing is decided any more, not even that it is denied: that is the gate's.
        """
        if not self._policy.needs_consent(record.purpose):
            return None
        return self._deliveries.reserved(record.customer_id, record.message_id, attempt + 1)

    def _enter(
        self,
        record: MessageRecord,
        choice: Choice,
        steps: Sequence[Step],
        consents: Mapping[str, StoredConsent],
    ) -> Choice | None:
        """Where the attempt goes, on record; None where a cap is reached."""
        if not self._policy.needs_consent(record.purpose):
            return self._deliveries.decide(record.message_id, choice, steps)
        counted = [
            (claim.message_id, claim.at)
            for stored in consents.values()
            for claim in stored.claims
            if claim.capped
        ]
        return self._deliveries.reserve(
            record.customer_id,
            record.message_id,
            choice,
            caps=self._policy.caps,
            counted=counted,
            now=int(self._now().timestamp()),
        )

    def _send(
        self,
        record: MessageRecord,
        request: Request,
        choice: Choice,
        steps: Sequence[Step],
        at: str,
        language: str,
        expires_at: str,
    ) -> Done:
        if not language:
            language = request.language or self._recipients.language(choice.contact_key)
        command = message_events.send_message(
            message_id=record.message_id,
            customer_id=record.customer_id,
            purpose=record.purpose,
            template=record.template,
            template_version=record.version,
            language=language,
            channel=choice.channel,
            contact_point=AddressRef(choice.contact_kind, choice.contact_key),
            data=request.data,
            expires_at=expires_at,
            occurred_at=record.accepted_at,
            recorded_at=at,
            correlation_id=record.message_id,
            causation_id=record.message_id,
            attempt=choice.attempt,
            why=[[step.at, step.what, step.why, step.channel] for step in steps],
            attachments=request.attachments,
        )
        return f"{record.purpose} by {choice.channel}: asked for", [command]

    def _watch(
        self,
        record: MessageRecord,
        request: Request,
        choice: Choice,
        others: Collection[str],
    ) -> None:
        """Come back when it was not read in time, where there is another way."""
        seconds = request.fallback_after_seconds or self._policy.fallback_after_seconds.get(
            choice.channel, 0
        )
        if not seconds or not others:
            return
        at = utc_text(self._now() + timedelta(seconds=seconds))
        if at < request.expires_at:
            self._alarms.set(
                record.message_id,
                purpose=record.purpose,
                cause=UNREAD,
                attempt=choice.attempt,
                at=at,
            )

    def _allowed(
        self,
        found: Sequence[Way],
        record: MessageRecord,
        consents: Mapping[str, StoredConsent],
        at: str,
        steps: list[Step],
    ) -> Way | None:
        """The first way that consent allows; why not the others goes into ``steps``."""
        for way in found:
            stored = consents.get(way.address.key)
            ruling = evaluate(
                stored.consent if stored else AddressConsent(),
                record.purpose,
                way.channel.name,
                now=at,
                policy=self._policy.consent,
            )
            if ruling.allowed:
                return way
            decided = f" ({ruling.event_id})" if ruling.event_id else ""
            why = f"consent, step {ruling.step}: {ruling.reason}{decided}"
            steps.append(Step(at, "skipped", why, way.channel.name))
        return None

    def _defer(
        self, record: MessageRecord, attempt: int, at: str, due: str, way: Way, steps: list[Step]
    ) -> Done:
        request = record.request
        if request is None or due >= request.expires_at:
            return self._end(record, attempt, at, "expires before it may ring", steps)
        # First, so that a crash leaves an alarm too many and not a message forgotten.
        self._alarms.set(
            record.message_id, purpose=record.purpose, cause=DUE, attempt=attempt, at=due
        )
        why = "consent, step 8: quiet hours where the recipient is"
        steps.append(Step(at, "deferred", why, way.channel.name))
        self._deliveries.put_off(
            record.message_id,
            State.DEFERRED,
            attempt,
            at=at,
            reason=why,
            steps=steps,
            due_at=due,
        )
        return f"deferred until {due}", []

    def _end(
        self, record: MessageRecord, attempt: int, at: str, reason: str, steps: Sequence[Step]
    ) -> Done:
        if attempt:
            # It did go out, or fail, on the way before: there is no other way, that is all.
            return f"nothing: {reason}", []
        told = [*steps, Step(at, "denied", reason)]
        self._deliveries.put_off(
            record.message_id, State.DENIED, attempt, at=at, reason=reason, steps=told
        )
        return f"denied: {reason}", []


def _how(way: Way, request: Request) -> str:
    if way.address.key == request.to_key:
        return "the address that was named"
    return "within the proven circle of what was named"
