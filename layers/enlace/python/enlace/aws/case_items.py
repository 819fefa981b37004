"""Between cases and DynamoDB items.

===========================  ==========================  =========================================
pk                           sk                          what
===========================  ==========================  =========================================
``protocol#<number>``        ``case``                    the case; makes the number unique
``protocol#<number>``        ``contact#<time>#<id>``     an interaction in its thread
``protocol#<number>``        ``change#<version>``        something that was done about it
``protocol#<number>``        ``done#<change id>``        so that it is done once
``protocol#<number>``        ``told#<address key>``      the message that told a contact point
``<address key>``            ``case#<number>``           an open case that the contact point opened
``<address key>``            ``closed#<number>``         a closed one
``<address key>``            ``cases``                   the one it opened last: a guard
``interaction#<id>``         ``case``                    the thread that an interaction is in
``ref#<digest>``             ``case``                    what replies lead to
``message#<id>``             ``case``                    the case that a message of ours is about
===========================  ==========================  =========================================

Keys hold ids, digests and address keys, and nothing that anybody wrote.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from enlace.domain.case import Case, Change, Contact

Item = dict[str, dict[str, Any]]
_Record = TypeVar("_Record", Case, Change, Contact)


def key_of(pk: str, sk: str) -> Item:
    """An item's key."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def case_key(protocol: str) -> Item:
    """The key of a case."""
    return key_of(f"protocol#{protocol}", "case")


def listed_key(case: Case) -> Item:
    """The key under which a case stands with the contact point that opened it."""
    return key_of(case.contact_key, f"{'case' if case.is_open else 'closed'}#{case.protocol}")


def contact_key(contact: Contact) -> Item:
    """The key of an interaction in a thread."""
    return key_of(f"protocol#{contact.protocol}", f"contact#{contact.timeline_key}")


def change_key(protocol: str, version: int) -> Item:
    """The key of the change that led to a version."""
    return key_of(f"protocol#{protocol}", f"change#{version:06d}")


def done_key(protocol: str, change: Change) -> Item:
    """The key that keeps a change from being entered twice."""
    return key_of(f"protocol#{protocol}", f"done#{change.id}")


def attributes(record: Case | Change | Contact) -> Item:
    """A record's attributes; all texts are there, also empty ones."""
    item: Item = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, bool):
            item[field.name] = {"BOOL": value}
        elif isinstance(value, int):
            item[field.name] = {"N": str(value)}
        elif isinstance(value, tuple):
            item[field.name] = {"L": [{"S": entry} for entry in value]}
        else:
            item[field.name] = {"S": value}
    return item


def record_of(kind: type[_Record], item: Item) -> _Record:
    """The inverse of :func:`attributes`."""
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name not in item:
            continue
        ((type_, value),) = item[field.name].items()
        if type_ == "N":
            value = int(value)
        elif type_ == "L":
            value = tuple(entry["S"] for entry in value)
        values[field.name] = value
    return kind(**values)
