"""Send one message once, as far as the provider permits it.

The order: claim the message (a lease, so that two deliveries of the event do not
both send), look up its address, render, ask the gate, call the provider, settle,
report the outcome as an interaction, acknowledge. A crash after any step ends in
a redelivery:

- before the provider's call, the lease runs out and the message is sent;
- after it, nobody knows. A provider that drops repetitions is simply called again.
  With others, a transactional message is sent again after its lease unless the
  provider's own report has arrived meanwhile (at least once, at most
  ``MAX_ATTEMPTS`` times: missing a protocol number is worse than reading it
  twice); a marketing message is not (at most once);
- after settling, only the report is repeated, and it carries the same ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from enlace.domain.delivery import Claim, MessageRecord, State
from enlace.domain.envelope import Event
from enlace.domain.interaction import Identifier, Interaction, interaction_id, utc_text
from enlace.domain.outgoing import Outgoing
from enlace.domain.records import IdentifierRecord
from enlace.domain.send_gate import CHANNEL_OF_KIND, MARKETING, Verdict
from enlace.errors import (
    InvalidPayload,
    ProviderAmbiguous,
    ProviderRejected,
    ProviderUnavailable,
    TemporaryFailure,
)
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.send_command import Command, address_of, read_command

MAX_ATTEMPTS = 3


class MessageProvider(Protocol):
    """An adapter to a provider."""

    #: For records and reports.
    name: str
    #: Whether the provider drops a repetition of the same message id.
    idempotent: bool

    def send(self, message: Outgoing) -> str:
        """Hand a message over; gives the provider's id for it.

        Raises
        ------
        ProviderUnavailable
            If the provider certainly did not take it; later may do.
        ProviderRejected
            If it never will.
        ProviderAmbiguous
            If the acknowledgement was lost.
        """


class Identities(Protocol):
    """Look-up of identifiers."""

    def get_identifiers(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord]:
        """Known identifiers by address key."""


class Deliveries(Protocol):
    """Records of messages."""

    def claim(self, message: MessageRecord) -> Claim:
        """Take the message for this sender alone, or say who has it."""

    def release(self, claim: Claim) -> None:
        """Give it back: the provider certainly did nothing."""

    def settle(
        self,
        claim: Claim,
        state: State,
        *,
        reason: str = "",
        provider: str = "",
        provider_message_id: str = "",
    ) -> MessageRecord:
        """Enter how it ended; gives what the record says now."""


class DeliverMessage:
    """The deliver use case of one channel.

    Parameters
    ----------
    channel : str
        ``email`` or ``sms``.
    provider : MessageProvider
    gate : callable
        Command to verdict; asked immediately before the provider is called.
    report : callable
        Takes the outcome as an interaction to the interactions queue.
    account : str
        What the company sends from: the ``account`` of the outcome.
    now : callable
        The current time, with a zone.
    """

    def __init__(
        self,
        channel: str,
        provider: MessageProvider,
        *,
        identities: Identities,
        deliveries: Deliveries,
        templates: MessageTemplates,
        gate: Callable[[Command], Verdict],
        report: Callable[[Interaction], None],
        account: str,
        now: Callable[[], datetime],
    ):
        self._channel = channel
        self._provider = provider
        self._identities = identities
        self._deliveries = deliveries
        self._templates = templates
        self._gate = gate
        self._report = report
        self._account = account
        self._now = now

    def __call__(self, event: Event) -> MessageRecord:
        """Handle one ``send.message`` event.

        Returns
        -------
        MessageRecord
            Where the message is now.

        Raises
        ------
        InvalidPayload
            If the event, its template or its variables are not usable.
        TemporaryFailure
            If another sender has it, or it has to be tried again.
        """
        command = read_command(event)
        if command.channel != self._channel:
            raise InvalidPayload(f"send.message: not for the channel {self._channel}")
        claim = self._deliveries.claim(
            MessageRecord(
                command.message_id,
                State.SENDING,
                template=command.template,
                purpose=command.purpose,
                channel=command.channel,
                customer_id=command.customer_id,
                contact_key=command.key,
            )
        )
        if not claim.mine and claim.record.state in (State.SENDING, State.UNKNOWN):
            raise TemporaryFailure("another attempt at this message is not over")
        identifier = self._identities.get_identifiers([command.key], consistent=True).get(
            command.key
        )
        record = self._send(command, claim, identifier) if claim.mine else claim.record
        if identifier is not None:
            self._tell(command, record, identifier)
        return record

    def _send(
        self, command: Command, claim: Claim, identifier: IdentifierRecord | None
    ) -> MessageRecord:
        settle = self._deliveries.settle
        if claim.doubtful and not self._provider.idempotent:
            if command.purpose == MARKETING:
                return settle(claim, State.FAILED, reason="outcome unknown; not sent again")
            if claim.record.attempts > MAX_ATTEMPTS:
                return settle(claim, State.FAILED, reason="outcome unknown after all attempts")
        denial = self._denial(command, identifier)
        if denial or identifier is None:
            # Denied means never sent; of a doubtful one that cannot be said.
            state = State.FAILED if claim.doubtful else State.DENIED
            return settle(claim, state, reason=denial)
        try:
            message = self._render(command, identifier)
        except InvalidPayload:
            self._deliveries.release(claim)
            raise
        try:
            verdict = self._gate(command)
        except TemporaryFailure:
            # Nothing was sent, and nothing will be while nobody can be asked.
            self._deliveries.release(claim)
            raise
        if not verdict.allowed:
            return settle(claim, State.DENIED, reason=verdict.reason)
        name = self._provider.name
        try:
            provider_message_id = self._provider.send(message)
        except ProviderUnavailable:
            self._deliveries.release(claim)
            raise
        except ProviderRejected as error:
            return settle(claim, State.FAILED, reason=error.reason, provider=name)
        except ProviderAmbiguous as error:
            record = settle(claim, State.UNKNOWN, reason=error.reason, provider=name)
            if record.state != State.UNKNOWN:
                return record
            raise TemporaryFailure("the provider's acknowledgement was lost") from error
        return settle(claim, State.SENT, provider=name, provider_message_id=provider_message_id)

    def _denial(self, command: Command, identifier: IdentifierRecord | None) -> str:
        if command.expires_at <= utc_text(self._now()):
            return "expired"
        if identifier is None:
            return "the contact point is not known any more"
        if CHANNEL_OF_KIND.get(identifier.kind) != self._channel:
            return "the contact point is not of this channel"
        return "the contact point is blocked" if identifier.blocked else ""

    def _render(self, command: Command, identifier: IdentifierRecord) -> Outgoing:
        content = self._templates.render(command.template, command.language, command.data)
        return Outgoing(
            message_id=command.message_id,
            kind=identifier.kind,
            address=address_of(identifier),
            purpose=command.purpose,
            template=command.template,
            language=command.language,
            content=content,
        )

    def _tell(self, command: Command, record: MessageRecord, identifier: IdentifierRecord) -> None:
        # What the provider's events said is in the timeline already.
        if record.state not in (State.SENT, State.FAILED) or record.reported:
            return
        source_id = f"{command.message_id}:{record.state}"
        self._report(
            Interaction(
                id=interaction_id(self._channel, self._account, source_id),
                source_id=source_id,
                channel=self._channel,
                account=self._account,
                type=f"message.{record.state}",
                direction="outbound",
                occurred_at=record.settled_at,
                received_at=record.settled_at,
                # Sending to an address proves nothing about whose it is.
                contact_point=Identifier(identifier.kind, identifier.value, "stated"),
                data={
                    "message_id": command.message_id,
                    "template": command.template,
                    "purpose": command.purpose,
                    "provider": record.provider,
                    "provider_message_id": record.provider_message_id,
                    "reason": record.reason,
                },
            )
        )
