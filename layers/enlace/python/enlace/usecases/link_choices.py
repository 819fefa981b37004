"""What an address can be written about, and whether it is: the choices on its pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from enlace.domain.consent import OPT_IN, AddressConsent, ConsentPolicy, evaluate
from enlace.domain.link_tokens import Link
from enlace.domain.send_gate import MARKETING
from enlace.usecases.consent_ports import StoredConsent

#: What may be said of an address of a kind beside what is on record.
CHANNELS_OF_KIND = {"email": ("email",), "phone": ("sms", "whatsapp", "voice")}
#: Purposes that a ledger has for its own book-keeping.
_INTERNAL = frozenset((OPT_IN, "delivery"))


class Choice(NamedTuple):
    """One thing that an address can be written about, and whether it is now."""

    purpose: str
    channel: str
    on: bool

    @property
    def pair(self) -> tuple[str, str]:
        """Purpose and channel."""
        return self.purpose, self.channel


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows.

    Parameters
    ----------
    seen : str
        Names the state that is shown; a form sends it back.
    """

    choices: tuple[Choice, ...]
    seen: str


class LinkChoices:
    """The choices of whoever holds a link.

    Parameters
    ----------
    now : callable
        Gives the current contract time.
    """

    def __init__(self, policy: ConsentPolicy, now: Callable[[], str]):
        self._policy = policy
        self._now = now

    def subject_of(self, link: Link) -> tuple[str, str]:
        """Purpose and channel that a link is about.

        What rests on another basis than consent cannot be unsubscribed from: its link is
        about marketing.
        """
        needs = link.purpose and link.purpose not in {*self._policy.other_basis, *_INTERNAL}
        return link.purpose if needs else MARKETING, link.channel

    def shown(self, link: Link, stored: StoredConsent) -> Shown:
        """What the link's page shows of a state."""
        pairs = {
            pair
            for pair in stored.consent.purposes
            if pair[0] not in {*self._policy.other_basis, *_INTERNAL}
        }
        for channel in CHANNELS_OF_KIND.get(link.kind, ()) or (link.channel,):
            pairs.add((MARKETING, channel))
        pairs.add(self.subject_of(link))
        ordered = sorted(pairs, key=lambda pair: (pair[0] != MARKETING, *pair))
        return Shown(
            tuple(Choice(*pair, self._allowed(stored.consent, pair)) for pair in ordered),
            mark(stored),
        )

    def _allowed(self, consent: AddressConsent, pair: tuple[str, str]) -> bool:
        return evaluate(consent, *pair, now=self._now(), policy=self._policy).allowed


def mark(stored: StoredConsent) -> str:
    """Names the state of a ledger; every record changes it, a message on its way does not."""
    return hashlib.sha256(f"seen\x1f{stored.last_hash}".encode()).hexdigest()[:24]
