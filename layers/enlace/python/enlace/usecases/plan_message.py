"""Decide about a message that was asked for: to whom, on which channel, when, or not at all.

A message goes to addresses within one proven circle only: that of the address it is
about. Of the ways to that person the first is taken that consent allows; hours and caps
hold for what rests on consent. The next way is taken when one fails, or was not read in
time, and never otherwise: one message is one message.

Everything here may be repeated: where an attempt goes is entered once, on a condition,
before it is handed to a sender.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from enlace.domain.consent import AddressConsent, evaluate
from enlace.domain.delivery import SETTLED, Choice, MessageRecord, Request, State, Step
from enlace.domain.envelope import Event
from enlace.domain.interaction import utc_text
from enlace.domain.message_due import FAILED, is_due
from enlace.domain.message_events import CAUSES, DISPATCH_MESSAGE, DUE, UNREAD
from enlace.domain.message_policy import MessagePolicy
from enlace.domain.open_hours import closes_at, is_open, next_opening
from enlace.domain.send_plan import Way, ways
from enlace.domain.sender_channel import SenderChannels
from enlace.domain.traits import preferred_channel_of, surviving_traits
from enlace.errors import InvalidPayload, TemporaryFailure
from enlace.usecases.attempts import Attempts, Done
from enlace.usecases.consent_ports import StoredConsent
from enlace.usecases.message_ports import Alarms, Deliveries
from enlace.usecases.message_templates import language_of
from enlace.usecases.recipient_zones import zones_of
from enlace.usecases.recipients import Recipient, Recipients

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
        self._attempts = Attempts(
            recipients=recipients, deliveries=deliveries, alarms=alarms, policy=policy, now=now
        )
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
            elif cause == UNREAD and record.state in SETTLED:
                # It was read, or failed where nothing follows: its data is needed no more.
                self._deliveries.forget(message_id, attempt)
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
        look = _Look(record, request, attempt, self._now())
        if record.attempt == attempt + 1:
            # Decided before, and cut off before the sender was asked.
            choice = Choice(record.attempt, record.channel, record.contact_kind, record.contact_key)
            return self._attempts.hand_over(record, request, choice, [], look.at)
        decided = self._attempts.decided(record, attempt + 1)
        to = "expired" if request.expires_at <= look.at else self._recipients.of(request)
        if not isinstance(to, str):
            traits = surviving_traits(to.records.values(), least_level="stated")
            found = ways(
                to.addresses,
                self._channels,
                asked=request.channels,
                asked_key="" if request.by_customer else request.to_key,
                preferred=preferred_channel_of(traits),
            )
            if decided is None:
                return self._choose(look, to, found)
            place = (decided.channel, decided.contact_key)
            if way := next((w for w in found if (w.channel.name, w.address.key) == place), None):
                return self._take(look, to, found, way)
        elif decided is None:
            return self._end(look, to)
        again = [Step(look.at, "chosen", "as decided before", decided.channel)]
        return self._attempts.hand_over(record, request, decided, again, look.at)

    def _choose(self, look: _Look, to: Recipient, found: Sequence[Way]) -> Done:
        """Take the first way that was not tried and that consent allows."""
        untried = [way for way in found if way.channel.name not in look.tried]
        way = self._allowed(look, untried, to.consents)
        if way is None:
            # The others' reasons stand among the steps.
            none = "no address that the channels asked for reach"
            return self._end(look, look.steps[0].why if look.steps else none)
        return self._take(look, to, found, way)

    def _take(self, look: _Look, to: Recipient, found: Sequence[Way], way: Way) -> Done:
        """Take a way, now or when it may ring there, if the person may get one more."""
        record, request, steps = look.record, look.request, look.steps
        expires_at = request.expires_at
        if self._policy.needs_consent(record.purpose) and way.channel.quiet_hours:
            hours = self._policy.open_hours
            zones = zones_of(to.records[way.address.key], to.records.values())
            if not is_open(hours, zones, look.now):
                return self._defer(look, utc_text(next_opening(hours, zones, look.now)), way)
            expires_at = min(expires_at, utc_text(closes_at(hours, zones, look.now)))
        choice = Choice(look.attempt + 1, way.channel.name, way.address.kind, way.address.key)
        chosen = Step(look.at, "chosen", _how(way, request), way.channel.name)
        entered = self._attempts.enter(record, choice, [*steps, chosen], to.consents)
        if entered is None:
            return self._end(look, "frequency cap")
        others = {other.channel.name for other in found} - look.tried - {entered.channel}
        self._attempts.watch(record, request, entered, others)
        if entered != choice:
            # An earlier look at it decided, and was cut off before the sender was asked.
            chosen = Step(look.at, "chosen", "as decided before", entered.channel)
        # Under a reservation the steps are on no record yet: the sender enters them.
        told = [*steps, chosen] if self._policy.needs_consent(record.purpose) else []
        return self._attempts.hand_over(
            record,
            request,
            entered,
            told,
            look.at,
            language=request.language or _language(to),
            expires_at=expires_at,
        )

    def _allowed(
        self, look: _Look, found: Sequence[Way], consents: Mapping[str, StoredConsent]
    ) -> Way | None:
        """The first way that consent allows; why not the others goes into the steps."""
        for way in found:
            stored = consents.get(way.address.key)
            ruling = evaluate(
                stored.consent if stored else AddressConsent(),
                look.record.purpose,
                way.channel.name,
                now=look.at,
                policy=self._policy.consent,
            )
            if ruling.allowed:
                return way
            decided = f" ({ruling.event_id})" if ruling.event_id else ""
            why = f"consent, step {ruling.step}: {ruling.reason}{decided}"
            look.steps.append(Step(look.at, "skipped", why, way.channel.name))
        return None

    def _defer(self, look: _Look, due: str, way: Way) -> Done:
        record = look.record
        if due >= look.request.expires_at:
            return self._end(look, "expires before it may ring")
        # First, so that a crash leaves an alarm too many and not a message forgotten.
        self._alarms.set(
            record.message_id, purpose=record.purpose, cause=DUE, attempt=look.attempt, at=due
        )
        why = "consent, step 8: quiet hours where the recipient is"
        self._deliveries.put_off(
            record.message_id,
            State.DEFERRED,
            look.attempt,
            at=look.at,
            reason=why,
            steps=[*look.steps, Step(look.at, "deferred", why, way.channel.name)],
            due_at=due,
            about=look.request.to_key,
        )
        return f"deferred until {due}", []

    def _end(self, look: _Look, reason: str) -> Done:
        if look.attempt:
            # It did go out, or fail, on the way before: there is no other way, that is all.
            self._deliveries.forget(look.record.message_id, look.attempt)
            return f"nothing: {reason}", []
        self._deliveries.put_off(
            look.record.message_id,
            State.DENIED,
            look.attempt,
            at=look.at,
            reason=reason,
            steps=[*look.steps, Step(look.at, "denied", reason)],
            about=look.request.to_key,
        )
        return f"denied: {reason}", []


class _Look:
    """One look at a message, at one moment.

    Parameters
    ----------
    attempt : int
        The attempt after which one is looked for, 0 for none.
    """

    def __init__(self, record: MessageRecord, request: Request, attempt: int, now: datetime):
        self.record = record
        self.request = request
        self.attempt = attempt
        self.now = now
        self.at = utc_text(now)
        self.tried = {step.channel for step in record.steps if step.what == "chosen"}
        self.tried |= {record.channel} - {""}
        #: What is decided on the way, for the record.
        self.steps: list[Step] = []
        if attempt:
            # It may have waited for the morning in between.
            before = FAILED if record.state == State.FAILED else UNREAD
            self.steps.append(
                Step(self.at, "fallback", f"the way before: {before}", record.channel)
            )


def _how(way: Way, request: Request) -> str:
    if way.address.key == request.to_key:
        return "the address that was named"
    return "within the proven circle of what was named"


def _language(to: Recipient) -> str:
    traits = surviving_traits(to.records.values(), least_level="stated")
    return language_of({name: trait["value"] for name, trait in traits.items()})
