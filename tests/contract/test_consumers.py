"""Every consumer gets every declared event, and does what it subscribed to and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.contracts.registry import CONTRACTS
from enlace.senders.registry import sender_channels
from tests.contract.consumers import FUNCTIONS, consumer
from tests.contract.template import ROOT, rules

EXAMPLES = [
    pytest.param(example, id=f"{contract.detail_type}-{number}")
    for contract in CONTRACTS
    for number, example in enumerate(contract.examples, start=1)
]
RULES = rules()

#: What a consumer does about an event that it gets; the rest it only reads.
ACTS = {
    ("apply_rules", "rules.activated.v1"): ["scan", "commit"],
    ("dispatch_message", "complaint.opened"): ["open", "accept", "publish"],
    ("dispatch_message", "order.placed"): ["accept", "publish"],
    ("find_candidates", "contact_point.described.v1"): ["enter"],
    ("find_candidates", "customer.merged.v1"): ["keep"],
    ("find_candidates", "customer.split.v1"): ["keep"],
    ("follow_customers", "customer.merged.v1"): ["put_hint"],
    ("follow_customers", "customer.split.v1"): ["put_hint"],
    ("follow_customers", "case.opened.v1"): ["put_hint"],
    ("follow_customers", "case.closed.v1"): ["put_hint"],
    ("follow_customers", "case.reopened.v1"): ["put_hint"],
    ("record_consent", "message.received"): ["commit", "publish_all"],
    ("record_consent", "message.failed"): ["commit", "publish_all"],
    ("send_crm", "complaint.opened"): ["upsert_contact", "record", "attach"],
    ("send_crm", "order.placed"): ["upsert_contact", "record", "attach"],
    ("send_crm", "consent.changed.v1"): ["suppress"],
    ("send_crm", "customer.merged.v1"): ["merge_contacts"],
    ("send_crm", "customer.split.v1"): ["upsert_contact"],
    ("dispatch_message", "asked"): ["decide", "publish"],
    **{
        (f"send_{channel}", channel): ["put_claims", "send", "settle", "message.sent"]
        for channel in sender_channels()
    },
}


def subscribed(function: str, event: dict[str, Any]) -> bool:
    return any(rule.matches(event) for rule in RULES if rule.function == function)


def wanted(function: str, event: dict[str, Any]) -> list[str]:
    data = event["detail"]["data"]
    words = (event["detail-type"], data.get("type"), data.get("cause"), data.get("channel"))
    return next((ACTS[function, word] for word in words if (function, word) in ACTS), [])


@pytest.mark.parametrize("event", EXAMPLES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_consumer_runs_on_every_event(function: str, event: dict[str, Any]) -> None:
    one = consumer(function, event)
    acknowledged, line = one.consume(event)
    # A "bug" is what a handler did not foresee.
    assert line["message"] in ("done", "poison"), line
    if subscribed(function, event):
        assert acknowledged, line
        steps = iter(one.acts)
        missing = [act for act in wanted(function, event) if act not in steps]
        assert not missing, one.acts
    else:
        # Refusing it for the dead-letter queue is right too: a wrong rule is seen then.
        assert one.acts == [], f"{function} acted on {event['detail-type']}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_consumer_acts_on_some_example(function: str) -> None:
    examples = [param.values[0] for param in EXAMPLES]
    assert any(subscribed(function, e) and wanted(function, e) for e in examples)


@pytest.mark.parametrize("event", EXAMPLES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_fields_that_a_consumer_does_not_know_change_nothing(
    function: str, event: dict[str, Any]
) -> None:
    detail = event["detail"]
    newer = {
        **event,
        "new": [1],
        "detail": {
            **detail,
            "new": {},
            "metadata": {**detail["metadata"], "schema_version": "1.9", "new": None},
            "data": {**detail["data"], "new_field": {"deep": [None]}},
        },
    }
    one, two = consumer(function, event), consumer(function, event)
    assert one.consume(event) == two.consume(newer)
    assert one.acts == two.acts


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_event_nobody_has_heard_of_makes_nobody_act(function: str) -> None:
    example: dict[str, Any] = EXAMPLES[0].values[0]
    for detail_type in ("customer.promoted.v1", "interaction.recorded.v2", "send.message.v2"):
        one = consumer(function, example)
        _, line = one.consume({**example, "detail-type": detail_type})
        assert line["message"] in ("done", "poison"), line
        assert one.acts == []


def test_the_functions_behind_the_rules_are_there() -> None:
    assert all((ROOT / "functions" / function / "app.py").is_file() for function in FUNCTIONS)
