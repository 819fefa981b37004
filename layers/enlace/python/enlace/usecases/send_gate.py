"""The gate that every message passes, immediately before its provider is called.

Asking for consent when a message is queued is how mail goes out after an opt-out. So
the sender asks last: it reads all that is known about the address (one item), decides,
and writes its intent to send into that same item on the condition that it is still what
was read. Whoever objects, bounces or is erased changes the item, so of an objection and
an intent one sees the other. What remains is the provider's call itself: an objection
that is recorded while the call is under way comes too late for this one message.

A store that does not answer sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from enlace.domain.consent import ConsentPolicy, evaluate
from enlace.domain.send_gate import Verdict
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.consents import StoredConsent
from enlace.usecases.send_command import Command

_ATTEMPTS = 4


class Intents(Protocol):
    """The consent of addresses, as senders see it."""

    def get(self, key: str) -> StoredConsent:
        """The consent of an address, read consistently."""

    def intend(self, key: str, before: StoredConsent, message_id: str, at: str) -> None:
        """Note that a message is about to go out, if the consent is still as ``before``.

        Raises
        ------
        Conflict
            If it is not.
        TemporaryFailure
            If the service did not answer.
        """


class SendGate:
    """Asks whether a message may go out now.

    Parameters
    ----------
    consents : Intents
    policy : ConsentPolicy
    now : callable
        Gives the current contract time.
    """

    def __init__(self, consents: Intents, *, policy: ConsentPolicy, now: Callable[[], str]):
        self._consents = consents
        self._policy = policy
        self._now = now

    def __call__(self, command: Command) -> Verdict:
        """Yes, with the intent on record; or no, with the step and the record that decided.

        Raises
        ------
        TemporaryFailure
            If the store did not do its part; nothing may be sent then.
        """
        for _ in range(_ATTEMPTS):
            stored = self._consents.get(command.key)
            now = self._now()
            ruling = evaluate(
                stored.consent, command.purpose, command.channel, now=now, policy=self._policy
            )
            if not ruling.allowed:
                decided = f" ({ruling.event_id})" if ruling.event_id else ""
                return Verdict(False, f"consent, step {ruling.step}: {ruling.reason}{decided}")
            try:
                self._consents.intend(command.key, stored, command.message_id, now)
            except Conflict:
                continue
            return Verdict(True)
        raise TemporaryFailure("the address's consent kept changing")
