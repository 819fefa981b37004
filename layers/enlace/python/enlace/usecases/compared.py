"""How two identifiers compared when somebody decides about them: what weights learn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.evidence import edge_key
from enlace.domain.interaction import Identifier
from enlace.domain.rules import Rules
from enlace.usecases.candidate_ports import CandidateReader
from enlace.usecases.conciliation_log import IN_FORCE, state_of
from enlace.usecases.join_candidates import OPERATOR
from enlace.usecases.observe import sight


class Compared:
    """Looks up the comparison of two identifiers; only candidates have one.

    Parameters
    ----------
    candidates : CandidateReader
    keys : AddressKeys
    rules : Rules
    """

    def __init__(self, candidates: CandidateReader, keys: AddressKeys, rules: Rules):
        self._candidates = candidates
        self._keys = keys
        self._rules = rules

    def __call__(self, a: Identifier, b: Identifier) -> dict[str, str] | None:
        """The level of each field, without values; None where nothing was compared.

        Raises
        ------
        TemporaryFailure
            If the store did not do its part.
        """
        ends = (sight(identifier, self._keys, self._rules)[0].key for identifier in (a, b))
        pair = edge_key(*ends)
        known = self._candidates.candidates([pair]).get(pair)
        return (known.levels or None) if known else None


def learnable(entries: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The decisions that weights are learned from, as ``enlace weights update`` reads them.

    People's own that are in force, about pairs that were compared. What was joined without
    asking is left out: weights that learn from themselves only grow surer.

    Parameters
    ----------
    entries : iterable of mapping
        Of the log of decisions.
    """
    for entry in entries:
        compared = entry.get("comparison")
        if compared and entry["operator"] != OPERATOR and state_of(entry) == IN_FORCE:
            yield {"decision": entry["decision"], "comparison": dict(compared)}
