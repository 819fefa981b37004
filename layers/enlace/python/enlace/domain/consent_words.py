"""What was said about being written to: one record of it, and what is kept of many.

What is kept per purpose and channel merges by maximum, so any order and repetition of the
same records gives the same (:mod:`enlace.domain.consent`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

SUBJECT = "subject"
ACTORS = (SUBJECT, "agent", "import", "provider", "system")
#: What a record can say. ``requested`` is a double opt-in that waits for its confirmation;
#: ``paused`` holds marketing back until somebody has read what was meant (``resumed``), or
#: the subject has said it;
#: ``signalled`` is what a browser says of sharing (:mod:`enlace.domain.privacy_signals`).
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
    "signalled",
)
#: Of them, those that say no.
DENIALS = frozenset(("denied", "withdrawn", "expired", "objected", "invalidated"))


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
    narrow : bool
        A word such as *START* said it: it lifts the channel's stop, and nothing wider.
    signals : tuple of (name, word)
        Of a ``signalled`` one.
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
    narrow: bool = False
    signals: tuple[tuple[str, str], ...] = ()

    @property
    def moment(self) -> Moment:
        """When it counts as said."""
        at = min(self.occurred_at, self.received_at)
        return Moment(at, self.received_at, self.event_id)


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant that may hold, or a request for one, with what ends it."""

    moment: Moment
    valid_until: str = ""
    notice_version: str = ""
    narrow: bool = False


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
    request : Grant or None
        The latest double opt-in that was asked for; it can be confirmed until it ends.
    pause : (Moment, state) or None
        The latest ``paused`` or ``resumed``; see :attr:`paused`.
    """

    denial: tuple[Moment, str] | None = None
    grant: Grant | None = None
    hearsay: Grant | None = None
    request: Grant | None = None
    pause: tuple[Moment, str] | None = None

    def with_record(self, record: ConsentRecord) -> PurposeState:
        """The state after one more record: commutative and idempotent."""
        moment = record.moment
        if record.state in DENIALS:
            said = (moment, record.state)
            return replace(self, denial=max(said, self.denial or said))
        if record.state in ("paused", "resumed"):
            said = (moment, record.state)
            return replace(self, pause=max(said, self.pause or said))
        given = Grant(moment, record.valid_until, record.notice_version, record.narrow)
        if record.state == "requested":
            return replace(self, request=_later(given, self.request))
        if record.actor == SUBJECT and record.has_evidence:
            return replace(self, grant=_later(given, self.grant))
        return replace(self, hearsay=_later(given, self.hearsay))

    @property
    def paused(self) -> Moment | None:
        """When it was paused, unless somebody has read it or it was decided since.

        The subject's own yes decides, and anybody's no; of a tie the pause stays.
        """
        if self.pause is None or self.pause[1] != "paused":
            return None
        since = self.pause[0]
        decided = [self.denial[0]] if self.denial else []
        decided += [self.grant.moment] if self.grant else []
        return None if any(moment[:2] > since[:2] for moment in decided) else since

    @property
    def standing(self) -> Grant | None:
        """The grant that stands, if one does; of a tie the denial wins."""
        denied_at = self.denial[0][:2] if self.denial else None
        if self.grant and (denied_at is None or self.grant.moment[:2] > denied_at):
            return self.grant
        return self.hearsay if denied_at is None else None


@dataclass(frozen=True, slots=True)
class Suppression:
    """A stop that no consent lifts but the subject's own fresh one.

    ``reason``: ``erasure``, ``objection``, ``complaint``, ``registry``, ``stop``,
    ``hard_bounce``.
    """

    reason: str
    since: Moment


def _later(one: Grant, other: Grant | None) -> Grant:
    return one if other is None or one.moment > other.moment else other
