"""The part of the identity graph that a change touches, read consistently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from enlace.domain.component import Component
from enlace.domain.evidence import Node
from enlace.domain.records import IdentifierRecord, Pointer
from enlace.errors import Conflict
from enlace.usecases.ports import IdentityReader


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Identifiers, the components that they are in, and those that are in none.

    Parameters
    ----------
    records : dict of address key to IdentifierRecord
        Of the identifiers asked for; unknown ones are absent.
    components : list of Component
    loners : dict of address key to Node
        Known identifiers that no evidence is about.
    """

    records: dict[str, IdentifierRecord]
    components: list[Component]
    loners: dict[str, Node]


def own_part(
    records: Mapping[str, IdentifierRecord], key: str, was: Pointer
) -> tuple[IdentifierRecord, IdentifierRecord] | None:
    """What a write that moves a pointer must find unchanged beside it.

    The traits of an identifier that enters its first component are copied there (as
    claims); afterwards whoever changes them changes the component with them.
    """
    return (records[key], records[key]) if was.component is None else None


def read_neighbourhood(store: IdentityReader, keys: Iterable[str]) -> Neighbourhood:
    """Read what a change to the identifiers ``keys`` touches.

    Raises
    ------
    Conflict
        If a pointer moved between the reading of an identifier and of its component.
    TemporaryFailure
        If the store does not answer.
    """
    return neighbourhood_of(store, store.get_identifiers(keys, consistent=True))


def neighbourhood_of(store: IdentityReader, records: dict[str, IdentifierRecord]) -> Neighbourhood:
    """Read what a change to identifiers touches, whose records were read consistently.

    Raises
    ------
    Conflict
        If a pointer moved between the reading of an identifier and of its component.
    TemporaryFailure
        If the store does not answer.
    """
    ids = {r.pointer.component for r in records.values() if r.pointer.component}
    components = store.get_components(ids, consistent=True) if ids else {}
    for record in records.values():
        component = record.pointer.component
        if component and record.key not in getattr(components.get(component), "nodes", ()):
            raise Conflict("a pointer moved between two reads")
    return Neighbourhood(
        records,
        list(components.values()),
        {key: r.node for key, r in records.items() if not r.pointer.component},
    )
