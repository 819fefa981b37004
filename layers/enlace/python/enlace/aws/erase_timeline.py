"""The timeline table as a place of erasure: interactions, orders, carts, totals.

A contact point's partition outlives whoever was erased: its address may be given to
somebody new, whose interactions stay, and whose totals are made again without what was
not theirs. What a legal hold keeps moves to a partition of its own, where nobody comes
upon it who merely has the address now.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from enlace.aws.dynamodb import Item
from enlace.aws.partitions import Partitions
from enlace.domain.aggregates import Bought, aggregated, bought_in
from enlace.domain.component import etag_of
from enlace.domain.erasure import HOLD_GROUND, Census, Kept, Subject
from enlace.domain.recorded_data import Located, document_shown, interaction_shown, is_theirs
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.identity_place import GROUND

PINS = "ids of interactions, so that their redeliveries stay out"
HELD = "interactions"
#: Times begin with a digit; the small items beside them with a letter.
_LETTERS = ":"
_ATTEMPTS = 5


class TimelinePlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place` and ``Collecting``.

    Parameters
    ----------
    timeline : Partitions
        Of the timeline table.
    thread : callable
        Gives the ids of the interactions in a case's thread: a hold on a case keeps what
        was said in it.
    """

    name = "timeline"
    method = "delete"

    def __init__(self, timeline: Partitions, thread: Callable[[str], Iterable[str]]):
        self._table = timeline
        self._thread = thread

    def census(self, subject: Subject) -> Census:
        """Count interactions, what was added up of them, and the pins that stay."""
        holds, located = self._holds(subject), Located()
        found = pins = 0
        held: Counter[str] = Counter()
        for key in subject.keys:
            pinned, waiting, others = _Pins(subject.erased_before), set(), []
            documents = self._documents(key, pinned)
            for item in self._interactions(key):
                body, id_ = json.loads(item["body"]["S"]), _id(item)
                if not is_theirs(item["sk"]["S"], body, subject.erased_before):
                    others += _bought(item, body)
                    continue
                found += 1
                located.add(key, id_, body)
                if _leaves_pin(item, subject):
                    waiting.add(id_)
                if id_ in holds:
                    held[holds[id_]] += 1
            for item in self._table.items(held_of(key)):
                if hold := self._still_held(item, subject, holds):
                    held[hold] += 1
                found += hold is not None
                located.add(key, _id(item), json.loads(item["body"]["S"]))
            found += sum(1 for _ in _stale(documents, others))
            # One that is to leave a pin is found, and so is its pin.
            found += len(pinned.ids | waiting)
            pins += len(pinned.ids | waiting)
        kept = [Kept(HELD, count, HOLD_GROUND + hold) for hold, count in sorted(held.items())]
        kept += [Kept(PINS, pins, GROUND)] if pins else []
        return Census(found, tuple(kept), located.ids())

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Delete all that was received by then, page by page."""
        holds = self._holds(subject)
        return all(self._erase_point(key, subject, holds, time_left) for key in subject.keys)

    def collect(self, subject: Subject) -> Iterator[dict[str, Any]]:
        """Interactions, orders, carts and totals; of others' identifiers the kind alone."""
        for key in subject.keys:
            for item in self._interactions(key):
                body = json.loads(item["body"]["S"])
                if is_theirs(item["sk"]["S"], body, subject.erased_before):
                    yield interaction_shown(key, item["sk"]["S"], body, subject)
            for sk, item in self._documents(key, _Pins("")).items():
                yield from document_shown(sk, json.loads(item["body"]["S"]))

    def held(self, subject: Subject) -> Iterator[dict[str, Any]]:
        """What legal holds have kept of an erased subject, for those who may see it."""
        for key in subject.keys:
            for item in self._table.items(held_of(key)):
                body = json.loads(item["body"]["S"])
                yield interaction_shown(key, item["sk"]["S"], body, subject)

    def _erase_point(
        self, key: str, subject: Subject, holds: dict[str, str], time_left: Callable[[], bool]
    ) -> bool:
        for _ in range(_ATTEMPTS):
            # Read before the interactions: whatever changes them from now on is noticed.
            documents, others = self._documents(key, _Pins("")), list[Bought]()
            for page in self._table.pages(key, last=_LETTERS):
                if not time_left():
                    return False
                others += self._erase_page(page, subject, holds)
            gone = [
                item
                for item in self._table.items(held_of(key))
                if self._still_held(item, subject, holds) == ""
            ]
            self._table.delete(gone)
            try:
                for sk, item, body in _stale(documents, others):
                    if not time_left():
                        return False
                    self._renew(sk, item, body)
            except Conflict:
                continue
            return True
        raise TemporaryFailure("somebody else kept buying through the same contact point")

    def _erase_page(
        self, page: list[Item], subject: Subject, holds: dict[str, str]
    ) -> Iterator[Bought]:
        going, left = [], []
        for item in page:
            body = json.loads(item["body"]["S"])
            if not is_theirs(item["sk"]["S"], body, subject.erased_before):
                yield from _bought(item, body)
                continue
            going.append(item)
            if _leaves_pin(item, subject):
                left.append(_pin(item, subject))
            if _id(item) in holds:
                erasure = {"erasure": {"S": subject.request_id}}
                left.append({**item, "pk": {"S": held_of(item["pk"]["S"])}, **erasure})
        # What stays stands elsewhere before it goes from here.
        self._table.put(left)
        self._table.delete(going)

    def _renew(self, sk: str, item: Item, body: dict[str, Any] | None) -> None:
        """Make a document what it is without the subject, if it is still as it was read."""
        condition: dict[str, Any] = {}
        values: Item = {}
        if "etag" in item:
            condition = {"ConditionExpression": "etag = :was"}
            values = {":was": item["etag"]}
        arguments = {"Key": {"pk": item["pk"], "sk": {"S": sk}}, **condition}
        if body is None:
            named = {"ExpressionAttributeValues": values} if values else {}
            self._table.call("delete_item", **arguments, **named)
            return
        values |= {":body": {"S": _dump(body)}, ":etag": {"S": _etag(body)}}
        self._table.call(
            "update_item",
            **arguments,
            UpdateExpression="SET body = :body, etag = :etag",
            ExpressionAttributeValues=values,
        )

    def _interactions(self, key: str) -> Iterator[Item]:
        return self._table.items(key, last=_LETTERS)

    def _documents(self, key: str, pins: _Pins) -> dict[str, Item]:
        documents = {}
        for item in self._table.items(key, first=_LETTERS):
            if not pins.take(item):
                documents[item["sk"]["S"]] = item
        return documents

    def _holds(self, subject: Subject) -> dict[str, str]:
        """Interaction ids to hold ids; those in the thread of a held case are held with it."""
        holds: dict[str, str] = {}
        for (place, record), hold in subject.holds.items():
            if place == "cases":
                holds |= dict.fromkeys(self._thread(record), hold)
        own = {
            record: hold for (place, record), hold in subject.holds.items() if place == "timeline"
        }
        return holds | own

    @staticmethod
    def _still_held(item: Item, subject: Subject, holds: dict[str, str]) -> str | None:
        """The hold of what was moved; "" once it is released; None where another erasure has it."""
        hold = holds.get(_id(item), "")
        return hold if not hold or item["erasure"]["S"] == subject.request_id else None


class _Pins:
    """The pins of an erased subject: those that were there, and those that an erasure left."""

    def __init__(self, before: str):
        self._before = before
        self.ids: set[str] = set()

    def take(self, item: Item) -> bool:
        """Whether an item is a pin, anybody's."""
        if not item["sk"]["S"].startswith("pin#"):
            return False
        moment = item["left"]["S"] if "left" in item else item["at"]["S"]
        if moment <= self._before:
            self.ids.add(_id(item))
        return True


def _stale(
    documents: dict[str, Item], others: Iterable[Bought]
) -> Iterator[tuple[str, Item, dict[str, Any] | None]]:
    """Documents that are not what the others' interactions make, with what they should be."""
    expected = aggregated(others)
    for sk, item in documents.items():
        body = expected.get(sk)
        if body is None or json.loads(item["body"]["S"]) != json.loads(_dump(body)):
            yield sk, item, body


def _leaves_pin(item: Item, subject: Subject) -> bool:
    """A clock ran ahead: the fence lets its time pass, so a redelivery must be known by its id."""
    return bool(subject.erased_before) and item["sk"]["S"].partition("#")[0] > subject.erased_before


def _pin(item: Item, subject: Subject) -> Item:
    return {
        "pk": item["pk"],
        "sk": {"S": f"pin#{_id(item)}"},
        "at": {"S": item["sk"]["S"].partition("#")[0]},
        "left": {"S": subject.erased_before},
    }


def _bought(item: Item, body: dict[str, Any]) -> list[Bought]:
    bought = bought_in(item["sk"]["S"], body)
    return [bought] if bought else []


def _id(item: Item) -> str:
    return str(item["sk"]["S"].partition("#")[2])


def held_of(key: str) -> str:
    """The partition of what legal holds keep of a contact point."""
    return f"held#{key}"


def _dump(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _etag(body: dict[str, Any]) -> str:
    return etag_of(json.dumps(body, sort_keys=True))
