"""What a fence costs: ordinary traffic nothing, what is dropped one read, who came back more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from bench.capacity import Meter
from bench.dynamo import ClientStore
from enlace.domain.interaction import Interaction
from enlace.errors import Fenced
from tests.aws.test_delivery_table import make_client
from tests.stores.builders import interaction, resolver
from tests.stores.forgetting import forget
from tests.stores.tables import Tables

PHONE = ("phone", "+5511987654321")
FENCE = "2026-11-22T12:00:00.000Z"


def at_hour(hour: int, **fields: Any) -> Interaction:
    at = f"2026-11-22T{hour}:00:00.000Z"
    return replace(interaction(f"h{hour}", PHONE, at=at, **fields), received_at=at)


def test_who_was_never_erased_pays_nothing_and_what_is_dropped_costs_a_read() -> None:
    with mock_aws():
        client = make_client()
        store = Tables(client).store()
        meter = Meter(ClientStore(make_client()))
        meter.attach(client)
        use_case = resolver(store)

        def cost(event: Interaction) -> tuple[int, float, float]:
            with meter.measure() as usage:
                use_case.resolve(event)
            return sum(usage.requests.values()), usage.write_units, usage.read_units

        use_case.resolve(at_hour(10))
        assert cost(at_hour(11)) == (2, 1, 0.5)
        forget(store, PHONE, at=FENCE)
        with meter.measure() as dropped, pytest.raises(Fenced):
            use_case.resolve(at_hour(11))
        assert (sum(dropped.requests.values()), dropped.write_units) == (1, 0)
        assert dropped.read_units == 0.5
        # Whether it was recorded before is looked up once: who is back is read with the rest.
        assert cost(at_hour(13)) == (4, 2, 0.5 + 1)
        assert cost(at_hour(14)) == (2, 4, 0.5)
