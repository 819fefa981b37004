"""The identity table: identifiers, components, and small entries beside them.

One table, hash key ``pk``: an address key, ``component#<id>``, or the key of
an entry: ``decision#<id>``, ``decided#<address key>``, ``job#<name>``,
``rules#active``. Small structures travel as one JSON string each: DynamoDB bills
bytes, and typed maps cost three times as many of them, and CPU.

Under an address key stands a live identifier or a tombstone. A live one has ``birth``
(and ``kind``, ``value``, ``first_seen``; see :func:`item_of`). ``erased_before``, a
contract time, is its fence: an erasure raises it by ``SET erased_before = :at``, and
only ever to a later moment. An item with ``erased_before`` and without ``birth`` is a
tombstone: nobody is known by that address, and it stays for ever. ``returned_after`` is
the fence of the tombstone in whose place a newcomer was stored, and never changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from enlace.aws.dynamodb import Item, batch_get, translated
from enlace.domain.component import Component
from enlace.domain.records import CustomerHint, IdentifierRecord, Pointer, Tombstone


class IdentityTable:
    """Reads identities; what a sender or the API may do.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    """

    def __init__(self, client: Any, table: str):
        self._client = client
        self._table = table

    def get_identifiers(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord]:
        """Known identifiers by address key; unknown keys are absent.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        records = (record_of(item) for item in self._get(keys, consistent) if "birth" in item)
        return {record.key: record for record in records}

    def get_states(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord | Tombstone]:
        """Known identifiers, and the tombstones of erased ones, by address key.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        states = map(state_of, self._get(keys, consistent))
        return {state.key: state for state in states}

    def get_components(
        self, ids: Iterable[str], *, consistent: bool = False
    ) -> dict[str, Component]:
        """Components by id; unknown ids are absent.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        items = self._get((f"component#{id_}" for id_ in ids), consistent)
        components = (Component.from_body(item["body"]["S"]) for item in items)
        return {component.id: component for component in components}

    def get_entry(self, key: str) -> dict[str, Any] | None:
        """An entry (a decision's, a job's, the rules') by its key, read consistently.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        with translated():
            answer = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": key}},
                ConsistentRead=True,
            )
        item = answer.get("Item")
        return json.loads(item["body"]["S"]) if item else None

    def scan(
        self, cursor: str | None, limit: int
    ) -> tuple[list[IdentifierRecord | Component], str | None]:
        """Some identifiers and components, and where to go on; None at the end.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        start = {"ExclusiveStartKey": {"pk": {"S": cursor}}} if cursor else {}
        with translated():
            answer = self._client.scan(TableName=self._table, Limit=limit, **start)
        found: list[IdentifierRecord | Component] = []
        for item in answer["Items"]:
            if item["pk"]["S"].startswith("component#"):
                found.append(Component.from_body(item["body"]["S"]))
            elif "birth" in item:
                found.append(record_of(item))
        last = answer.get("LastEvaluatedKey")
        return found, last["pk"]["S"] if last else None

    def _get(self, keys: Iterable[str], consistent: bool) -> Iterable[Item]:
        wanted = [{"pk": {"S": key}} for key in sorted(set(keys))]
        return batch_get(self._client, self._table, wanted, consistent=consistent)


def state_of(item: Item) -> IdentifierRecord | Tombstone:
    """An identifier, or what is left of it, from its stored item."""
    if "birth" in item:
        return record_of(item)
    return Tombstone(item["pk"]["S"], item["erased_before"]["S"])


def record_of(item: Item) -> IdentifierRecord:
    """An identifier from its stored item."""
    return IdentifierRecord(
        key=item["pk"]["S"],
        kind=item["kind"]["S"],
        value=item["value"]["S"],
        raw=item["raw"]["S"] if "raw" in item else item["value"]["S"],
        birth=item["birth"]["S"],
        born_by=item["born_by"]["S"] if "born_by" in item else "",
        pointer=Pointer(
            first_seen=item["first_seen"]["S"],
            customer_id=item["customer_id"]["S"] if "customer_id" in item else item["birth"]["S"],
            component=item["component"]["S"] if "component" in item else None,
            hub="hub" in item,
            blocked="blocked" in item,
        ),
        seen=json.loads(item["seen"]["S"]) if "seen" in item else {},
        traits=json.loads(item["traits"]["S"]) if "traits" in item else {},
        hint=_hint(item["hint"]["S"]) if "hint" in item else None,
        erased_before=item["erased_before"]["S"] if "erased_before" in item else "",
        returned_after=item["returned_after"]["S"] if "returned_after" in item else "",
    )


def _hint(text: str) -> CustomerHint:
    members, open_case = json.loads(text)
    return CustomerHint(tuple(members), bool(open_case))


def item_of(record: IdentifierRecord) -> Item:
    """An identifier as a stored item; what follows from another attribute is left out."""
    pointer = record.pointer
    item: Item = {
        "pk": {"S": record.key},
        "kind": {"S": record.kind},
        "value": {"S": record.value},
        "birth": {"S": record.birth},
        "first_seen": {"S": pointer.first_seen},
        **own_attributes(record),
    }
    optional = {
        "raw": record.raw if record.raw != record.value else "",
        "born_by": record.born_by,
        "customer_id": pointer.customer_id if pointer.customer_id != record.birth else "",
        "component": pointer.component or "",
        "erased_before": record.erased_before,
        "returned_after": record.returned_after,
    }
    item.update({name: {"S": value} for name, value in optional.items() if value})
    if pointer.blocked:
        item["blocked"] = {"BOOL": True}
    if pointer.hub:
        item["hub"] = {"BOOL": True}
    return item


def own_attributes(record: IdentifierRecord) -> Item:
    """``seen`` and ``traits``, under the tag that guards them."""
    if not record.seen and not record.traits:
        return {}
    own: Item = {"own_etag": {"S": record.own_etag}}
    for name, value in (("seen", record.seen), ("traits", record.traits)):
        if value:
            text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
            own[name] = {"S": text}
    return own
