"""What functions log, and where a person's values are: only in the places that are meant to."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from enlace.aws.versioned_rows import VersionedRows
from local import stack as local_stack
from local.demo.hub import Hub, wait_for
from local.residues import scan
from tests.e2e.canaries import Canary
from tests.e2e.queues import drain

REQUESTS = "/v1/privacy/requests"
#: In clear: what people wrote and are called, until they are erased.
HOLDERS = {"IdentityTable", "TimelineTable", "CaseTable", "ConsentTable", "DeliveryTable"}


@pytest.fixture(scope="module")
def hub(stack: dict[str, Any]) -> Hub:
    return Hub(stack)


@pytest.fixture(scope="module")
def canary(hub: Hub) -> Canary:
    """Somebody who wrote, was written to, and was given up on."""
    made = Canary(hub)
    made.settle()
    drain(hub)
    made.give_up_on()
    return made


def test_a_persons_values_are_where_they_are_meant_to_be(canary: Canary) -> None:
    """Case 19: logs, settings, secrets, schedules and queues hold none of them."""
    hits, read = scan(canary.values)

    found = {place for place, count in hits.items() if count}
    assert {"IdentityTable", "TimelineTable", "InteractionsDLQ"} <= found
    assert {place.partition("/")[0] for place in found} <= HOLDERS | {"InteractionsDLQ"}, hits
    # The logs are there, and were read.
    spoke = {"ResolveIdentityLogs", "SendEmailLogs", "DispatchMessageLogs"}
    assert all(read[place] for place in spoke), {p: n for p, n in read.items() if "Logs" in p}


def test_an_erasure_leaves_no_residue_anywhere(hub: Hub, canary: Canary) -> None:
    """Cases 1 and 19, in every place that the stack has."""
    who = {"kind": "email", "value": canary.mail}
    asked = hub.api(
        "POST",
        REQUESTS,
        {"type": "erasure", "regulation": "lgpd", "identifier": who},
        expected=201,
    )
    request = f"{REQUESTS}/{asked['request_id']}"
    hub.api("POST", f"{request}/verify", {"operator_reason": "saw a document"})
    wait_for("the erasure", lambda: hub.api("GET", request)["status"] == "completed")
    time.sleep(2)

    hits, _ = scan(canary.values)

    assert not {place: count for place, count in hits.items() if count}
    places = {one["place"]: one for one in hub.api("GET", f"{request}/certificate")["places"]}
    assert places["queues"]["deleted"] == 2
    assert not local_stack.queued("interactions_dlq")


def invoke(function: str) -> dict[str, str]:
    """What the schedule does, at once; then the rows of the job."""
    client = local_stack.client("lambda")
    pages = client.get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    (name,) = [name for name in names if function in name]
    answer = client.invoke(FunctionName=name, Payload=b"{}")
    result: dict[str, str] = json.loads(answer["Payload"].read())
    return result


def rows_of(job: str) -> dict[str, Any]:
    table = local_stack.load()["table_names"]["privacy"]
    rows = VersionedRows(local_stack.client("dynamodb"), table).under(f"job#{job}", "")
    return {row.sk: row.body for row in rows}


def test_the_scheduled_scan_reads_every_place_and_rings_for_nothing(canary: Canary) -> None:
    """J7 and J10, under the function's own role; after an erasure nothing is left to ring for."""
    assert invoke("ScanResidues") == {"result": "done"}

    places = rows_of("scan_residues")
    assert not {name: body["hits"] for name, body in places.items() if body["hits"]}
    read = {name: body["read"] for name, body in places.items()}
    assert {"TimelineTable/buyers", "MailBucket", "InteractionsDLQ", "parameters"} <= set(read)
    assert read["IdentityTable"] and read["ResolveIdentityLogs"] and read["SendEmailLogs"]


def test_the_certificate_holds_under_the_keys_of_the_stack(canary: Canary) -> None:
    """J12."""
    assert invoke("VerifyCertificates") == {"result": "done"}

    round_ = rows_of("verify_certificates")["all"]
    assert round_["checked"] and not round_["broken"]
