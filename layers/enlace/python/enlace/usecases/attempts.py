"""One attempt at a message: entered once, watched, and handed to its sender.

What rests on consent is entered in a reservation, where caps are counted; the rest on the
message's record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from enlace.domain import message_events
from enlace.domain.delivery import Choice, MessageRecord, Request, Step
from enlace.domain.envelope import AddressRef, Entry
from enlace.domain.interaction import utc_text
from enlace.domain.message_events import UNREAD
from enlace.domain.message_policy import MessagePolicy
from enlace.usecases.consent_ports import StoredConsent
from enlace.usecases.message_ports import Alarms, Deliveries
from enlace.usecases.recipients import Recipients

#: What was done, in words, and what is to be published.
Done = tuple[str, list[Entry]]


class Attempts:
    """See :class:`enlace.usecases.plan_message.PlanMessage` for the parameters."""

    def __init__(
        self,
        *,
        recipients: Recipients,
        deliveries: Deliveries,
        alarms: Alarms,
        policy: MessagePolicy,
        now: Callable[[], datetime],
    ):
        self._recipients = recipients
        self._deliveries = deliveries
        self._alarms = alarms
        self._policy = policy
        self._now = now

    def decided(self, record: MessageRecord, attempt: int) -> Choice | None:
        """Where an earlier look sent this attempt; its sender may be at it.

        Then nothing is decided any more, not even that it is denied: that is the gate's.
        """
        if not self._policy.needs_consent(record.purpose):
            return None
        return self._deliveries.reserved(record.customer_id, record.message_id, attempt)

    def enter(
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

    def watch(
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

    def hand_over(
        self,
        record: MessageRecord,
        request: Request,
        choice: Choice,
        steps: Sequence[Step],
        at: str,
        *,
        language: str = "",
        expires_at: str = "",
    ) -> Done:
        """Ask the sender for it.

        Parameters
        ----------
        steps : sequence of Step
            What was decided on the way here and is on no record yet.
        language : str
            "" for the one asked for, else that of the address.
        expires_at : str
            "" for when the request ends.
        """
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
            # Its sender reads them in the record: what people are told is no news for the bus.
            data={},
            expires_at=expires_at or request.expires_at,
            occurred_at=record.accepted_at,
            recorded_at=at,
            correlation_id=record.message_id,
            causation_id=record.message_id,
            attempt=choice.attempt,
            why=[[step.at, step.what, step.why, step.channel] for step in steps],
            attachments=request.attachments,
        )
        return f"{record.purpose} by {choice.channel}: asked for", [command]
