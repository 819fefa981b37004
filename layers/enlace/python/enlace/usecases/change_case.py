"""Changes of cases: who works on one, and when it is over.

By an operator through the API, or as another system reports them. A change has an
id from its cause, is entered once, and is told again under the same event id when
it is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from enlace.domain.case import REPORTED, Case, Change, changed
from enlace.domain.case_events import EVENT_OF_CHANGE, case_changed
from enlace.domain.envelope import AddressRef, Entry
from enlace.domain.events import DISPATCHER
from enlace.domain.interaction import utc_text
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.case_ports import Cases

MAX_NAME = 128
MAX_REASON = 1000
_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Changed:
    """A case after a change, and the event that tells of it (none for an answer)."""

    case: Case
    entries: list[Entry]


class ChangeCase:
    """The use case.

    Parameters
    ----------
    cases : Cases
    owner : callable
        Gives the customer whose a case is now.
    now : callable
        The current time, with a zone.
    source : str
        Of the events.
    """

    def __init__(
        self,
        cases: Cases,
        owner: Callable[[Case], str],
        *,
        now: Callable[[], datetime],
        source: str = DISPATCHER,
    ):
        self._cases = cases
        self._owner = owner
        self._now = now
        self._source = source

    def __call__(self, case: Case, change: Change, causation_id: str) -> Changed:
        """Enter a change, and give the event.

        Parameters
        ----------
        causation_id : str
            The operator's change, or the event that reported it.

        Raises
        ------
        TemporaryFailure
            If the table did not do its part, or the case kept changing.
        """
        for _ in range(_ATTEMPTS):
            try:
                case = self._cases.change(case, change)
                break
            except Conflict:
                found = self._cases.find(case.protocol)
                if found is None:
                    raise TemporaryFailure("a case that is gone") from None
                case = found
        else:
            raise TemporaryFailure("others kept changing the case")
        return Changed(case, self.told(case, change, causation_id))

    def told(self, case: Case, change: Change, causation_id: str) -> list[Entry]:
        """The event of a change."""
        name = EVENT_OF_CHANGE.get(change.kind)
        if name is None:
            return []
        entry = case_changed(
            name,
            protocol=case.protocol,
            customer_id=self._owner(case),
            contact_point=AddressRef(case.contact_kind, case.contact_key),
            change_id=change.id,
            by=change.by,
            to=change.to,
            channel=change.channel or None,
            occurred_at=change.at,
            recorded_at=utc_text(self._now()),
            causation_id=causation_id,
            source=self._source,
        )
        return [entry]


def would_change(case: Case, change: Change) -> bool:
    """Whether a change would alter more than the history."""
    after = changed(case, change)
    return (after.state, after.assignee, after.team) != (case.state, case.assignee, case.team)


def reported_change(
    type_: str, data: dict[str, object], *, id_: str, at: str, channel: str
) -> Change:
    """What another system's interaction says about a case.

    Parameters
    ----------
    data : dict
        Of the interaction: ``to``, ``channel`` (or ``team``), ``reason`` and ``by``.
    channel : str
        The interaction's, which stands for whoever did it where ``by`` is not said.
    """

    def text(name: str, most: int) -> str:
        value = data.get(name)
        return value.strip()[:most] if isinstance(value, str) else ""

    return Change(
        id=id_,
        kind=REPORTED[type_],
        at=at,
        by=text("by", MAX_NAME) or channel,
        to=text("to", MAX_NAME),
        channel=text("channel", MAX_NAME) or text("team", MAX_NAME),
        reason=text("reason", MAX_REASON),
    )
