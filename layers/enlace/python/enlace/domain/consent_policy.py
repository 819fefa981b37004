"""What the company decided about consent, and what of what was said still holds under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from enlace.domain.consent_words import Grant, PurposeState
from enlace.domain.interaction import utc_text

#: The one message that answers a stop word, within five minutes of it (FCC, 47 CFR 64.1200).
CONFIRMATION = "confirmation"


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
        Channels on which a yes counts only once it came through the address itself.
    valid_days : dict of purpose to days
        Grants without an end of their own lapse after so long.
    """

    other_basis: frozenset[str] = frozenset(("transactional", "security", "dsr", CONFIRMATION))
    least_notice: Mapping[str, str] = field(default_factory=dict)
    double_opt_in: frozenset[str] = frozenset()
    valid_days: Mapping[str, int] = field(default_factory=dict)

    def lapsed(self, grant: Grant, purpose: str, now: str) -> str:
        """Why a grant holds no more; "" while it holds."""
        days, ends = self.valid_days.get(purpose), grant.valid_until
        if days and not ends:
            since = datetime.fromisoformat(grant.moment.occurred_at)
            ends = utc_text(since + timedelta(days=days))
        if ends and ends <= now:
            return "expired"
        old = grant.notice_version < self.least_notice.get(purpose, "")
        return "the notice has changed" if old else ""

    def pending(self, state: PurposeState, purpose: str, now: str) -> Grant | None:
        """The request that nobody has confirmed; None where the subject's own yes holds.

        Nor does one wait where a no came after it.
        """
        asked, grant = state.request, state.standing
        if asked and state.denial and state.denial[0][:2] >= asked.moment[:2]:
            return None
        if asked is None or grant is None:
            return asked
        if grant.moment >= asked.moment:
            return None
        by_subject = grant is state.grant
        return None if by_subject and not self.lapsed(grant, purpose, now) else asked
