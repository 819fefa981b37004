"""Records of messages in memory; passes the suite that the delivery table passes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from enlace.domain.delivery import SETTLED, Choice, MessageRecord, Request, State, Step
from enlace.domain.message_policy import Cap
from enlace.domain.reservations import Reservation, choice_of, load, reserved
from enlace.errors import TemporaryFailure

_OPEN = (State.ACCEPTED, State.DEFERRED)


class MemoryDeliveries:
    """:class:`enlace.aws.delivery_table.DeliveryTable` in memory."""

    def __init__(self) -> None:
        self.records: dict[str, MessageRecord] = {}
        self.persons: dict[str, str] = {}
        self._reported_at: dict[str, str] = {}

    def get(self, message_id: str) -> MessageRecord | None:
        """A message's record."""
        return self.records.get(message_id)

    def accept(self, message: MessageRecord) -> bool:
        """Enter a message that was asked for; known ones stay as they are."""
        return self.records.setdefault(message.message_id, message) is message

    def decide(self, message_id: str, choice: Choice, steps: Sequence[Step]) -> Choice:
        """Enter where an attempt goes, once."""
        record = self.records[message_id]
        if record.attempt == choice.attempt - 1:
            self.records[message_id] = replace(
                record,
                state=State.ACCEPTED,
                attempt=choice.attempt,
                channel=choice.channel,
                contact_kind=choice.contact_kind,
                contact_key=choice.contact_key,
                due_at="",
                steps=(*record.steps, *steps),
            )
            return choice
        if record.attempt != choice.attempt:
            raise TemporaryFailure("the message has moved on")
        return Choice(record.attempt, record.channel, record.contact_kind, record.contact_key)

    def reserve(
        self,
        person: str,
        message_id: str,
        choice: Choice,
        *,
        caps: Collection[Cap],
        counted: Collection[tuple[str, int]],
        now: int,
    ) -> Choice | None:
        """Enter where an attempt goes, if the person may get one more."""
        known = load(self.persons.get(person, ""))
        if entered := choice_of(known, message_id, choice.attempt):
            return entered
        mine = Reservation(message_id, now, choice)
        after = reserved(known, mine, caps=caps, counted=counted)
        if after is None:
            return None
        self.persons[person] = after
        return choice

    def reserved(self, person: str, message_id: str, attempt: int) -> Choice | None:
        """Where an attempt goes, if that was reserved."""
        return choice_of(load(self.persons.get(person, "")), message_id, attempt)

    def put_off(
        self,
        message_id: str,
        state: State,
        attempt: int,
        *,
        at: str,
        reason: str,
        steps: Iterable[Step],
        due_at: str = "",
        about: str = "",
    ) -> bool:
        """Enter that nothing goes out now, or at all."""
        record = self.records.get(message_id)
        if record is None or record.state not in _OPEN or record.attempt != attempt:
            return False
        self.records[message_id] = replace(
            record,
            state=state,
            reason=reason,
            due_at=due_at,
            request=record.request if state == State.DEFERRED else _forgotten(record),
            settled_at="" if state == State.DEFERRED else at,
            steps=(*record.steps, *steps),
        )
        return True

    def forget(self, message_id: str, attempt: int) -> None:
        """Let the data go of a message whose attempt is over."""
        record = self.records.get(message_id)
        if record and record.attempt == attempt and record.state in SETTLED:
            self.records[message_id] = replace(record, request=_forgotten(record))

    def settle(self, message: MessageRecord, *, last: bool = False) -> MessageRecord:
        """Enter how an attempt ended."""
        known = self.records.get(message.message_id)
        if known is None:
            self.records[message.message_id] = message
            return message
        later = 1 <= known.attempt < message.attempt
        if not later and (known.attempt not in (0, message.attempt) or known.state not in _OPEN):
            if known.attempt == 0:
                known = replace(
                    known,
                    attempt=message.attempt,
                    channel=message.channel,
                    contact_kind=message.contact_kind,
                    contact_key=message.contact_key,
                )
                self.records[message.message_id] = known
            return known
        self.records[message.message_id] = replace(
            known,
            state=message.state,
            reason=message.reason,
            provider=message.provider,
            provider_message_id=message.provider_message_id,
            settled_at=message.settled_at,
            attempt=message.attempt,
            channel=message.channel,
            contact_kind=message.contact_kind,
            contact_key=message.contact_key,
            template=known.template or message.template,
            purpose=known.purpose or message.purpose,
            customer_id=known.customer_id or message.customer_id,
            due_at="",
            request=(_forgotten(known) if last or message.state == State.DENIED else known.request),
            steps=(*known.steps, *message.steps),
        )
        return message

    def report(
        self,
        message_id: str,
        state: State,
        *,
        at: str,
        channel: str = "",
        provider_message_id: str = "",
        reason: str = "",
        read: bool = False,
    ) -> bool:
        """Enter what the provider's own events say."""
        known = self.records.get(message_id)
        if known is None:
            return False
        if state == State.SENT:
            news = known.state == State.ACCEPTED
        else:
            news = known.state != State.DENIED and self._reported_at.get(message_id, "") < at
        if state == State.FAILED and channel and known.channel not in ("", channel):
            news = False
        if not news:
            return False
        self._reported_at[message_id] = at
        self.records[message_id] = replace(
            known,
            state=state,
            reason=reason,
            settled_at=at,
            reported=True,
            provider_message_id=provider_message_id or known.provider_message_id,
            request=_forgotten(known) if read else known.request,
            read_at=(known.read_at or at) if read else known.read_at,
        )
        return True


def _forgotten(record: MessageRecord) -> Request | None:
    return replace(record.request, data={}, forgotten=True) if record.request else None
