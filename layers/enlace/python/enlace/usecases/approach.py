"""A recorded interaction, as far as cases mind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from enlace.domain import case as cases_
from enlace.domain.envelope import AddressRef
from enlace.domain.interaction import utc_text
from enlace.domain.service import is_request, nature_of, protocols_in


@dataclass(frozen=True)
class Approach:
    """An interaction, as far as cases mind it.

    Parameters
    ----------
    at : str
        When it happened, and not later than now: a clock that runs ahead must not
        prolong anything.
    asking : bool
        It wants something of the company; see :func:`enlace.domain.case.asks`.
    """

    event: dict[str, Any]
    body: dict[str, Any]
    at: str
    level: str
    nature: str | None
    asking: bool

    @staticmethod
    def of(data: dict[str, Any], body: dict[str, Any], now: datetime) -> Approach:
        """From the data of ``interaction.recorded`` and the stored interaction."""
        said = body.get("data", {})
        nature = nature_of(said)
        inbound = data["direction"] == "inbound"
        request = is_request(said) or data.get("opt_out") == "ambiguous"
        return Approach(
            data,
            body,
            min(data["occurred_at"], utc_text(now)),
            body["contact_point"]["level"],
            nature,
            inbound and cases_.asks(data["type"], nature, request),
        )

    @property
    def id(self) -> str:
        """Of the interaction."""
        return str(self.event["interaction_id"])

    @property
    def passive(self) -> bool:
        """The company's own doing: it joins the case that it names, and moves none."""
        return self.event["direction"] != "inbound" or self.event["type"] in cases_.REPORTED

    @cached_property
    def point(self) -> AddressRef:
        """Its contact point."""
        point = self.event["contact_point"]
        return AddressRef(point["kind"], point["key"])

    @cached_property
    def protocols(self) -> list[str]:
        """The numbers that it names."""
        first = self.event.get("protocol")
        found = protocols_in(self.body.get("conversation", {}), self.body.get("data", {}))
        return list(dict.fromkeys([*([first] if first else []), *found]))

    @property
    def own(self) -> list[str]:
        """References that later replies will use."""
        return cases_.own_references(self.event["channel"], self.point.key, self.body)

    @property
    def named(self) -> list[str]:
        """References that it uses."""
        return cases_.named_references(self.event["channel"], self.point.key, self.body)
