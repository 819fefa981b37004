"""What functions log, and where a person's values are: only in the places that are meant to."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from enlace.aws.versioned_rows import VersionedRows
from local import stack as local_stack
from local.demo.hub import Hub
from local.residues import scan
from tests.e2e.canaries import Canary, files, schedules
from tests.e2e.erasing import certificate, erased, holding, items
from tests.e2e.queues import drain

#: In clear: what people wrote and are called, until they are erased.
HOLDERS = {"IdentityTable", "TimelineTable", "CaseTable", "ConsentTable", "DeliveryTable"}


@pytest.fixture(scope="module")
def hub(stack: dict[str, Any]) -> Hub:
    return Hub(stack)


@pytest.fixture(scope="module")
def canaries(hub: Hub) -> tuple[Canary, Canary]:
    """Two who wrote and were written to; the first was given up on."""
    canary, neighbour = Canary(hub), Canary(hub)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Canary.settle, (canary, neighbour)))
    drain(hub)
    canary.give_up_on()
    return canary, neighbour


def test_a_persons_values_are_where_they_are_meant_to_be(canaries: tuple[Canary, Canary]) -> None:
    """Case 19: logs, settings, secrets, schedules and queues hold none of them."""
    hits, read = scan(canaries[0].values)

    found = {place for place, count in hits.items() if count}
    meant = HOLDERS | {"InteractionsDLQ", "AttachmentsBucket"}
    assert {"IdentityTable", "TimelineTable", "InteractionsDLQ", "AttachmentsBucket"} <= found
    assert {place.partition("/")[0] for place in found} <= meant, hits
    # The logs are there, and were read.
    spoke = {"ResolveIdentityLogs", "SendEmailLogs", "SendWhatsappLogs", "DispatchMessageLogs"}
    assert all(read[place] for place in spoke), {p: n for p, n in read.items() if "Logs" in p}


def test_an_erasure_leaves_no_residue_anywhere_and_a_neighbour_whole(
    hub: Hub, canaries: tuple[Canary, Canary]
) -> None:
    """Cases 1 and 19, in every place that the stack has."""
    canary, neighbour = canaries
    others = {one for one in schedules() if neighbour.deferred in one}
    before, kept = items(hub), files()
    assert others and [one for one in schedules() if canary.deferred in one]

    [done] = erased(hub, {"identifier": {"kind": "email", "value": canary.mail}})

    hits, _ = scan(canary.values)
    assert not {place: count for place, count in hits.items() if count}
    places = {one["place"]: one for one in certificate(hub, done)["places"]}
    assert places["queues"]["deleted"] == 2
    # Three messages, the schedule of one of them and the file of another.
    assert places["messages"]["deleted"] >= 5
    assert places["candidates"]["deleted"] >= 2 and places["crm:hubspot"]["deleted"] >= 1
    assert not local_stack.queued("interactions_dlq")
    assert not [one for one in schedules() if canary.deferred in one]
    assert not canary.is_candidate()

    after, there = items(hub), files()
    theirs = [*neighbour.values, neighbour.alike, neighbour.deferred]
    assert holding(after, theirs) == holding(before, theirs)
    assert others <= schedules() and neighbour.is_candidate()
    # Of the files one is gone, and none is another one.
    assert len(kept.keys() - there.keys()) == 1 and not there.items() - kept.items()


def invoke(function: str) -> dict[str, Any]:
    """What the schedule does, at once."""
    name = local_stack.load()["functions"][function]
    answer = local_stack.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    return result


def job_rows() -> VersionedRows:
    table = local_stack.load()["table_names"]["privacy"]
    return VersionedRows(local_stack.client("dynamodb"), table)


def due(job: str) -> None:
    """Let a job's round begin now, though one may have ended before the erasure."""
    for row in list(job_rows().under(f"job#{job}", "")):
        job_rows().delete(row.pk, row.sk)


def rows_of(job: str) -> dict[str, Any]:
    """How far the parts of a job have come, and what they found."""
    return {row.sk: row.body for row in job_rows().under(f"job#{job}", "")}


def test_the_scheduled_jobs_read_every_place_and_ring_for_nothing(
    canaries: tuple[Canary, Canary],
) -> None:
    """J7, J10 and J12 under the functions' own roles, after an erasure."""
    due("scan_residues")
    assert invoke("ScanResidues") == {"result": "done"}
    places = rows_of("scan_residues")
    assert not {name: body["hits"] for name, body in places.items() if body["hits"]}
    read = {name: body["read"] for name, body in places.items()}
    assert {"TimelineTable/buyers", "MailBucket", "InteractionsDLQ", "parameters"} <= set(read)
    assert read["IdentityTable"] and read["ResolveIdentityLogs"] and read["SendEmailLogs"]

    due("verify_certificates")
    assert invoke("VerifyCertificates") == {"result": "done"}
    checked = rows_of("verify_certificates")["all"]
    assert checked["checked"] and not checked["broken"]
