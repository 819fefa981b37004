"""Which edges of a component are candidates because a rule refused them, and which no more."""

from __future__ import annotations

from enlace.domain.component import Component
from enlace.domain.evidence import edge_key
from enlace.domain.partition import overrulable
from enlace.domain.rules import Rules

#: Refused edges of a component that one search looks after, and others that may have been.
MAX_REFUSED = 32
MAX_OTHERS = 64

Pair = tuple[str, str]


def edges_of(
    key: str, component: Component | None, rules: Rules, today: str
) -> tuple[dict[Pair, str], list[Pair]]:
    """Edges that an operator could overrule, with the rule; and the edges that are none.

    Both have those of the contact point ``key`` first, and are bounded. An edge that was
    refused and is not any more may lie anywhere in the component: what somebody says at
    one end of it can settle what another's word had left open at the other.

    Parameters
    ----------
    today : str
        ``YYYY-MM-DD``.
    """
    if component is None:
        return {}, []
    reasons = component.partition(rules, today).refused
    decided = (edge_key(decision.a, decision.b) for decision in component.decisions.values())
    pairs = sorted({*component.edges, *decided}, key=lambda pair: (key not in pair, pair))
    known = [pair for pair in pairs if component.nodes.keys() >= set(pair)]
    refused = [pair for pair in known if overrulable(reasons.get(pair, ""))]
    others = [pair for pair in known if not overrulable(reasons.get(pair, ""))]
    return {pair: reasons[pair] for pair in refused[:MAX_REFUSED]}, others[:MAX_OTHERS]
