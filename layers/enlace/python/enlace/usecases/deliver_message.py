"""Send one message once, as far as the provider permits it.

The order: look up record and address, render, pass the gate (which takes the message for
this sender alone), call the provider, settle, report the outcome as an interaction,
acknowledge. A crash after any step ends in a redelivery:

- before the gate, everything begins again;
- after it, nobody knows whether the provider was called. Once the lease has run out, a
  provider that drops repetitions is simply called again. With others, what rests on no
  consent is sent again unless the provider's own report has arrived meanwhile (at least
  once), and what rests on consent is not (at most once);
- after settling, only the report is repeated, and it carries the same ids.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from enlace.domain.delivery import SETTLED, MessageRecord, State, Step
from enlace.domain.envelope import Event
from enlace.domain.interaction import Identifier, Interaction, interaction_id, utc_text
from enlace.domain.outgoing import NO_LINKS, Attachment, Outgoing
from enlace.domain.records import IdentifierRecord
from enlace.domain.send_plan import PREFERRED
from enlace.domain.sender_channel import SenderChannel
from enlace.errors import (
    InvalidPayload,
    ProviderAmbiguous,
    ProviderRejected,
    ProviderUnavailable,
    TemporaryFailure,
)
from enlace.usecases.send_command import Command, address_of, read_command
from enlace.usecases.send_gate import SendGate
from enlace.usecases.sender_ports import Deliveries, Identities, LinksOf, MessageProvider, Templates


class DeliverMessage:
    """The deliver use case of one channel.

    Parameters
    ----------
    channel : SenderChannel
    provider : MessageProvider
    gate : SendGate
        Passed immediately before the provider is called.
    links : LinksOf, optional
    report : callable
        Takes the outcome as an interaction to the interactions queue.
    account : str
        What the company sends from: the ``account`` of the outcome.
    now : callable
        The current time, with a zone.
    last_inbound : callable, optional
        Address key to the contract time of the newest message from there, "" for none.
    attachments : callable, optional
        Reads an attachment by its name.
    """

    def __init__(
        self,
        channel: SenderChannel,
        provider: MessageProvider,
        *,
        identities: Identities,
        deliveries: Deliveries,
        templates: Templates,
        gate: SendGate,
        report: Callable[[Interaction], None],
        account: str,
        now: Callable[[], datetime],
        links: LinksOf | None = None,
        last_inbound: Callable[[str], str] | None = None,
        attachments: Callable[[str], Attachment] | None = None,
    ):
        self._channel = channel
        self._provider = provider
        self._identities = identities
        self._deliveries = deliveries
        self._templates = templates
        self._gate = gate
        self._links = links
        self._report = report
        self._account = account
        self._now = now
        wants = getattr(provider, "wants_last_inbound", False)
        self._last_inbound = last_inbound if wants else None
        self._attachments = attachments

    def __call__(self, event: Event) -> MessageRecord:
        """Handle one ``send.message`` event.

        Returns
        -------
        MessageRecord
            Where the message is now.

        Raises
        ------
        InvalidPayload
            If the event is not usable. A template or variables that are not end in a record.
        TemporaryFailure
            If another sender has it, or it has to be tried again.
        """
        command = read_command(event)
        if command.channel != self._channel.name:
            raise InvalidPayload(f"send.message: not for the channel {self._channel.name}")
        known = self._deliveries.get(command.message_id)
        if known is not None and known.request is not None:
            command = replace(command, data=known.request.data)
        if known is not None and known.attempt > command.attempt:
            # The message has gone on to another channel.
            return known
        identifier = self._identities.get_identifiers([command.key], consistent=True).get(
            command.key
        )
        # An attempt that is not on record was told of by its provider only.
        if known is not None and known.state in SETTLED and known.attempt in (0, command.attempt):
            record = known
        else:
            record = self._send(command, identifier, known)
        if identifier is not None:
            self._tell(command, record, identifier)
        return record

    def _send(
        self, command: Command, identifier: IdentifierRecord | None, known: MessageRecord | None
    ) -> MessageRecord:
        # What another channel has carried already was sent, whatever is denied now.
        went_out = known is not None and any(step.what == State.SENT for step in known.steps)
        denial = self._denial(command, identifier)
        message, fault = None, ""
        if identifier and not denial:
            try:
                message = self._render(command, identifier)
            except InvalidPayload as error:
                # It names variables and never values; tried again, it would be the same.
                fault = f"no text: {error}"
        passage = self._gate.enter(command, denial or fault)
        claim = passage.claim
        if claim is None or message is None:
            state = passage.state
            if state == State.DENIED:
                # Without a text nobody denied it, and another channel may have one.
                state = State.FAILED if fault else State.SENT if went_out else state
            return self._settle(command, known, state, reason=passage.reason)
        name = self._provider.name
        try:
            provider_message_id = self._provider.send(message)
        except ProviderUnavailable:
            self._gate.leave(command.key, claim)
            raise
        except ProviderRejected as error:
            return self._settle(command, known, State.FAILED, reason=error.reason, provider=name)
        except ProviderAmbiguous as error:
            # The claim stays: whoever comes next knows that nobody knows.
            raise TemporaryFailure("the provider's acknowledgement was lost") from error
        return self._settle(
            command, known, State.SENT, provider=name, provider_message_id=provider_message_id
        )

    def _settle(
        self,
        command: Command,
        known: MessageRecord | None,
        state: State,
        *,
        reason: str = "",
        provider: str = "",
        provider_message_id: str = "",
    ) -> MessageRecord:
        at = utc_text(self._now())
        return self._deliveries.settle(
            MessageRecord(
                command.message_id,
                state,
                template=command.template,
                purpose=command.purpose,
                channel=command.channel,
                customer_id=command.customer_id,
                contact_kind=command.kind,
                contact_key=command.key,
                attempt=command.attempt,
                provider=provider,
                provider_message_id=provider_message_id,
                reason=reason,
                settled_at=at,
                steps=(
                    *command.why,
                    Step(
                        at,
                        str(state) if provider or state != State.SENT else str(State.DENIED),
                        reason or provider,
                        command.channel,
                    ),
                ),
            ),
            last=_is_last(command, known),
        )

    def _denial(self, command: Command, identifier: IdentifierRecord | None) -> str:
        if command.expires_at <= utc_text(self._now()):
            return "expired"
        if identifier is None:
            return "the contact point is not known any more"
        if not self._channel.reaches(identifier.kind):
            return "the contact point is not of this channel"
        return "the contact point is blocked" if identifier.blocked else ""

    def _render(self, command: Command, identifier: IdentifierRecord) -> Outgoing:
        links, extra = NO_LINKS, {}
        if self._links:
            links = self._links(command)
            extra = {"confirm_url": self._links.confirm(command)}
        content = self._templates.render(
            command.template,
            command.language,
            command.data,
            version=command.version,
            links=links,
            extra=extra,
        )
        # Where a channel takes no files, the text goes without: whoever asked named the channels.
        attachments: tuple[Attachment, ...] = ()
        if self._attachments:
            attachments = tuple(map(self._attachments, command.attachments))
        return Outgoing(
            message_id=command.message_id,
            kind=identifier.kind,
            address=address_of(identifier),
            purpose=command.purpose,
            template=command.template,
            language=command.language,
            content=content,
            links=links,
            attachments=attachments,
            last_inbound_at=self._last_inbound(command.key) if self._last_inbound else "",
        )

    def _tell(self, command: Command, record: MessageRecord, identifier: IdentifierRecord) -> None:
        # What the provider's events said is in the timeline already.
        if record.state not in (State.SENT, State.FAILED) or record.reported:
            return
        if record.state == State.SENT and not record.provider:
            # By an earlier channel, whose sender has told.
            return
        told = f"{command.message_id}:{record.state}"
        source_id = told if command.attempt == 1 else f"{told}:{command.attempt}"
        self._report(
            Interaction(
                id=interaction_id(command.channel, self._account, source_id),
                source_id=source_id,
                channel=command.channel,
                account=self._account,
                type=f"message.{record.state}",
                direction="outbound",
                occurred_at=record.settled_at,
                received_at=record.settled_at,
                # Sending to an address proves nothing about whose it is.
                contact_point=Identifier(identifier.kind, identifier.value, "stated"),
                data={
                    "message_id": command.message_id,
                    "attempt": command.attempt,
                    "template": command.template,
                    "purpose": command.purpose,
                    "provider": record.provider,
                    "provider_message_id": record.provider_message_id,
                    "reason": record.reason,
                    # Its record says so already: see follow_reports.
                    "settled": True,
                },
            )
        )


def _is_last(command: Command, known: MessageRecord | None) -> bool:
    """Whether no other channel may carry a message that was asked for."""
    if known is None or known.request is None:
        return False
    steps = (*known.steps, *command.why)
    tried = {step.channel for step in steps if step.what == "chosen"} | {command.channel}
    return PREFERRED not in known.request.channels and tried.issuperset(known.request.channels)
