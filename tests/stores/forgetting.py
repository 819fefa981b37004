"""Erasures of identities for tests: the fence and the forgetting, on any store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from enlace.domain.change import Effect
from enlace.domain.interaction import Identifier, Interaction
from enlace.errors import Fenced
from enlace.rules import default_rules
from enlace.usecases.forget_identifiers import ForgetIdentifiers
from enlace.usecases.observe import sight
from tests.stores.builders import KEYS, resolver


def key_of(identifier: tuple[str, ...]) -> str:
    """The address key of an identifier."""
    return sight(Identifier(*identifier), KEYS, default_rules())[0].key


def raise_fence(store: Any, keys: Iterable[str], at: str) -> None:
    """What an erasure does first, on the identity table alone."""
    if hasattr(store, "raise_fence"):
        store.raise_fence(keys, at)
        return
    for key in keys:
        store._client.update_item(
            TableName=store._identity,
            Key={"pk": {"S": key}},
            UpdateExpression="SET erased_before = :at",
            ConditionExpression="attribute_not_exists(erased_before) OR erased_before <= :at",
            ExpressionAttributeValues={":at": {"S": at}},
        )


def deliver_late(store: Any, batches: Sequence[Sequence[Interaction]]) -> None:
    """As the queue's consumer does it: what is kept out is acknowledged."""
    for batch in batches:
        for result in resolver(store).resolve_batch(batch):
            if isinstance(result, Exception) and not isinstance(result, Fenced):
                raise result


class Told(list[Effect]):
    """What became of customers, as it was told."""

    def __call__(self, effects: Sequence[Effect], at: str) -> None:
        self.extend(effects)


def forgetting(store: Any, told: Any, now: str = "2026-11-22T12:00:00.000Z") -> ForgetIdentifiers:
    """The real use case; never waits."""
    return ForgetIdentifiers(
        store, default_rules(), tell=told, now=lambda: now, sleep=lambda seconds: None
    )


def forget(store: Any, *identifiers: tuple[str, ...], at: str | None) -> Told:
    """Forget identifiers, with a fence at ``at``, or without a trace where that is None."""
    told, keys = Told(), [key_of(identifier) for identifier in identifiers]
    if at:
        raise_fence(store, keys, at)
    assert forgetting(store, told)(keys, erased_before=at)
    return told
