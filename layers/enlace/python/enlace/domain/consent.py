"""Consent of one address: what was said, and whether a message may go out.

Consent belongs to the address and never to the customer, so merges and splits move
nothing. What is kept per purpose and channel merges by maximum: the latest denial,
the latest grant by the subject, the latest by anybody else, the latest request. So
any order and repetition of the same records gives the same answer, and a denial that
arrives late still wins over what was older than it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

SUBJECT = "subject"
ACTORS = (SUBJECT, "agent", "import", "provider", "system")
#: What a record can say. ``requested`` is a double opt-in that waits for its confirmation;
#: ``paused`` holds marketing back until somebody has read what was meant, ``resumed`` ends it.
STATES = (
    "requested",
    "granted",
    "denied",
    "withdrawn",
    "expired",
    "objected",
    "invalidated",
    "paused",
    "resumed",
)
#: Reach of a suppression: everything that is sent, marketing on all channels, or a channel.
ALL, MARKETING_ONLY = "all", "marketing"
#: The one message that answers a stop word, within five minutes of it (FCC, 47 CFR 64.1200).
CONFIRMATION = "confirmation"
_CONFIRM_WITHIN = timedelta(minutes=5)

_DENIALS = frozenset(("denied", "withdrawn", "expired", "objected", "invalidated"))


class Moment(NamedTuple):
    """When something was said: the later of two counts, by these fields in this order."""

    occurred_at: str
    received_at: str
    event_id: str


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One entry of the ledger.

    Parameters
    ----------
    event_id : str
        Recording it twice is recording it once.
    purpose, channel : str
        Such as ``marketing`` and ``email``.
    state : str
        One of :data:`STATES`.
    actor : str
        One of :data:`ACTORS`.
    occurred_at, received_at : str
        Contract times. What lies ahead of its receipt counts as said on receipt.
    has_evidence : bool
        It names how the subject said it.
    valid_until : str
        Contract time; empty for no end.
    notice_version : str
        Of the privacy notice that was shown.
    """

    event_id: str
    purpose: str
    channel: str
    state: str
    actor: str
    occurred_at: str
    received_at: str
    has_evidence: bool = False
    valid_until: str = ""
    notice_version: str = ""

    @property
    def moment(self) -> Moment:
        """When it counts as said."""
        at = min(self.occurred_at, self.received_at)
        return Moment(at, self.received_at, self.event_id)


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant that may hold, with what ends it."""

    moment: Moment
    valid_until: str = ""
    notice_version: str = ""


@dataclass(frozen=True, slots=True)
class PurposeState:
    """Everything that decides about one purpose on one channel.

    Parameters
    ----------
    denial : (Moment, state) or None
        The latest ``denied``, ``withdrawn`` … by anybody.
    grant : Grant or None
        The latest by the subject, with evidence: only this undoes a denial.
    hearsay : Grant or None
        The latest by anybody else; it counts while nobody ever denied.
    request : Moment or None
        The latest double opt-in that was asked for.
    pause : (Moment, state) or None
        The latest ``paused`` or ``resumed``.
    """

    denial: tuple[Moment, str] | None = None
    grant: Grant | None = None
    hearsay: Grant | None = None
    request: Moment | None = None
    pause: tuple[Moment, str] | None = None

    def with_record(self, record: ConsentRecord) -> PurposeState:
        """The state after one more record: commutative and idempotent."""
        moment = record.moment
        if record.state in _DENIALS:
            said = (moment, record.state)
            return replace(self, denial=max(said, self.denial or said))
        if record.state in ("paused", "resumed"):
            said = (moment, record.state)
            return replace(self, pause=max(said, self.pause or said))
        if record.state == "requested":
            return replace(self, request=max(moment, self.request or moment))
        given = Grant(moment, record.valid_until, record.notice_version)
        if record.actor == SUBJECT and record.has_evidence:
            return replace(self, grant=_later(given, self.grant))
        return replace(self, hearsay=_later(given, self.hearsay))


@dataclass(frozen=True, slots=True)
class Suppression:
    """A stop that no consent lifts but the subject's own fresh one.

    ``reason``: ``erasure``, ``objection``, ``complaint``, ``registry``, ``stop``,
    ``hard_bounce``.
    """

    reason: str
    since: Moment


@dataclass(frozen=True, slots=True)
class AddressConsent:
    """All that is known about consent of one address.

    Parameters
    ----------
    purposes : dict of (purpose, channel) to PurposeState
    suppressions : dict of scope to Suppression
        Scopes: ``all``, ``marketing``, or a channel's name.
    erasing : bool
        An erasure or a restriction is under way.
    """

    purposes: Mapping[tuple[str, str], PurposeState] = field(default_factory=dict)
    suppressions: Mapping[str, Suppression] = field(default_factory=dict)
    erasing: bool = False

    def with_record(self, record: ConsentRecord) -> AddressConsent:
        """The address's consent after one more record."""
        key = (record.purpose, record.channel)
        state = self.purposes.get(key, PurposeState()).with_record(record)
        return replace(self, purposes={**self.purposes, key: state})

    def with_suppression(self, scope: str, suppression: Suppression) -> AddressConsent:
        """The address's consent with one more stop; of two in one scope the stronger stays."""
        known = self.suppressions.get(scope, suppression)
        kept = max(known, suppression, key=lambda s: (s.reason == "erasure", s.since))
        return replace(self, suppressions={**self.suppressions, scope: kept})

    def stop(self, scope: str, channel: str) -> Suppression | None:
        """What stops ``scope`` on a channel, unless the subject opted in on it since."""
        found = self.suppressions.get(scope)
        if found is None or found.reason == "erasure":
            return found
        fresh = (s.grant for (_, at), s in self.purposes.items() if at == channel)
        return None if any(g and g.moment > found.since for g in fresh) else found


@dataclass(frozen=True, slots=True)
class ConsentPolicy:
    """What the company decided about consent.

    Parameters
    ----------
    other_basis : frozenset of str
        Purposes that rest on another lawful basis than consent.
    least_notice : dict of purpose to version
        Grants under an older notice have lapsed.
    double_opt_in : frozenset of str
        Channels on which a yes counts only once it was confirmed through the address itself.
    valid_days : dict of purpose to days
        How long a grant holds that names no end of its own.
    """

    other_basis: frozenset[str] = frozenset(("transactional", "security", "dsr", CONFIRMATION))
    least_notice: Mapping[str, str] = field(default_factory=dict)
    double_opt_in: frozenset[str] = frozenset()
    valid_days: Mapping[str, int] = field(default_factory=dict)


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
    sharing_signal: bool = False,
) -> Ruling:
    """Decide about one purpose on one channel; the first step that applies decides.

    The steps are those of ``docs/consent.md``. Step 8, quiet hours, puts a message off and
    says nothing about consent; it belongs to whoever schedules messages, and is not here.

    Parameters
    ----------
    now : str
        Contract time.
    sharing_signal : bool
        Global Privacy Control or a consent platform objects to sharing.

    Returns
    -------
    Ruling
    """
    other_basis = purpose in policy.other_basis
    if consent.erasing and purpose != "dsr":
        return Ruling(False, 1, "erasure or restriction under way")
    if purpose != "dsr":
        for scope in (ALL, *(() if other_basis else (MARKETING_ONLY,))):
            if stop := consent.stop(scope, channel):
                return Ruling(False, 2, stop.reason, stop.since.event_id)
        stop = consent.stop(channel, channel)
        # A stop by the person is about marketing; a dead address is about everything.
        if stop and not _passes(stop, purpose, channel, other_basis, now):
            return Ruling(False, 3, stop.reason, stop.since.event_id)
    state = consent.purposes.get((purpose, channel), PurposeState())
    if state.pause and state.pause[1] == "paused":
        return Ruling(False, 2, "paused until somebody has read it", state.pause[0].event_id)
    grant = _standing(state)
    if state.denial and grant is None:
        return Ruling(False, 4, state.denial[1], state.denial[0].event_id)
    if state.request and (grant is None or grant.moment < state.request):
        return Ruling(False, 5, "double opt-in not confirmed", state.request.event_id)
    if grant and grant.valid_until and grant.valid_until <= now:
        return Ruling(False, 6, "expired", grant.moment.event_id)
    if grant and grant.notice_version < policy.least_notice.get(purpose, ""):
        return Ruling(False, 6, "the notice has changed", grant.moment.event_id)
    if purpose == "sharing" and sharing_signal:
        return Ruling(False, 7, "privacy signal")
    if grant:
        return Ruling(True, 9, "granted", grant.moment.event_id)
    if other_basis:
        return Ruling(True, 10, "another lawful basis")
    return Ruling(False, 0, "no consent on record")


def _passes(stop: Suppression, purpose: str, channel: str, other_basis: bool, now: str) -> bool:
    if stop.reason != "stop" or not other_basis:
        return False
    if purpose == CONFIRMATION:
        since = datetime.fromisoformat(stop.since.occurred_at)
        return datetime.fromisoformat(now) - since <= _CONFIRM_WITHIN
    return channel != "sms"


def _later(one: Grant, other: Grant | None) -> Grant:
    return one if other is None or one.moment > other.moment else other


def _standing(state: PurposeState) -> Grant | None:
    """The grant that stands, if one does; of a tie the denial wins."""
    denied_at = state.denial[0][:2] if state.denial else None
    if state.grant and (denied_at is None or state.grant.moment[:2] > denied_at):
        return state.grant
    return state.hearsay if denied_at is None else None
