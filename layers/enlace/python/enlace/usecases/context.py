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

from enlace.domain.carts import open_carts
from enlace.domain.circle import circle, levels_from
from enlace.domain.consent import ConsentPolicy
from enlace.domain.disclosure import disclosable
from enlace.domain.partition import overrulable
from enlace.domain.records import IdentifierRecord, TimelineItem
from enlace.domain.traits import language_of, name_of, preferred_channel_of, surviving_traits
from enlace.usecases.find_customer import Asked
from enlace.usecases.purchases_view import last_purchase, scored_purchases
from enlace.usecases.read_customer import CustomerReader, Seen
from enlace.usecases.read_history import History, Newest, OpenCase, named
from enlace.usecases.view_consents import consent_flags

AUDIENCES = ("agent", "customer")
#: Bytes of the whole answer as UTF-8 JSON: what a bot's or a screen pop's variable holds.
MAX_BYTES = 4096
#: Interactions read of each contact point.
NEWEST = 10
RECENT = 5
MAX_IDENTIFIERS = 12
MAX_PROTOCOLS = 5
MAX_CARTS = 3
MAX_TEXT = 160


class Context:
    """Reads contexts.

    Parameters
    ----------
    customers : CustomerReader
    today : callable
        Gives the current day, ``YYYY-MM-DD`` (UTC).
    policy : ConsentPolicy
    """

    def __init__(
        self,
        customers: CustomerReader,
        *,
        today: Callable[[], str],
        policy: ConsentPolicy | None = None,
    ):
        self._customers = customers
        self._today = today
        self._policy = policy or ConsentPolicy()

    def of(self, asked: Asked, audience: str) -> dict[str, Any]:
        """The context of a contact through the identifier that is asked for.

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
        NotFound
            If there is no such customer.
        TemporaryFailure
            If a store did not do its part.
        """
        seen = self._customers.read(asked, newest=NEWEST)
        customer, point = seen.customer, seen.customer.asked
        inside = circle(customer.ties, point.key)
        disclosed = audience == "customer"
        keys = sorted(inside) if disclosed else customer.members
        history = seen.history.within(keys)
        if disclosed:
            history = self._disclosable(history)
        own = [history.records[key] for key in keys if key in history.records]
        traits = surviving_traits(
            own,
            least_level="proven" if disclosed else "imported",
            sources=self._customers.finder.rules.trait_sources,
        )
        levels = levels_from(customer.ties, point.key)
        levels[point.key] = history.contact_level(point.key) or "stated"
        purchases = scored_purchases(history.totals, self._today(), seen.quintiles)
        merged = history.merged()
        answer = {
            "customer_id": _circle_id(own) if disclosed else customer.id,
            "audience": audience,
            "contact_point": named(point),
            "name": name_of(traits),
            "language": language_of(traits),
            "preferred_channel": preferred_channel_of(traits) or _last_channel(merged),
            "identifiers": _identifiers(own, levels, point.key),
            "recent": [
                _recent(item, None if disclosed else levels.get(item.pk))
                for item in merged[:RECENT]
            ],
            "open_protocols": [
                {"protocol": c.protocol, "opened_at": c.opened_at, "nature": c.nature}
                for c in history.cases[:MAX_PROTOCOLS]
            ],
            "last_purchase": last_purchase(
                history.totals, purchases["last_at"], told_only=disclosed
            ),
            "purchases": {
                **purchases,
                "value": purchases["value"][:4],
                "ltv": purchases["ltv"][:4],
            },
            "carts": open_carts(history.carts, told_only=disclosed)[:MAX_CARTS],
            "flags": [] if disclosed else self._flags(seen, inside),
        }
        return fitted(answer)

    def _flags(self, seen: Seen, inside: frozenset[str]) -> list[str]:
        customer = seen.customer
        # None of these flags depends on the time of the day.
        now, policy = f"{self._today()}T23:59:59.999Z", self._policy
        flags = consent_flags(seen.consents, customer.asked.key, now=now, policy=policy)
        if customer.asked.blocked:
            flags.add("blocked_contact_point")
        if customer.asked.pointer.hub or "shared" in {
            reason for pair, reason in customer.refused.items() if customer.asked.key in pair
        }:
            flags.add("shared_contact_point")
        if len(inside) < len(customer.members):
            flags.add("has_unproven_identifiers")
        if seen.open_candidate or any(map(overrulable, customer.refused.values())):
            flags.add("candidate_pending")
        return sorted(flags)

    def _disclosable(self, history: History) -> History:
        """Without what somebody else may have put under the circle's contact points.

        A form takes any e-mail address: what came through it unproven is not
        known to be the words of the address's owner.
        """
        newest = {
            key: Newest([item for item in read.items if _disclosable(item.body)], read.complete)
            for key, read in history.newest.items()
        }
        known = {i.body["id"]: i.body for read in history.newest.values() for i in read.items}
        cases = history.cases[: 2 * MAX_PROTOCOLS]
        # Cases tell the level they were opened at; those of before that are looked up.
        unsaid = [c for c in cases if c.level is None and c.interaction_id not in known]
        bodies = self._customers.side_by_side([self._opening(case) for case in unsaid])
        known |= {case.interaction_id: body for case, body in zip(unsaid, bodies, strict=True)}
        return replace(
            history,
            newest=newest,
            cases=[case for case in cases if _tellable(case, known.get(case.interaction_id))],
        )

    def _opening(self, case: OpenCase) -> Callable[[], dict[str, Any] | None]:
        sk = f"{case.opened_at}#{case.interaction_id}"
        return lambda: self._customers.history.get(case.contact_key, sk)


def _disclosable(body: Mapping[str, Any]) -> bool:
    return disclosable(
        level=body["contact_point"]["level"],
        direction=body["direction"],
        type_=body["type"],
        channel=body["channel"],
    )


def _tellable(case: OpenCase, opening: Mapping[str, Any] | None) -> bool:
    if case.level is not None:
        return case.level == "proven"
    return opening is not None and _disclosable(opening)


def _last_channel(items: list[TimelineItem]) -> str | None:
    """The channel that they last came through themselves."""
    inbound = (item.body["channel"] for item in items if item.body["direction"] == "inbound")
    return next(inbound, None)


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


def fitted(answer: dict[str, Any], max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """``answer`` within ``max_bytes`` of UTF-8 JSON, flagged ``truncated`` if shortened."""
    if _size(answer) <= max_bytes:
        return answer
    answer = {**answer, "flags": [*answer["flags"], "truncated"]}
    for name, least in (("recent", 2), ("identifiers", 4), ("open_protocols", 2), ("carts", 1)):
        while _size(answer) > max_bytes and len(answer[name]) > least:
            answer[name] = answer[name][:-1]
    for name in ("text", "subject"):
        if _size(answer) > max_bytes:
            answer["recent"] = [
                {key: value for key, value in recent.items() if key != name}
                for recent in answer["recent"]
            ]
    for name in ("carts", "identifiers", "recent", "open_protocols"):
        while _size(answer) > max_bytes and answer[name]:
            answer[name] = answer[name][:-1]
    for name in ("last_purchase", "name", "contact_point"):
        if _size(answer) > max_bytes:
            answer[name] = None
    return answer


def _size(answer: Mapping[str, Any]) -> int:
    return len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())
