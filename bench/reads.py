"""What questions about a customer cost: view, timeline page and context, by length of history.

The real function of the API answers, on a customer of two contact points. Its threads
are put in a row, so that the counts are exact; how many trips overlap is counted in
``tests/unit/usecases/test_read_customer.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from unittest import mock

from bench import people
from bench.capacity import Usage
from bench.world import Function, environment, world

#: Interactions that the view reads of each contact point, and the context.
VIEW_PAGE = 50
CONTEXT_PAGE = 10
#: Items of the timeline page.
PAGE = 5
SHORT = 10

_ISSUER = "https://issuer.example.com"

#: Usage of one question by length of history.
ByLength = Mapping[int, Usage]


class Unanswered(Exception):
    """A question was not answered as it is meant to be."""


def count_reads(long_history: int) -> dict[str, ByLength]:
    """The usage of each question at histories of 10, 50 and ``long_history`` interactions.

    The history came through one of the customer's two contact points.

    Raises
    ------
    Unanswered
        If an answer does not hold what was asked for.
    """
    lengths = sorted({SHORT, VIEW_PAGE, long_history})
    found: dict[str, dict[int, Usage]] = {"view": {}, "timeline": {}, "context": {}}
    for length in lengths:
        for name, usage in _answers(length).items():
            found[name][length] = usage
    return {name: by_length for name, by_length in found.items()}


def _answers(length: int) -> dict[str, Usage]:
    with world() as services, _in_a_row():
        resolver = services.load_function("resolve_identity")
        email = ("email", people.email(1))
        mail = {"contact_point": {"kind": email[0], "value": email[1], "level": "proven"}}
        resolver(people.queue_event([people.interaction(1, 1, also=(email,))]))
        resolver(people.queue_event([people.interaction(1, 2) | mail]))
        services.grow_history(environment()["TIMELINE_TABLE"], length, partitions=1)
        order = {"order_id": "o1", "value": {"amount": 1990, "currency": "BRL"}}
        bought = people.interaction(1, 3) | {"type": "order.placed", "data": order}
        resolver(people.queue_event([bought]))
        function = services.load_function("api_customers")
        point = {"kind": "phone", "value": people.phone(1)}
        # Warms caches and connections: the cut points, the key of address keys.
        id_ = _ask(function, "POST /v1/customers/lookup", body=point)["customer_id"]
        used: dict[str, Usage] = {}
        with services.meter.measure() as used["view"]:
            view = _ask(function, "POST /v1/customers/lookup", body=point)
        with services.meter.measure() as used["timeline"]:
            page = _ask(function, "GET /v1/customers/{id}/timeline", query=f"limit={PAGE}", id_=id_)
        with services.meter.measure() as used["context"]:
            asked = {"contact_point": point, "audience": "agent"}
            context = _ask(function, "POST /v1/context", body=asked)
    if sum(view["channels"]["counts"].values()) < min(length, VIEW_PAGE):
        raise Unanswered("the view does not count what is there")
    if len(page["items"]) != PAGE or len(context["recent"]) != 5:
        raise Unanswered("the pages are not full")
    if context["last_purchase"]["order_id"] != "o1" or view["purchases"]["orders"] != 1:
        raise Unanswered("the purchase is not there")
    return used


def _ask(
    function: Function, route: str, *, body: Any = None, query: str = "", id_: str = ""
) -> dict[str, Any]:
    method, _, path = route.partition(" ")
    path = path.replace("{id}", id_)
    answer = function(
        {
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"content-type": "application/json"},
            "pathParameters": {"id": id_} if id_ else {},
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": "203.0.113.10"},
                "authorizer": {"jwt": {"claims": {"iss": _ISSUER, "roles": "agent", "sub": "7"}}},
                "timeEpoch": 1795182000000,
            },
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
    )
    if answer["statusCode"] != 200:
        raise Unanswered(f"{route} answered {answer['statusCode']}")
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def _in_a_row() -> Any:
    from enlace.aws.history import Threads

    def one_by_one(self: Threads, reads: Sequence[Any]) -> list[Any]:
        return [read() for read in reads]

    return mock.patch.object(Threads, "__call__", one_by_one)
