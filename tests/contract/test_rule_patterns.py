"""Every rule of the template picks declared events, by fields and values that they have."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from enlace.contracts.registry import CONTRACTS, EventContract, read
from enlace.errors import InvalidPayload
from enlace.senders.registry import sender_channels
from tests.contract.template import Rule, rules

RULES = rules()
DETAIL_TYPES = {contract.detail_type: contract for contract in CONTRACTS}


def named(rule: Rule) -> list[EventContract]:
    """The declared events that the rule names; each must be one."""
    assert isinstance(rule.pattern.get("detail-type"), list), "name the events one by one"
    assert rule.pattern.get("source"), "name the sources"
    return [DETAIL_TYPES[detail_type] for detail_type in rule.pattern["detail-type"]]


def literals(node: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """``(path, value)`` of every literal that a pattern compares with."""
    for name, below in node.items():
        if isinstance(below, dict):
            yield from literals(below, (*path, name))
        elif name == "$or":
            for branch in below:
                yield from literals(branch, path)
        else:
            for value in below:
                if not isinstance(value, dict):
                    yield (*path, name), value


def with_value(event: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(event)
    node = changed
    for step in path[:-1]:
        node = node[step]
    assert path[-1] in node, f"{'.'.join(path)} is not in the example"
    node[path[-1]] = value
    return changed


def check(rule: Rule) -> None:
    """Everything that is wanted of one rule."""
    for contract in named(rule):
        for source in contract.sources:
            assert any(
                rule.matches({**example, "source": source}) for example in contract.examples
            ), f"{rule.name} matches no example of {contract.detail_type} from {source}"
        for path, value in literals(rule.pattern.get("detail", {}), ("detail",)):
            # A value that the contract does not allow can never come, and a field
            # that it does not have neither.
            read(with_value(contract.examples[0], path, value))
    for contract in CONTRACTS:
        if contract.detail_type not in rule.pattern["detail-type"]:
            assert not any(map(rule.matches, contract.examples))


def test_every_sender_has_a_rule_for_its_channel() -> None:
    channels = {
        rule.function: rule.pattern["detail"]["data"]["channel"]
        for rule in RULES
        if rule.pattern["detail-type"] == ["send.message.v1"]
    }
    assert channels == {f"send_{channel}": [channel] for channel in sender_channels()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_patterns_name_declared_events_and_match_their_examples(rule: Rule) -> None:
    check(rule)


def test_registry_and_template_agree_on_who_consumes_what() -> None:
    by_template: dict[str, set[str]] = {detail_type: set() for detail_type in DETAIL_TYPES}
    for rule in RULES:
        for contract in named(rule):
            by_template[contract.detail_type].add(rule.function)
    assert by_template == {c.detail_type: set(c.consumers) for c in CONTRACTS}


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": [{"prefix": "enlace."}], "detail-type": ["interaction.recorded.v2"]},
        {"source": [{"prefix": "enlace."}], "detail-type": ["interaction.record.v1"]},
        {"source": ["enlace.resolver"], "detail-type": ["interaction.recorded.v1"]},
        {"source": [{"prefix": "enlaces"}], "detail-type": ["interaction.recorded.v1"]},
        {"source": ["enlace.resolve_identity"], "detail-type": ["customer.merged.v1"]},
        {"detail-type": ["interaction.recorded.v1"]},
        {"source": [{"prefix": "enlace."}]},
        {
            "source": [{"prefix": "enlace."}],
            "detail-type": ["interaction.recorded.v1"],
            "detail": {"data": {"type": ["complaint.opened", "order.plased"]}},
        },
        {
            "source": [{"prefix": "enlace."}],
            "detail-type": ["interaction.recorded.v1"],
            "detail": {"data": {"kind": ["complaint.opened"]}},
        },
        {
            "source": [{"prefix": "enlace."}],
            "detail-type": ["interaction.recorded.v1"],
            "detail": {"data": {"$or": [{"type": ["complaint.opened"]}, {"nature": ["anger"]}]}},
        },
        {
            "source": [{"prefix": "enlace."}],
            "detail-type": ["send.message.v1"],
            "detail": {"channel": ["sms"]},
        },
        {
            "source": [{"prefix": "enlace."}],
            "detail-type": ["send.message.v1"],
            "detail": {"data": {"channel": ["smoke"]}},
        },
    ],
    ids=lambda pattern: str(pattern)[-60:],
)
def test_a_wrong_pattern_is_found_out(pattern: dict[str, Any]) -> None:
    with pytest.raises((AssertionError, KeyError, InvalidPayload)):
        check(Rule("Wrong", pattern, "send_sms"))
