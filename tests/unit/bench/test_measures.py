"""Budgets, the bill and the report, on made-up numbers."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from bench import prices, report
from bench.capacity import Usage
from bench.cost import Footprint, lines
from bench.cpu import import_ratios
from bench.measure import Measure
from bench.measures import import_budget
from bench.packages import zipped_bytes
from bench.times import Times


@pytest.mark.parametrize(
    ("ours", "budget", "exact", "ok"),
    [
        (1.0, 1.0, False, True),
        (1.1, 1.0, False, False),
        (0.9, 1.0, True, False),
        (1.0, 1.0, True, True),
        (None, 1.0, False, None),
        (5.0, None, False, None),
    ],
)
def test_a_measure_keeps_its_budget_or_not(
    ours: float | None, budget: float | None, exact: bool, ok: bool | None
) -> None:
    assert Measure("m", ours, None, budget, exact=exact).ok is ok


def test_budgets_of_imports_follow_the_functions_role() -> None:
    assert import_budget("webhook_x") == 1.5
    assert import_budget("send_sms") == 1.9
    assert import_budget("resolve_identity") == 1.9
    assert import_budget("api_customers") is None


def footprint(batch: int = 10) -> Footprint:
    webhook = Usage(sqs_requests=1)
    webhook.requests["sqs:SendMessageBatch"] = 1
    resolver = Usage(
        write_units=1.0 * batch, read_units=0.5 * batch, events=batch, event_bytes=700 * batch
    )
    resolver.requests["dynamodb:PutItem"] = batch
    return Footprint(
        webhook=webhook,
        resolver=resolver,
        batch=batch,
        webhook_cpu_seconds=50e-6,
        resolver_cpu_seconds=100e-6,
        webhook_import=1.4,
        resolver_import=1.8,
        webhook_log_bytes=0,
        resolver_log_bytes=40,
    )


def test_the_bill_follows_the_price_list() -> None:
    bill = lines(footprint())
    assert bill["API Gateway HTTP API"] == pytest.approx(1.00)
    assert bill["Lambda requests"] == pytest.approx(0.22)
    assert bill["SQS"] == pytest.approx(0.48)  # one send, a tenth of a receive and of a delete
    assert bill["DynamoDB"] == pytest.approx(0.6875)
    assert bill["EventBridge"] == pytest.approx(1.00)
    assert bill["EventBridge archive"] == pytest.approx(0.07)
    assert bill["CloudWatch Logs"] == pytest.approx((340 + 40 + 34) * 1e-3 * 0.5)


def test_durations_are_waiting_plus_cpu_at_lambdas_share() -> None:
    share = prices.MEMORY_MEGABYTES / prices.FULL_PROCESSOR_MEGABYTES
    webhook = 0.008 + (50e-6 + prices.BOTOCORE_SECONDS) / share  # 9.5 ms, billed as 10
    assert 0.009 < webhook < 0.010
    only_webhook = footprint()
    only_webhook.resolver.requests.clear()
    gb_seconds = lines(only_webhook)["Lambda GB-seconds (arm64)"] / 1e6
    cold = prices.COLD_SHARE * prices.BOTO3_IMPORT_SECONDS * (1.4 + 1.8 / 10) / 2
    expected = 0.5 * (0.010 + 0.004 / 10) + cold  # the resolver's 1 ms of CPU is billed as 4
    assert gb_seconds == pytest.approx(expected * prices.LAMBDA_ARM_GB_SECOND.usd)


def test_single_messages_cost_more_than_batches() -> None:
    assert sum(lines(footprint(1)).values()) > sum(lines(footprint(10)).values())


def test_import_ratios_are_of_medians() -> None:
    taken = {"boto3": [1.0, 1.2, 9.0], "webhook": [1.8, 1.5, 1.2]}
    assert import_ratios(taken, "boto3") == {"boto3": 1.0, "webhook": 1.25}


def test_zipped_sizes_are_of_deflated_archives(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n" * 10_000)
    assert 100 < zipped_bytes([("a.py", tmp_path / "a.py")]) < 2_000


def test_results_say_machine_and_date_and_no_host_or_path(tmp_path: Path) -> None:
    times = Times(2.0, {"ours whatsapp": 40.0}, 15.0, 1.0, {"boto3": 1.0})
    measures = [Measure("known contact", 1.0, 7.0, 1.0, 1.0), Measure("more", 3.0, None, 2.0)]
    path = report.save(measures, {"times": times, "zipped_bytes": {"layer x": 2048}}, tmp_path)
    kept = json.loads(path.read_text())
    assert kept["machine"]["python"] == platform.python_version()
    assert [row["ok"] for row in kept["measures"]] == [True, False]
    assert kept["times"]["slowness"] == 2.0
    page = (tmp_path / "latest.md").read_text()
    assert "| known contact | 1" in page
    assert "| layer x | 2.0 |" in page
    for text in (page, path.read_text(), path.name):
        assert platform.node() not in text
        assert str(Path.home()) not in text
        assert str(Path(__file__).parents[3]) not in text
