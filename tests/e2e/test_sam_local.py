"""The template's functions in Lambda's container, started by `sam local`, on the running stack."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local import containers, processes, sam_local, sign
from local import stack as local_stack
from local.sample_events import FIRST, functions, sample_event
from local.settings import home

WAIT_SECONDS = 120.0
# Each runs SAM and a container; a laptop has no more than this to spare.
AT_ONCE = max(2, (os.cpu_count() or 2) // 2)
#: How the names of those begin that answer over HTTP.
HTTP = ("webhook_", "api_", "web_", "opendsr_")
#: Functions that a schedule calls, and no queue.
SCHEDULED = (
    "apply_rules",
    "erase_subject",
    "import_registry",
    "privacy_deadlines",
    "purge_consent_expiry",
    "purge_retention",
    "scan_residues",
    "score_rfv",
    "scrub_dead_letters",
    "verify_certificates",
)

pytestmark = [
    pytest.mark.skipif(
        (reason := containers.unavailable()) is not None, reason=f"sam local needs Docker: {reason}"
    ),
    # The first run builds images; a machine with Docker and no image pulls Lambda's.
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def sam(stack: dict[str, Any]) -> Iterator[sam_local.SamLocal]:
    """SAM, with the tests' stack within the containers' reach."""
    with sam_local.connected() as connected:
        yield connected


@pytest.fixture(scope="module")
def answers(sam: sam_local.SamLocal) -> dict[str, Any]:
    """What every function returned for its sample event; the resolver's recorded what the
    samples of the others speak of."""
    first = {FIRST: sam.invoke(FIRST, sample_event(FIRST))}
    others = [name for name in functions() if name != FIRST]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answered = pool.map(lambda name: sam.invoke(name, sample_event(name)), others)
        return first | dict(zip(others, answered, strict=True))


def test_webhooks_and_api_accept_their_samples(answers: dict[str, Any]) -> None:
    """Signature, secret, queue and tables: a function that lacks one of them answers otherwise."""
    statuses = {
        name: answer["statusCode"]
        for name, answer in answers.items()
        if isinstance(answer, dict) and "statusCode" in answer
    }

    assert set(statuses.values()) <= {200, 201, 202, 204}, statuses
    http = {name for name in functions() if name.startswith(HTTP)}
    assert set(statuses) == http - {"webhook_email", "webhook_ses_events", "webhook_eum_sms"}


def test_consumers_give_nothing_back_to_their_queue(answers: dict[str, Any]) -> None:
    others = (*HTTP, *SCHEDULED)
    batches = {name for name in functions() if not name.startswith(others)}

    given_back = {name: answers[name]["batchItemFailures"] for name in batches}

    assert not any(given_back.values()), given_back


def test_scheduled_functions_do_their_work(answers: dict[str, Any]) -> None:
    assert answers["score_rfv"]["complete"] is True
    assert answers["apply_rules"]["result"] != "failed"


def test_effects_are_on_the_running_stack(answers: dict[str, Any]) -> None:
    """What a container did is seen from outside of it."""
    points = [
        json.loads(record["body"])["contact_point"] for record in sample_event(FIRST)["Records"]
    ]
    values = {point["kind"]: point["value"] for point in points}

    looked_up = json.loads(answers["api_customers"]["body"])

    assert set(values.values()) <= {one["value"] for one in looked_up["identifiers"]}
    assert values["phone"] in {message["PhoneNumber"] for message in local_stack.sent_sms()}


def test_http_api_from_containers(sam: sam_local.SamLocal, stack: dict[str, Any]) -> None:
    """A webhook's way from a container over the stack's queue to the API in another container."""
    email = "ana.sam.local@example.com"
    payload = {
        "source_id": "sam-local-1",
        "type": "message.received",
        "account": "chat",
        "occurred_at": "2026-11-20T13:00:00.000Z",
        "contact_point": {"kind": "email", "value": email, "level": "proven"},
        "data": {"text": "Oi"},
    }
    method, path, headers, body = sign.sign("generic/chat", payload, stack["webhook_secrets"])
    forged = {**headers, "webhook-signature": "v1,AAAA"}
    key = {"content-type": "application/json", "x-api-key": stack["api_key"]}
    wanted = json.dumps({"kind": "email", "value": email}).encode()

    with (
        (home() / "sam-local-api.log").open("wb") as log,
        sam.api(processes.free_port(3000), warm="LAZY", output=log.fileno()) as url,
    ):
        assert _call(url + path, method, forged, body)[0] == 401
        assert _call(url + path, method, headers, body)[0] in {200, 202}

        def found() -> dict[str, Any] | None:
            status, text = _call(url + "/v1/customers/lookup", "POST", key, wanted)
            assert status in {200, 404}, text
            return dict(json.loads(text)) if status == 200 else None

        customer = _eventually(found)

    assert [identifier["value"] for identifier in customer["identifiers"]] == [email]


def _call(url: str, method: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def _eventually(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.5)
    raise AssertionError(f"nothing within {WAIT_SECONDS:.0f} s")
