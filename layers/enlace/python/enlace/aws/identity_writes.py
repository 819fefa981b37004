"""Writes of identifiers in DynamoDB's words, each on the condition that all is as it was read."""

from __future__ import annotations

from typing import Any

from enlace.aws.dynamodb import Item
from enlace.aws.identity_table import own_attributes
from enlace.domain.records import IdentifierRecord, Pointer
from enlace.usecases.ports import ForgetRecord, UpdateRecord

NEW = "attribute_not_exists(pk)"


def update_record(table: str, write: UpdateRecord) -> dict[str, dict[str, Any]]:
    """Move a pointer, and renew what the record has of its own."""
    before, after = write.before, write.after
    conditions, values = as_read(before, write.own[0] if write.own else None)
    sets: Item = {}
    removes = []
    if after.first_seen != before.first_seen:
        sets["first_seen"] = {"S": after.first_seen}
    if after.customer_id != before.customer_id:
        sets["customer_id"] = {"S": after.customer_id}
    if after.component and after.component != before.component:
        sets["component"] = {"S": after.component}
    elif before.component and not after.component:
        removes.append("component")
    for name in ("hub", "blocked"):
        if getattr(after, name) and not getattr(before, name):
            sets[name] = {"BOOL": True}
        elif getattr(before, name) and not getattr(after, name):
            removes.append(name)
    if write.own:
        was, now = map(own_attributes, write.own)
        sets.update(now)
        removes += sorted(was.keys() - now.keys())
        # An update in a transaction must say something, even if nothing changed.
        sets = sets or {"first_seen": {"S": after.first_seen}}
    names = {f"#{n}": name for n, name in enumerate(sets)}
    values |= {f":{n}": value for n, value in enumerate(sets.values())}
    expression = "SET " + ", ".join(f"#{n} = :{n}" for n in range(len(sets))) if sets else ""
    if removes:
        expression += f" REMOVE {', '.join(removes)}"
    return {
        "Update": {
            "TableName": table,
            "Key": {"pk": {"S": write.key}},
            **({"UpdateExpression": expression.strip()} if expression else {}),
            "ConditionExpression": conditions,
            "ExpressionAttributeValues": values,
            **({"ExpressionAttributeNames": names} if names else {}),
        }
    }


def forget_record(table: str, write: ForgetRecord) -> dict[str, dict[str, Any]]:
    """Put a tombstone in an identifier's place, or nothing."""
    condition, values = as_read(write.before.pointer, write.before)
    if not write.erased_before:
        return delete(table, write.before.key, condition, values)
    stone = {"pk": {"S": write.before.key}, "erased_before": {"S": write.erased_before}}
    return put(table, stone, condition, values)


def vacant(record: IdentifierRecord) -> tuple[str, Item]:
    """The condition that nobody is known by an identifier, whose fence is as it was read."""
    if not record.erased_before:
        return NEW, {}
    stone = {":fence": {"S": record.erased_before}}
    return "attribute_not_exists(birth) AND erased_before = :fence", stone


def as_read(pointer: Pointer, own: IdentifierRecord | None) -> tuple[str, Item]:
    """The condition that an identifier is live and as it was read.

    Parameters
    ----------
    own : IdentifierRecord, optional
        What it has of its own, and its fence, are to be as here.
    """
    conditions = ["first_seen = :was_first_seen", "attribute_exists(birth)"]
    values: Item = {":was_first_seen": {"S": pointer.first_seen}}
    guarded = {"component": pointer.component}
    if own:
        guarded["own_etag"] = own.own_etag if own.seen or own.traits else None
        guarded["erased_before"] = own.erased_before
    for name, value in guarded.items():
        if value:
            conditions.append(f"{name} = :was_{name}")
            values[f":was_{name}"] = {"S": value}
        else:
            conditions.append(f"attribute_not_exists({name})")
    # Rules that change flag an identifier which no component guards.
    conditions.append(f"attribute_{'' if pointer.blocked else 'not_'}exists(blocked)")
    return " AND ".join(conditions), values


def put(
    table: str, item: Item, condition: str, values: Item | None = None
) -> dict[str, dict[str, Any]]:
    """A put on a condition."""
    arguments: dict[str, Any] = {
        "TableName": table,
        "Item": item,
        "ConditionExpression": condition,
    }
    if values:
        arguments["ExpressionAttributeValues"] = values
    return {"Put": arguments}


def delete(table: str, pk: str, condition: str, values: Item) -> dict[str, dict[str, Any]]:
    """A deletion on a condition."""
    return {
        "Delete": {
            "TableName": table,
            "Key": {"pk": {"S": pk}},
            "ConditionExpression": condition,
            **({"ExpressionAttributeValues": values} if values else {}),
        }
    }
