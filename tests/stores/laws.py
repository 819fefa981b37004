"""What the laws of identity are tested with: events, orders of arrival, comparable state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from enlace.domain.evidence import edge_to_json
from enlace.domain.interaction import Interaction
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, KEYS, interaction, order, resolver

#: Few people and fewer addresses, so that they collide in every way the rules know.
POOL = (
    *(("phone", f"+551198765432{n}") for n in range(4)),
    *(("email", f"person{n}@example.com") for n in range(4)),
    *(("cpf", cpf) for cpf in CPFS),
    *(("user_id", f"user-{n}") for n in range(3)),
    *(("anonymous_id:site", f"browser-{n}") for n in range(2)),
    *(("messenger:page", f"psid-{n}") for n in range(4)),
    ("email", "sac@example.com"),
    ("email", "naotem@naotem.com"),
    ("cpf", "11111111111"),
    ("phone", "27182"),
    ("cnpj", "11222333000181"),
)

_TIMES = [f"2026-11-{day:02d}T12:00:00.000Z" for day in range(1, 21)]


@st.composite
def events(draw: st.DrawFn, min_size: int = 1, max_size: int = 14) -> list[Interaction]:
    """Distinct interactions over a small pool of identifiers."""
    count = draw(st.integers(min_size, max_size))
    made = []
    for n in range(count):
        point = draw(st.sampled_from(POOL))
        others = draw(st.lists(st.sampled_from(POOL), max_size=3, unique=True))
        levels = draw(
            st.lists(
                st.sampled_from(["proven", "stated", "imported"]),
                min_size=len(others) + 1,
                max_size=len(others) + 1,
            )
        )
        point, *others = (
            (*identifier, level) for identifier, level in zip([point, *others], levels, strict=True)
        )
        at = draw(st.sampled_from(_TIMES))
        traits = draw(st.sampled_from([{}, {"name": "João da Silva"}, {"name": "Maria"}]))
        if draw(st.integers(0, 4)):
            made.append(interaction(f"e{n}", point, *others, at=at, traits=traits))
        else:
            amount, order_id = draw(st.integers(0, 3)) * 100, f"o{draw(st.integers(0, 2))}"
            type_ = draw(
                st.sampled_from(["order.placed", "order.paid", "order.cancelled", "order.refunded"])
            )
            made.append(
                order(f"e{n}", point, amount, type_=type_, order_id=order_id, at=at, traits=traits)
            )
    return made


def deliver(store: Any, batches: Sequence[Sequence[Interaction]]) -> None:
    """Through the real use case, batch by batch."""
    use_case = resolver(store)
    for batch in batches:
        for result in use_case.resolve_batch(batch):
            if isinstance(result, Exception):
                raise result


def batched(draw: st.DrawFn, interactions: list[Interaction]) -> list[list[Interaction]]:
    """The same events shuffled, some twice or thrice, in batches of any size."""
    repeated = interactions + draw(st.lists(st.sampled_from(interactions), max_size=6))
    shuffled = draw(st.permutations(repeated))
    batches: list[list[Interaction]] = [[]]
    for item in shuffled:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(item)
    return batches


def renamed(store: MemoryStore) -> str:
    """The whole state, with each random birth id named after its identifier."""
    text = json.dumps(snapshot(store), sort_keys=True, indent=1)
    for record in store.records.values():
        text = text.replace(record.birth, f"<{KEYS.address_of(record.birth)}>")
    return text


def snapshot(store: MemoryStore) -> dict[str, Any]:
    """The whole state but for the log of decisions; ``born_by`` depends on the order."""
    return {
        "records": {
            key: [
                record.kind,
                record.value,
                record.birth,
                record.blocked,
                [
                    record.pointer.first_seen,
                    record.pointer.customer_id,
                    sorted(store.components[record.pointer.component].nodes)
                    if record.pointer.component
                    else None,
                    record.pointer.hub,
                ],
                record.seen,
                {name: sorted(values.items()) for name, values in record.traits.items()},
            ]
            for key, record in store.records.items()
        },
        "components": sorted(
            [
                sorted(component.nodes),
                [[*pair, edge_to_json(edge)] for pair, edge in sorted(component.edges.items())],
                sorted(component.decisions),
                sorted(component.customer_of.items()),
            ]
            for component in store.components.values()
        ),
        "timelines": {pk: sorted(items) for pk, items in store.timelines.items()},
        "documents": sorted([*key, doc.body] for key, doc in store.documents.items()),
    }
