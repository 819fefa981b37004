"""Interactions and resolvers for tests of the real use cases."""

from __future__ import annotations

from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.interaction import Interaction, parse_interaction
from enlace.domain.rules import Rules
from enlace.rules import default_rules
from enlace.usecases.conciliate import Conciliator
from enlace.usecases.resolve import Resolver

KEYS = AddressKeys(b"a secret of thirty-two bytes....")
TODAY = "2026-11-22"

#: Numbers that pass their check digits, and belong to nobody we know.
CPFS = ("52998224725", "11144477735", "86288366757", "39053344705", "15350946056", "28625587887")


def interaction(
    source_id: str,
    contact_point: tuple[str, ...],
    *identifiers: tuple[str, ...],
    at: str = "2026-11-20T12:00:00.000Z",
    type_: str = "message.received",
    **fields: Any,
) -> Interaction:
    """An interaction from ``(kind, value[, level])`` tuples; levels are proven, then stated."""
    levels = ["proven"] + ["stated"] * len(identifiers)
    named = [
        {"kind": kind, "value": value, "level": rest[0] if rest else level}
        for (kind, value, *rest), level in zip((contact_point, *identifiers), levels, strict=True)
    ]
    body = {
        "channel": "generic",
        "account": "test",
        "source_id": source_id,
        "type": type_,
        "occurred_at": at,
        "contact_point": named[0],
        "identifiers": named[1:],
        **fields,
    }
    return parse_interaction(body, received_at="2026-11-22T00:00:00.000Z")


def order(
    source_id: str, contact_point: tuple[str, ...], amount: int, **fields: Any
) -> Interaction:
    """A placed order of ``amount`` centavos, its own order id by default."""
    data = {
        "order_id": fields.pop("order_id", source_id),
        "value": {"amount": amount, "currency": "BRL"},
        "store": {"kind": "online", "id": "shop"},
    }
    fields.setdefault("type_", "order.placed")
    return interaction(source_id, contact_point, data=data, **fields)


def resolver(store: Any, rules: Rules | None = None) -> Resolver:
    """The real use case on a store; never waits."""
    return Resolver(
        store, KEYS, rules or default_rules(), today=lambda: TODAY, sleep=lambda seconds: None
    )


def conciliator(store: Any, rules: Rules | None = None) -> Conciliator:
    """The real use case on a store; never waits."""
    return Conciliator(
        store,
        KEYS,
        rules or default_rules(),
        now=lambda: f"{TODAY}T12:00:00.000Z",
        sleep=lambda seconds: None,
    )


def customers(store: Any, *identifiers: tuple[str, str]) -> list[str | None]:
    """The customer id of each identifier, None where it is unknown."""
    from enlace.domain.interaction import Identifier
    from enlace.usecases.observe import sight

    keys = [
        sight(Identifier(kind, value), KEYS, default_rules())[0].key for kind, value in identifiers
    ]
    records = store.get_identifiers(keys, consistent=True)
    return [records[key].customer_id if key in records else None for key in keys]
