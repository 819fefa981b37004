"""From an interaction to what it says about identity: keys, levels, edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.evidence import Edge, edge_key, lower_level, observed_edge
from enlace.domain.interaction import Identifier, Interaction
from enlace.domain.rules import LEVEL_RANK, Rules
from enlace.normalise import normalise


@dataclass(frozen=True, slots=True)
class Sighting:
    """One identifier of an interaction, in its one form."""

    key: str
    kind: str
    value: str
    raw: str
    level: str
    blocked: bool


@dataclass(frozen=True, slots=True)
class Observation:
    """What an interaction says about identity.

    Parameters
    ----------
    contact_point : Sighting
    others : tuple of Sighting
        Valid further identifiers, each once, at its highest level.
    edges : dict of the other's address key to Edge
    unlinked : list of dict
        Identifiers that are not valid; kept with the interaction as data.
    """

    contact_point: Sighting
    others: tuple[Sighting, ...] = ()
    edges: dict[str, Edge] = field(default_factory=dict)
    unlinked: list[dict[str, str]] = field(default_factory=list)

    def sightings(self) -> tuple[Sighting, ...]:
        """All identifiers, the contact point first."""
        return (self.contact_point, *self.others)


def observe(
    interaction: Interaction, occurred_at: str, keys: AddressKeys, rules: Rules
) -> Observation:
    """Normalise an interaction's identifiers and derive its evidence.

    Parameters
    ----------
    occurred_at : str
        The interaction's time, pinned where the vendor sends none.
    """
    point, _ = sight(interaction.contact_point, keys, rules)
    if not interaction.identifiers:
        return Observation(point)
    others: dict[str, Sighting] = {}
    unlinked: list[dict[str, str]] = []
    for identifier in interaction.identifiers:
        sighting, valid = sight(identifier, keys, rules)
        if not valid:
            unlinked.append(
                {"kind": identifier.kind, "value": identifier.value, "level": identifier.level}
            )
        elif sighting.key != point.key:
            known = others.get(sighting.key)
            if known is None or LEVEL_RANK[known.level] < LEVEL_RANK[sighting.level]:
                others[sighting.key] = sighting
    edges = {
        key: observed_edge(
            lower_level(point.level, other.level), occurred_at, interaction.id, interaction.channel
        )
        for key, other in others.items()
    }
    return Observation(point, tuple(others[key] for key in sorted(others)), edges, unlinked)


def sight(identifier: Identifier, keys: AddressKeys, rules: Rules) -> tuple[Sighting, bool]:
    """One identifier in its one form, and whether its value is valid for its kind."""
    form = normalise(identifier.kind, identifier.value, rules)
    # An invalid value keeps its own key space: no valid one can ever equal it.
    match = form.value if form.valid else f"?{form.value}"
    return Sighting(
        key=keys.key(identifier.kind, match),
        kind=identifier.kind,
        value=form.value,
        raw=identifier.value.strip(),
        level=identifier.level,
        blocked=not form.valid or rules.blocks(identifier.kind, form.value),
    ), form.valid


def graph_edges(observation: Observation) -> dict[tuple[str, str], Edge]:
    """The observation's edges by sorted pair, as the graph wants them."""
    point = observation.contact_point.key
    return {edge_key(point, other): edge for other, edge in observation.edges.items()}


def timeline_body(interaction: Interaction, observation: Observation) -> dict[str, Any]:
    """The interaction as the timeline keeps it: address keys instead of clear values."""
    body = interaction.to_dict()
    body["contact_point"] = {
        "kind": interaction.contact_point.kind,
        "level": interaction.contact_point.level,
    }
    body.pop("identifiers", None)
    if observation.others:
        body["ids"] = [[other.key, other.level] for other in observation.others]
    if observation.unlinked:
        body["unlinked"] = observation.unlinked
    return body
