"""Which of the two that work on the CRM an event is for.

Apart from both, so that the one that few events need is loaded by those alone.
"""

from __future__ import annotations

from collections.abc import Callable

from enlace.domain.consent_events import CONSENT_CHANGED
from enlace.domain.envelope import Event

#: Somebody said something, or a merge or a split may have lost what they said.
_TOLD = frozenset((CONSENT_CHANGED, "customer.merged", "customer.split"))


def following(
    follow: Callable[[Event], str], push: Callable[[Event], str]
) -> Callable[[Event], str]:
    """What a consumer of one queue does: the contact first, then who said no.

    Parameters
    ----------
    follow : callable
        See :class:`enlace.usecases.follow_crm.FollowCrm`.
    push : callable
        See :class:`enlace.usecases.push_suppressions.PushSuppressions`.
    """

    def both(event: Event) -> str:
        done = "" if event.name == CONSENT_CHANGED else follow(event)
        told = push(event) if event.name in _TOLD else ""
        return "; ".join(filter(None, (done, told))) or "nothing: nobody said no"

    return both
