"""What was once published stays readable: kept examples, minor versions, previous majors."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from enlace.contracts import generate
from enlace.contracts.events import CaseOpened
from enlace.contracts.interaction import Interaction
from enlace.contracts.registry import CONTRACTS, EventContract, find, read
from enlace.contracts.schema import breaking_changes, event_schema
from enlace.contracts.types import Contract
from enlace.domain.interaction import parse_interaction
from enlace.errors import InvalidPayload
from tests.contract.template import ROOT

FOLDER = ROOT / generate.FOLDER
KEPT = sorted(FOLDER.glob("*/v*/*.example*.json"))
NEWEST = {
    name: max(c.major for c in CONTRACTS if c.name == name) for name in {c.name for c in CONTRACTS}
}


def parse_kept(path: Path, contracts: tuple[EventContract, ...] = CONTRACTS) -> Any:
    """Read a kept example by today's readers."""
    body = json.loads(path.read_text("utf-8"))
    if path.parts[-3] == "interaction":
        parse_interaction(body, received_at="2026-11-22T00:00:00.000Z")
        return Interaction.model_validate(body)
    return read(body, contracts)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_kept_example_is_read_today(path: Path) -> None:
    parse_kept(path)


def test_every_declared_version_has_kept_examples_and_every_major_its_way_up() -> None:
    for contract in CONTRACTS:
        version = f"{contract.major}.{contract.minor}"
        folder = FOLDER / contract.name / f"v{contract.major}"
        assert (folder / f"{version}.example.json") in KEPT
    assert majors_without_a_way_up(CONTRACTS) == []
    # A major that is not declared any more would leave its archive unreadable.
    for path in KEPT:
        if path.parts[-3] != "interaction":
            assert find(path.parts[-3], int(path.parts[-2][1:])), path


def majors_without_a_way_up(contracts: tuple[EventContract, ...]) -> list[str]:
    return [
        contract.detail_type
        for contract in contracts
        if contract.major > 1
        and (contract.upgrade is None or not find(contract.name, contract.major - 1, contracts))
    ]


# The mechanism on a made-up second major, as there is no real one yet.


class CaseOpenedV2(Contract):
    """The protocol became an object, and the reason came to be wanted."""

    protocol: dict[str, str]
    customer_id: str
    reason: str


def _upgrade(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "protocol": {"number": data["protocol"]},
        "customer_id": data["customer_id"],
        "reason": data.get("nature") or "unknown",
    }


V1 = find("case.opened", 1)
assert V1 is not None
V2 = replace(V1, model=CaseOpenedV2, major=2, upgrade=_upgrade)
TWO_MAJORS = (V1, V2)
EXAMPLE = V1.examples[0]
EXAMPLE_PATH = FOLDER / "case.opened/v1/1.0.example.json"


def test_a_consumer_of_the_next_major_reads_what_is_kept_of_the_previous() -> None:
    event = parse_kept(EXAMPLE_PATH, TWO_MAJORS)
    assert isinstance(event.data, CaseOpenedV2)
    assert event.data.protocol == {"number": EXAMPLE["detail"]["data"]["protocol"]}
    assert event.data.reason == "complaint"
    assert event.metadata == read(EXAMPLE).metadata
    assert isinstance(read(EXAMPLE, (V1,)).data, CaseOpened)


def test_a_major_without_upgrade_or_predecessor_is_found_out() -> None:
    without = replace(V2, upgrade=None)
    assert majors_without_a_way_up((V1, without)) == ["case.opened.v2"]
    assert majors_without_a_way_up((V2,)) == ["case.opened.v2"]
    assert majors_without_a_way_up(TWO_MAJORS) == []
    with pytest.raises(InvalidPayload, match="previous major"):
        parse_kept(EXAMPLE_PATH, (V1, without))


def test_an_upgrade_that_makes_something_else_is_found_out() -> None:
    wrong = replace(V2, upgrade=lambda data: {**_upgrade(data), "protocol": data["protocol"]})
    with pytest.raises(InvalidPayload, match=r"case\.opened\.v2: data\.protocol"):
        parse_kept(EXAMPLE_PATH, (V1, wrong))


def test_majors_from_the_future_and_unheard_of_events_are_refused() -> None:
    for detail_type in ("case.opened.v2", "case.forgotten.v1"):
        with pytest.raises(InvalidPayload, match="not declared"):
            read({**EXAMPLE, "detail-type": detail_type})


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.detail_type)
def test_a_later_minor_version_is_read_as_if_nothing_had_been_added(
    contract: EventContract,
) -> None:
    for example in contract.examples:
        later = copy.deepcopy(example)
        later["detail"]["metadata"]["schema_version"] = f"{contract.major}.{contract.minor + 1}"
        _add_everywhere(later)
        data = read(example).data.model_dump()
        # Free-form objects keep what they are given; that is not a field added.
        _drop_added(later["detail"]["data"].get("data", {}))
        assert read(later).data.model_dump() == data


def _add_everywhere(node: Any) -> None:
    children = list(node.values()) if isinstance(node, dict) else node
    for child in children:
        if isinstance(child, (dict, list)) and not _keyed_by_id(child):
            _add_everywhere(child)
    if isinstance(node, dict):
        node["added_later"] = {"deep": [1, None]}


def _keyed_by_id(node: Any) -> bool:
    return isinstance(node, dict) and any(isinstance(value, list) for value in node.values())


def _drop_added(data: dict[str, Any]) -> None:
    data.pop("added_later", None)


# Whether a changed schema is a minor version.


def changed(**edits: Any) -> list[str]:
    old = event_schema(V1)
    new = copy.deepcopy(old)
    model = new["$defs"]["CaseOpened"]
    for name, field in edits.items():
        if field is None:
            del model["properties"][name]
        else:
            model["properties"][name] = field
    return breaking_changes(old, new)


def test_an_added_optional_field_is_minor() -> None:
    assert changed(added={"type": "string"}) == []


def test_a_field_that_goes_or_changes_its_type_breaks_readers() -> None:
    assert changed(protocol=None) == ["$.detail.data.protocol: gone"]
    assert changed(protocol={"type": "integer"}) == ["$.detail.data.protocol: another type"]
    nested = {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]}
    assert "$.detail.data.contact_point.kind: gone" in changed(contact_point=nested)


def test_what_becomes_required_or_optional_breaks_somebody() -> None:
    old = event_schema(V1)
    for before, after in (("nature", "required"), ("protocol", "optional")):
        new = copy.deepcopy(old)
        required = new["$defs"]["CaseOpened"]["required"]
        if after == "required":
            required.append(before)
        else:
            required.remove(before)
        assert breaking_changes(old, new) == [f"$.detail.data.{before}: became {after}"]


def test_a_value_or_a_form_that_goes_breaks_senders_of_the_archive() -> None:
    old = event_schema(V1)
    new = copy.deepcopy(old)
    natures = new["$defs"]["CaseOpened"]["properties"]["nature"]["anyOf"]
    natures[0]["enum"].remove("praise")
    assert breaking_changes(old, new) == ["$.detail.data.nature: a form is gone or narrower"]
    new["$defs"]["CaseOpened"]["properties"]["nature"] = {"type": "string"}
    assert "$.detail.data.nature: a form is gone or narrower" in breaking_changes(old, new)
    added = copy.deepcopy(old)
    forms = added["$defs"]["CaseOpened"]["properties"]["nature"]["anyOf"]
    forms[0]["enum"].append("request")
    assert breaking_changes(old, added) == []
