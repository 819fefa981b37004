"""The transactions by which a case is opened and changed."""

from __future__ import annotations

from typing import Any

from enlace.aws.case_items import (
    attributes,
    case_key,
    change_key,
    contact_key,
    done_key,
    key_of,
    listed_key,
)
from enlace.domain.case import Case, Change, Contact

_NEW = "attribute_not_exists(pk)"
#: What a change may alter; what contacts write beside it stays as it is.
_CHANGING = ("state", "state_at", "assignee", "team", "assigned_at", "version")


def opening(case: Case, contact: Contact, opened_last: str | None) -> list[dict[str, Any]]:
    """The case, its place with its contact point, and the thread's first entry.

    Parameters
    ----------
    opened_last : str or None
        The case that the contact point must have opened last, "" for none; None
        where that does not matter.
    """
    guard: dict[str, Any] = {
        "Key": key_of(case.contact_key, "cases"),
        "UpdateExpression": "SET protocol = :new",
        "ExpressionAttributeValues": {":new": {"S": case.protocol}},
    }
    if opened_last:
        guard["ConditionExpression"] = "protocol = :last"
        guard["ExpressionAttributeValues"][":last"] = {"S": opened_last}
    elif opened_last == "":
        guard["ConditionExpression"] = _NEW
    items = [
        {**attributes(case), **case_key(case.protocol)},
        {**attributes(case), **listed_key(case)},
        {**attributes(contact), **key_of(f"interaction#{case.interaction_id}", "case")},
        {**attributes(contact), **contact_key(contact)},
    ]
    return [*(_put(item) for item in items), {"Update": guard}]


def changing(case: Case, after: Case, change: Change) -> list[dict[str, Any]]:
    """The change, its mark, and what it alters; guarded by the case's version."""
    values = attributes(after)
    update = {
        "Key": case_key(case.protocol),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in _CHANGING),
        "ConditionExpression": "#version = :was",
        "ExpressionAttributeNames": {f"#{name}": name for name in _CHANGING},
        "ExpressionAttributeValues": {
            ":was": {"N": str(case.version)},
            **{f":{name}": values[name] for name in _CHANGING},
        },
    }
    writes = [
        _put({**attributes(change), **change_key(case.protocol, after.version)}),
        _put(done_key(case.protocol, change)),
        {"Update": update},
    ]
    if after.is_open != case.is_open:
        # Open ones stand apart, so that reading them never costs reading closed ones.
        writes.append({"Delete": {"Key": listed_key(case)}})
        writes.append({"Put": {"Item": {**values, **listed_key(after)}}})
    return writes


def _put(item: dict[str, Any]) -> dict[str, Any]:
    return {"Put": {"Item": item, "ConditionExpression": _NEW}}
