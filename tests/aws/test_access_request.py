"""A person asks what is held of them: by the real function, over every place, on moto."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

import enlace
from enlace.aws.clients import session as clients_session
from enlace.usecases.carry_out import CarryOut
from tests.aws.test_api_functions import event
from tests.aws.test_erasure_crashes import MAIL, NAME, NEIGHBOUR, PHONE, TEXT, Context, Stack, load
from tests.unit.test_bus_consumer import Context as Left

ROOT = Path(enlace.__path__[0])
PAGE = Path(__file__).parents[2] / "docs" / "privacy-export.md"
ONE = "/v1/privacy/requests/{id}"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("RECIPIENTS", "HubSpot,Transportes Exemplo")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients_session.cache_clear()
    with mock_aws():
        yield Stack(monkeypatch)
    clients_session.cache_clear()


def verified(stack: Stack, type_: str, **more: Any) -> dict[str, Any]:
    body = {
        "type": type_,
        "identifier": {"kind": "phone", "value": PHONE},
        "regulation": "lgpd",
        **more,
    }
    id_ = stack.call("POST", "/v1/privacy/requests", body)["request_id"]
    return stack.call("POST", f"{ONE}/verify", {"operator_reason": "saw a document"}, id=id_)


def test_everything_that_is_held_is_shown_at_once_and_nothing_of_a_neighbour(
    stack: Stack,
) -> None:
    """Auditor's case 44."""
    stack.live()
    id_ = verified(stack, "access")["request_id"]

    summary = stack.call("GET", ONE, id=id_)["summary"]
    assert summary["data_held"] and summary["recipients"] == ["HubSpot", "Transportes Exemplo"]

    copy = stack.call("GET", f"{ONE}/export", id=id_)
    assert {one["held_in"] for one in copy["records"]} >= {
        "identity",
        "timeline",
        "consents",
        "messages",
    }
    text = json.dumps(copy, ensure_ascii=False)
    assert all(canary in text for canary in (PHONE, MAIL, NAME, TEXT))
    assert NEIGHBOUR not in text and "vizinha" not in text
    kinds = [one["record"] for one in copy["records"]]
    assert summary["records"] == {kind: kinds.count(kind) for kind in set(kinds)}


def test_whoever_gets_the_copy_can_read_up_what_each_sort_of_record_is() -> None:
    places = [ROOT / "aws", ROOT / "domain", ROOT / "usecases"]
    sources = [path.read_text("utf-8") for place in places for path in place.glob("*.py")]
    sorts = {word for text in sources for word in re.findall(r'"record": "(\w+)"', text)}
    told = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.M))
    assert len(sorts) > 8 and told == sorts | {"record"}  # the heading


def test_the_copy_says_the_same_as_csv(stack: Stack) -> None:
    stack.live()
    id_ = verified(stack, "portability")["request_id"]
    copy = stack.call("GET", f"{ONE}/export", id=id_)["records"]

    asked = event("GET", f"{ONE}/export", id=id_)
    asked["headers"]["x-api-key"], asked["rawQueryString"] = "k" * 43, "format=csv"
    answer = stack.api.handler(asked, Context())

    assert answer["headers"]["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer["body"])))
    assert {(int(row["number"]), row["record"]) for row in rows} == {
        (number, one["record"]) for number, one in enumerate(copy, 1)
    }
    assert TEXT in {row["value"] for row in rows if row["field"] == "data.text"}


def test_an_objection_that_was_lost_on_its_way_is_entered_by_the_clock(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.live()
    clock = load("privacy_deadlines")
    # As if the call that verified it had ended right after that.
    with monkeypatch.context() as ended:
        ended.setattr(CarryOut, "__call__", lambda *asked: "verified")
        id_ = verified(stack, "objection")["request_id"]
    assert stack.status(id_) == "verified"
    before = stack.left()["ConsentTable"]

    # The erasure that waits there is handed over again as well.
    assert clock.handler({}, Left(60_000))["result"] == "done"
    assert stack.status(id_) == "completed"
    assert "objected" in json.dumps(stack.left()["ConsentTable"])
    assert "objected" not in json.dumps(before)
