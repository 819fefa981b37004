"""Who this is, at the start of a contact: small, and no more than the asker may know.

An agent sees everything, each identifier with how surely it is the same person.
The customer's own side (a bot, an IVR, a portal) gets the proven circle of the
contact point that it speaks through and nothing else: whatever a stranger has
stated, this answer is made only of what lies inside the circle.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from enlace.domain.circle import circle, levels_from
from enlace.domain.records import IdentifierRecord, TimelineItem
from enlace.domain.send_gate import OWN_CHANNELS
from enlace.domain.traits import language_of, name_of, surviving_traits
from enlace.usecases.find_customer import Customer, CustomerFinder, Parallel
from enlace.usecases.purchases_view import combined_purchases
from enlace.usecases.read_history import History, HistoryReader, OpenCase, named, read_history

AUDIENCES = ("agent", "customer")
#: Bytes of the whole answer as UTF-8 JSON: what a bot's or a screen pop's variable holds.
MAX_BYTES = 4096
#: Interactions read of each contact point; the last purchase is looked for among them.
NEWEST = 20
RECENT = 5
MAX_IDENTIFIERS = 12
MAX_PROTOCOLS = 5
MAX_TEXT = 160

_PURCHASES = ("order.placed", "order.paid")
_SENT = ("message.", "campaign.")


class Context:
    """Reads contexts; parameters as for :class:`enlace.usecases.customer_view.CustomerView`."""

    def __init__(
        self,
        finder: CustomerFinder,
        reader: HistoryReader,
        *,
        parallel: Parallel,
        today: Callable[[], str],
    ):
        self._finder = finder
        self._reader = reader
        self._parallel = parallel
        self._today = today

    def of(self, customer: Customer, audience: str) -> dict[str, Any]:
        """The context of a contact through the identifier that ``customer`` was asked by.

        Parameters
        ----------
        audience : str
            ``agent`` or ``customer``.

        Returns
        -------
        dict
            At most :data:`MAX_BYTES` of JSON; what did not fit is left out, oldest first.

        Raises
        ------
        TemporaryFailure
            If a store did not do its part.
        """
        point = customer.asked
        inside = circle(customer.ties, point.key)
        disclosed = audience == "customer"
        keys = sorted(inside) if disclosed else customer.members
        history = read_history(
            self._finder, self._reader, self._parallel, customer, keys, newest=NEWEST
        )
        if disclosed:
            history = self._disclosable(history)
        own = [history.records[key] for key in keys if key in history.records]
        traits = surviving_traits(own, least_level="proven" if disclosed else "imported")
        levels = levels_from(customer.ties, point.key)
        levels[point.key] = history.contact_level(point.key) or "stated"
        purchases = combined_purchases(history.totals.values(), self._today())
        merged = history.merged()
        answer = {
            "customer_id": _circle_id(own) if disclosed else customer.id,
            "audience": audience,
            "contact_point": named(point),
            "name": name_of(traits),
            "language": language_of(traits),
            "identifiers": _identifiers(own, levels, point.key),
            "recent": [
                _recent(item, None if disclosed else levels.get(item.pk))
                for item in merged[:RECENT]
            ],
            "open_protocols": [
                {"protocol": c.protocol, "opened_at": c.opened_at, "nature": c.nature}
                for c in history.cases[:MAX_PROTOCOLS]
            ],
            "last_purchase": _last_purchase(merged, purchases["last_at"]),
            "purchases": {**purchases, "value": purchases["value"][:4]},
            "flags": _flags(customer, inside, disclosed),
        }
        return fitted(answer)

    def _disclosable(self, history: History) -> History:
        """Without what somebody else may have put under the circle's contact points.

        A form takes any e-mail address: what came through it unproven is not
        known to be the words of the address's owner.
        """
        newest = {
            key: [item for item in items if _disclosable(item.body)]
            for key, items in history.newest.items()
        }
        known = {i.body["id"]: i.body for items in history.newest.values() for i in items}
        cases = history.cases[: 2 * MAX_PROTOCOLS]
        bodies = self._parallel([self._opened_by(case, known) for case in cases])
        return replace(
            history,
            newest=newest,
            cases=[
                case
                for case, body in zip(cases, bodies, strict=True)
                if body is not None and _disclosable(body)
            ],
        )

    def _opened_by(
        self, case: OpenCase, known: Mapping[str, dict[str, Any]]
    ) -> Callable[[], dict[str, Any] | None]:
        def read() -> dict[str, Any] | None:
            if case.interaction_id in known:
                return known[case.interaction_id]
            return self._reader.get(case.contact_key, f"{case.opened_at}#{case.interaction_id}")

        return read


def _disclosable(body: Mapping[str, Any]) -> bool:
    """Whether an interaction's own contact point may be told of it.

    It was proven; or we sent it there; or one of the company's own systems reports
    an order and vouches for the address (:mod:`enlace.domain.send_gate`).
    """
    if body["contact_point"]["level"] == "proven":
        return True
    if body["direction"] == "outbound":
        return bool(body["type"].startswith(_SENT))
    return body["type"].startswith("order.") and body["channel"] in OWN_CHANNELS


def _circle_id(own: list[IdentifierRecord]) -> str:
    """The circle's own customer id: it resolves, and tells nothing of a merge beyond it."""
    return min(own, key=lambda r: (r.pointer.first_seen, r.key)).birth


def _identifiers(
    own: list[IdentifierRecord], levels: Mapping[str, str], first: str
) -> list[dict[str, Any]]:
    ordered = sorted(own, key=lambda r: (r.key != first, r.pointer.first_seen, r.key))
    return [
        {**named(record), "level": levels.get(record.key, "imported")}
        for record in ordered[:MAX_IDENTIFIERS]
    ]


def _recent(item: TimelineItem, level: str | None) -> dict[str, Any]:
    body = item.body
    recent = {
        "occurred_at": item.sk.partition("#")[0],
        "channel": body["channel"],
        "type": body["type"],
        "direction": body["direction"],
    }
    if level is not None:
        # How surely whoever spoke there is whoever speaks now.
        recent["level"] = level
    for name in ("text", "subject", "nature"):
        value = body.get("data", {}).get(name)
        if isinstance(value, str) and value:
            recent[name] = value if len(value) <= MAX_TEXT else f"{value[: MAX_TEXT - 1]}…"
    protocol = body.get("conversation", {}).get("protocol")
    if isinstance(protocol, str):
        recent["protocol"] = protocol[:64]
    return recent


def _last_purchase(items: list[TimelineItem], last_at: str | None) -> dict[str, Any] | None:
    for item in items:
        if item.body["type"] in _PURCHASES:
            data = item.body.get("data", {})
            return {
                "occurred_at": item.sk.partition("#")[0],
                **{n: data[n] for n in ("order_id", "value", "store") if data.get(n)},
            }
    return {"occurred_at": last_at} if last_at else None


def _flags(customer: Customer, inside: frozenset[str], disclosed: bool) -> list[str]:
    if disclosed:
        return []
    flags = set()
    if customer.asked.blocked:
        flags.add("blocked_contact_point")
    if customer.asked.pointer.hub or "shared" in {
        reason for pair, reason in customer.refused.items() if customer.asked.key in pair
    }:
        flags.add("shared_contact_point")
    if len(inside) < len(customer.members):
        flags.add("has_unproven_identifiers")
    if customer.refused:
        flags.add("has_candidates")
    return sorted(flags)


def fitted(answer: dict[str, Any], max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """``answer`` within ``max_bytes`` of UTF-8 JSON, flagged ``truncated`` if shortened."""
    if _size(answer) <= max_bytes:
        return answer
    answer = {**answer, "flags": [*answer["flags"], "truncated"]}
    for name, least in (("recent", 2), ("identifiers", 4), ("open_protocols", 2)):
        while _size(answer) > max_bytes and len(answer[name]) > least:
            answer[name] = answer[name][:-1]
    for name in ("text", "subject"):
        if _size(answer) > max_bytes:
            answer["recent"] = [
                {key: value for key, value in recent.items() if key != name}
                for recent in answer["recent"]
            ]
    for name in ("identifiers", "recent", "open_protocols"):
        while _size(answer) > max_bytes and answer[name]:
            answer[name] = answer[name][:-1]
    for name in ("last_purchase", "name", "contact_point"):
        if _size(answer) > max_bytes:
            answer[name] = None
    return answer


def _size(answer: Mapping[str, Any]) -> int:
    return len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())
