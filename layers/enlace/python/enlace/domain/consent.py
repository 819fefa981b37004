"""Consent of one address: what was said, and whether a message may go out.

Consent belongs to the address and never to the customer, so merges and splits move
nothing. What is kept per purpose and channel merges by maximum: the latest denial,
the latest grant by the subject, the latest by anybody else, the latest request. So
any order and repetition of the same records gives the same answer, and a denial that
arrives late still wins over what was older than it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from enlace.domain.consent_policy import CONFIRMATION, ConsentPolicy
from enlace.domain.consent_words import (
    ACTORS,
    STATES,
    SUBJECT,
    ConsentRecord,
    Grant,
    Moment,
    PurposeState,
    Suppression,
)
from enlace.domain.erasure import ERASURE
from enlace.domain.privacy_signals import DENIED, denies

__all__ = [
    "ACTORS",
    "ALL",
    "CONFIRMATION",
    "MARKETING_ONLY",
    "OPT_IN",
    "SHARING",
    "STATES",
    "SUBJECT",
    "AddressConsent",
    "ConsentPolicy",
    "ConsentRecord",
    "Grant",
    "Moment",
    "PurposeState",
    "Ruling",
    "Suppression",
    "evaluate",
    "marketing_on",
]

#: Reach of a suppression: everything that is sent, marketing on all channels, or a channel; or
#: marketing on a channel (:func:`marketing_on`).
ALL, MARKETING_ONLY = "all", "marketing"
_CONFIRM_WITHIN = timedelta(minutes=5)
#: The one message that asks an address to confirm a yes which somebody gave for it.
OPT_IN = "opt_in"
#: What privacy signals of a browser are about.
SHARING = "sharing"


@dataclass(frozen=True, slots=True)
class AddressConsent:
    """All that is known about consent of one address.

    Parameters
    ----------
    purposes : dict of (purpose, channel) to PurposeState
    suppressions : dict of scope to Suppression
        Scopes: ``all``, ``marketing``, ``marketing@<channel>``, or a channel's name.
    signals : dict of name to (Moment, word)
        The latest word of each privacy signal; see :mod:`enlace.domain.privacy_signals`.
    erasing : bool
        An erasure or a restriction is under way.
    erased_before : str
        Contract time: what was said by then was somebody's who has been erased. "" for never.
    returned : dict of channel to Moment
        The latest yes that the address itself gave on a channel since: nothing else lifts an
        erasure's stop, and it does so on that channel alone.
    """

    purposes: Mapping[tuple[str, str], PurposeState] = field(default_factory=dict)
    suppressions: Mapping[str, Suppression] = field(default_factory=dict)
    signals: Mapping[str, tuple[Moment, str]] = field(default_factory=dict)
    erasing: bool = False
    erased_before: str = ""
    returned: Mapping[str, Moment] = field(default_factory=dict)

    def with_record(self, record: ConsentRecord) -> AddressConsent:
        """The address's consent after one more record."""
        if record.state == "signalled":
            said = {name: (record.moment, word) for name, word in record.signals}
            latest = {
                name: max(one, self.signals.get(name, one), key=_signal_order)
                for name, one in said.items()
            }
            return replace(self, signals={**self.signals, **latest})
        key = (record.purpose, record.channel)
        state = self.purposes.get(key, PurposeState()).with_record(record)
        return replace(self, purposes={**self.purposes, key: state})

    def with_suppression(self, scope: str, suppression: Suppression) -> AddressConsent:
        """The address's consent with one more stop; of two in one scope the later stays.

        An erasure's is the stronger, and holds for as long as either would: so an objection
        that a newcomer makes is undone by no less than the newcomer's own proven yes.
        """
        known = self.suppressions.get(scope, suppression)
        kept, erased = max(known, suppression, key=lambda s: s.since), self.erased_before
        if ERASURE in (known.reason, suppression.reason):
            kept = Suppression(ERASURE, kept.since)
        if suppression.reason == ERASURE:
            erased = max(erased, suppression.since.received_at)
        suppressions = {**self.suppressions, scope: kept}
        return replace(self, suppressions=suppressions, erased_before=erased)

    def with_return(self, channel: str, moment: Moment) -> AddressConsent:
        """The address's consent after it said yes itself, and showed that it did."""
        latest = max(moment, self.returned.get(channel, moment))
        return replace(self, returned={**self.returned, channel: latest})

    def is_older(self, record: ConsentRecord) -> bool:
        """Whether a record was said, or received, before the address was erased."""
        return min(record.occurred_at, record.received_at) <= self.erased_before

    def has_returned(self, channel: str) -> bool:
        """Whether an address that was erased has said yes itself on a channel since."""
        stop = self.suppressions.get(MARKETING_ONLY)
        back = self.returned.get(channel)
        return back is not None and (stop is None or back[:2] > stop.since[:2])

    def stop(self, scope: str, channel: str) -> Suppression | None:
        """What stops ``scope`` on a channel, unless the subject opted in on it since."""
        found = self.suppressions.get(scope)
        if found is not None and found.reason == ERASURE:
            back = scope == MARKETING_ONLY and self.has_returned(channel)
            return None if back else found
        if found is None:
            return None
        fresh = (s.grant for (_, at), s in self.purposes.items() if at == channel)
        wide = scope != channel or found.reason != "stop"
        lifted = any(g and g.moment > found.since and not (g.narrow and wide) for g in fresh)
        return None if lifted else found


def marketing_on(channel: str) -> str:
    """The scope of a suppression of marketing on one channel: what registries are about."""
    return f"{MARKETING_ONLY}@{channel}"


class Ruling(NamedTuple):
    """Whether a message may go out, and what decided.

    Parameters
    ----------
    allowed : bool
    step : int
        Of the evaluation (1 to 10); 0 where no step applied: the default is no.
    reason : str
    event_id : str
        The deciding record's, where one decided.
    """

    allowed: bool
    step: int
    reason: str
    event_id: str = ""


def evaluate(
    consent: AddressConsent,
    purpose: str,
    channel: str,
    *,
    now: str,
    policy: ConsentPolicy,
    others: Iterable[AddressConsent] = (),
) -> Ruling:
    """Decide about one purpose on one channel; the first step that applies decides.

    The steps are those of ``docs/consent.md``. Step 8, quiet hours, puts a message off and
    says nothing about consent; it belongs to whoever schedules messages, and is not here.

    Parameters
    ----------
    now : str
        Contract time.
    others : iterable of AddressConsent
        Further contact points of the same person: a browser that objects to sharing is
        seldom the address that would be shared, so its signals count for all of them.

    Returns
    -------
    Ruling
    """
    other_basis = purpose in policy.other_basis
    if consent.erasing and purpose != "dsr":
        return Ruling(False, 1, "erasure or restriction under way")
    if purpose != "dsr":
        scopes = () if other_basis else (MARKETING_ONLY, marketing_on(channel))
        for scope in (ALL, *scopes):
            stop = consent.stop(scope, channel)
            # Who signs up anew at an erased address can be asked; see ``Consents.record``.
            if stop and not (purpose == OPT_IN and stop.reason == ERASURE):
                return Ruling(False, 2, stop.reason, stop.since.event_id)
        stop = consent.stop(channel, channel)
        # A stop by the person is about marketing; a dead address is about everything.
        if stop and not _passes(stop, purpose, channel, other_basis, now):
            return Ruling(False, 3, stop.reason, stop.since.event_id)
    if purpose == OPT_IN:
        return _may_ask(consent, channel, now, policy)
    state = consent.purposes.get((purpose, channel), PurposeState())
    if denial := _denial(state):
        return denial
    grant = state.standing
    if asked := policy.pending(state, purpose, now):
        return Ruling(False, 5, "double opt-in not confirmed", asked.moment.event_id)
    if grant and (lapsed := policy.lapsed(grant, purpose, now)):
        return Ruling(False, 6, lapsed, grant.moment.event_id)
    for one in (consent, *others):
        for name, (moment, word) in sorted(one.signals.items()):
            # The subject's own later yes is about us; the signal was about every site.
            lifted = grant and grant is state.grant and grant.moment > moment
            if word == DENIED and denies(name, purpose) and not lifted:
                return Ruling(False, 7, f"privacy signal: {name}", moment.event_id)
    if grant:
        return Ruling(True, 9, "granted", grant.moment.event_id)
    if other_basis:
        return Ruling(True, 10, "another lawful basis")
    return Ruling(False, 0, "no consent on record")


def _denial(state: PurposeState) -> Ruling | None:
    if paused := state.paused:
        return Ruling(False, 2, "paused until somebody has read it", paused.event_id)
    if state.denial and state.standing is None:
        return Ruling(False, 4, state.denial[1], state.denial[0].event_id)
    return None


def _may_ask(consent: AddressConsent, channel: str, now: str, policy: ConsentPolicy) -> Ruling:
    """Whether an address may be asked to confirm: where a request waits, and nobody said no."""
    refused = Ruling(False, 0, "nothing waits to be confirmed")
    for (purpose, at), state in sorted(consent.purposes.items()):
        if at != channel or (asked := policy.pending(state, purpose, now)) is None:
            continue
        if denial := _denial(state):
            refused = denial
        elif not asked.valid_until or asked.valid_until > now:
            return Ruling(True, 5, "asks to confirm", asked.moment.event_id)
        else:
            refused = Ruling(False, 5, "not confirmed in time", asked.moment.event_id)
    return refused


def _passes(stop: Suppression, purpose: str, channel: str, other_basis: bool, now: str) -> bool:
    if stop.reason != "stop" or not other_basis:
        return False
    if purpose == CONFIRMATION:
        since = datetime.fromisoformat(stop.since.occurred_at)
        return datetime.fromisoformat(now) - since <= _CONFIRM_WITHIN
    return channel != "sms"


def _signal_order(one: tuple[Moment, str]) -> tuple[str, str, bool, str]:
    """Latest last; of a tie the denial wins."""
    moment, word = one
    return (moment.occurred_at, moment.received_at, word == DENIED, moment.event_id)
