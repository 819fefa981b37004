"""People who write through several contact points, and the search that follows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.candidate import Candidate
from enlace.domain.evidence import edge_key
from enlace.domain.interaction import Identifier
from enlace.domain.rules import Rules
from enlace.rules import default_rules
from enlace.usecases.find_candidates import CandidateFinder, Found, Merge
from enlace.usecases.observe import sight
from enlace.usecases.relist_candidates import relist
from local.memory_candidates import MemoryCandidates
from local.memory_store import MemoryStore
from tests.stores.builders import KEYS, TODAY, interaction, resolver

HELENA = {"name": "Helena Quaresma Lopes", "birth_date": "1984-03-17", "city": "Olinda"}
JONAS = {"name": "Jonas Prado Figueira", "birth_date": "1971-11-02", "city": "Santos"}


class Scene:
    """A store of identities, one of candidates, and the search between them.

    Parameters
    ----------
    store : MemoryStore, optional
        Or another store of identities.
    candidates : MemoryCandidates, optional
    """

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        store: Any = None,
        candidates: Any = None,
        keys: AddressKeys = KEYS,
        merge: Merge | None = None,
    ) -> None:
        self.rules = rules or default_rules()
        self.store = MemoryStore() if store is None else store
        self.candidates = MemoryCandidates() if candidates is None else candidates
        self.keys = keys
        self.day = TODAY
        self.finder = CandidateFinder(
            self.store,
            self.candidates,
            keys,
            self.rules,
            now=lambda: f"{self.day}T12:00:00.000Z",
            merge=merge,
        )
        self._said = 0

    def key(self, kind: str, value: str) -> str:
        return sight(Identifier(kind, value), self.keys, self.rules)[0].key

    def pair(self, a: tuple[str, str], b: tuple[str, str]) -> Candidate | None:
        """The candidate of two identifiers."""
        pair = edge_key(self.key(*a), self.key(*b))
        found: Candidate | None = self.candidates.candidates([pair]).get(pair)
        return found

    def hears(
        self,
        point: tuple[str, ...],
        *identifiers: tuple[str, ...],
        traits: dict[str, Any] | None = None,
        **fields: Any,
    ) -> list[dict[str, Any]]:
        """Record an interaction; gives its effects, and follows none."""
        self._said += 1
        heard = interaction(f"s-{self._said}", point, *identifiers, traits=traits or {}, **fields)
        effects: list[dict[str, Any]] = resolver(self.store, self.rules).resolve(heard).effects
        return effects

    def follow(self, effects: list[dict[str, Any]]) -> list[Found]:
        """What the function does about effects that were told on the bus."""
        found = []
        for effect in effects:
            if effect["effect"] == "described":
                found.append(self.finder.find(effect["key"]))
            elif effect["effect"] == "merged":
                keys = [key for part in effect["identifiers"].values() for key in part]
                relist(self.store, self.candidates, keys)
            elif effect["effect"] == "split":
                keys = [key for _, part in effect["into"] for key in part]
                relist(self.store, self.candidates, keys)
        return found

    def says(self, point: tuple[str, ...], *identifiers: tuple[str, ...], **fields: Any) -> None:
        """Record an interaction and follow its effects."""
        self.follow(self.hears(point, *identifiers, **fields))

    def state(self) -> dict[tuple[str, str], Candidate]:
        """Every candidate of a memory store, found at no time."""
        return {pair: replace(made, found_at="") for pair, made in self.candidates.kept.items()}
