"""The gate that every message passes, immediately before its provider is called.

Asking for consent when a message is queued is how mail goes out after an opt-out. So
the sender asks last: it reads all that is known about the address (one item), decides,
and writes its claim into that same item on the condition that it is still what was read.
Whoever objects, bounces or is erased changes the item, so of an objection and a claim
one sees the other; and of two senders of one message one sees the other. What remains is
the provider's call itself: an objection that is recorded while the call is under way
comes too late for this one message.

A store that does not answer sends nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from enlace.domain.consent import evaluate
from enlace.domain.delivery import UNKNOWN_OUTCOME, State, intent_of
from enlace.domain.interaction import utc_text
from enlace.domain.message_policy import MessagePolicy
from enlace.domain.send_claims import SendClaim, claim_of, released, with_claim
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.consent_ports import StoredConsent
from enlace.usecases.send_command import Command

#: Longer than a sender may run, and than a provider's own event about a lost answer takes:
#: a lease that ran out belongs to a sender that is no more.
LEASE_SECONDS = 60
#: Of what is sent at least once: missing a protocol number is worse than reading it twice,
#: reading it often is not better.
MAX_CALLS = 3
_ATTEMPTS = 6


class Claims(Protocol):
    """The consent of addresses, as senders see it."""

    def get(self, key: str) -> StoredConsent:
        """The consent of an address and the claims on it, read consistently."""

    def put_claims(self, key: str, before: StoredConsent, claims: Iterable[SendClaim]) -> None:
        """Write the claims, if consent and claims are still as ``before``.

        Raises
        ------
        Conflict
            If they are not.
        TemporaryFailure
            If the service did not answer.
        """


@dataclass(frozen=True, slots=True)
class Passage:
    """The answer of the gate.

    Parameters
    ----------
    claim : SendClaim or None
        On record: the provider may be called. None: it must not be.
    state : State
        Without a claim: how the message ends.
    reason : str
    """

    claim: SendClaim | None
    state: State = State.ACCEPTED
    reason: str = ""


class SendGate:
    """Asks whether a message may go out now, and takes it for this sender alone.

    Parameters
    ----------
    consents : Claims
    policy : MessagePolicy
    now : callable
        The current time, with a zone.
    idempotent : bool
        The provider drops a repetition of the same message.
    """

    def __init__(
        self,
        consents: Claims,
        *,
        policy: MessagePolicy,
        now: Callable[[], datetime],
        idempotent: bool = False,
    ):
        self._consents = consents
        self._policy = policy
        self._now = now
        self._idempotent = idempotent

    def enter(self, command: Command, denial: str = "") -> Passage:
        """The claim, on record; or how the message ends, with the step that decided.

        A call whose outcome nobody knows is repeated where the provider drops repetitions,
        or where the purpose rests on no consent (at least once, :data:`MAX_CALLS` times);
        else never (at most once).

        Parameters
        ----------
        denial : str
            Why it must not go out whatever the address allows; "" for nothing of the kind.

        Raises
        ------
        TemporaryFailure
            If another sender has it, or the store did not do its part; nothing may be
            sent then.
        """
        intent = intent_of(command.message_id, command.attempt)
        capped = self._policy.needs_consent(command.purpose)
        token = secrets.token_hex(4)
        for _ in range(_ATTEMPTS):
            stored = self._consents.get(command.key)
            now = self._now()
            seconds = int(now.timestamp())
            known = claim_of(stored.claims, intent)
            if known and known.token == token:
                # Written by this very call, whose acknowledgement was lost.
                return Passage(known)
            if known and known.lease_until > seconds:
                raise TemporaryFailure("another attempt at this message is not over")
            if known and not self._idempotent and (capped or known.calls >= MAX_CALLS):
                return Passage(None, State.FAILED, UNKNOWN_OUTCOME)
            reason = denial or self._denied(command, stored, now)
            if reason:
                # Denied means never sent; of a doubtful one that cannot be said.
                return Passage(None, State.FAILED if known else State.DENIED, reason)
            claim = SendClaim(
                intent,
                seconds,
                seconds + LEASE_SECONDS,
                known.calls + 1 if known else 1,
                capped,
                token,
            )
            try:
                self._consents.put_claims(command.key, stored, with_claim(stored.claims, claim))
            except Conflict:
                continue
            return Passage(claim)
        raise TemporaryFailure("the address's consent kept changing")

    def _denied(self, command: Command, stored: StoredConsent, now: datetime) -> str:
        ruling = evaluate(
            stored.consent,
            command.purpose,
            command.channel,
            now=utc_text(now),
            policy=self._policy.consent,
        )
        if ruling.allowed:
            return ""
        decided = f" ({ruling.event_id})" if ruling.event_id else ""
        return f"consent, step {ruling.step}: {ruling.reason}{decided}"

    def leave(self, key: str, claim: SendClaim) -> None:
        """Give the claim back: the provider certainly did nothing.

        Where that does not succeed the lease runs out, and the call counts as doubtful.
        """
        for _ in range(_ATTEMPTS):
            stored = self._consents.get(key)
            try:
                self._consents.put_claims(key, stored, released(stored.claims, claim))
            except Conflict:
                continue
            return
