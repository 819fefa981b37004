"""The quick benchmark: what both pipelines do is counted; times are never asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import people
from bench.__main__ import main
from bench.scenarios import MERGED, Counts, Naive, Ours, Unexpected, accepted, count, resolved
from bench.world import SECRETS, world


@pytest.fixture(scope="module")
def ours() -> Counts:
    return count(Ours(), long_history=60, draws=2)


@pytest.fixture(scope="module")
def naive() -> Counts:
    return count(Naive(), long_history=30, draws=1)


def test_a_known_contact_costs_what_it_must(ours: Counts) -> None:
    assert ours.known.count("dynamodb") <= 2
    assert ours.known.write_units == 1
    assert ours.known.read_units <= 0.5


def test_a_new_contact_costs_pointer_and_event(ours: Counts) -> None:
    assert ours.new.count("dynamodb") <= 3
    assert ours.new.write_units <= 2
    assert ours.new.read_units <= 0.5


def test_a_duplicate_adds_nothing_and_is_published_again_under_the_same_id(ours: Counts) -> None:
    assert ours.duplicate_new_items == 0
    assert ours.duplicate_same_ids
    assert ours.duplicate.write_units <= 1
    assert ours.duplicate.read_units <= 0.5


def test_a_merge_costs_the_same_however_long_the_history(ours: Counts) -> None:
    short, long = ours.merge_short, ours.merge_long
    assert (long.write_units, long.read_units) == (short.write_units, short.read_units)
    assert long.requests == short.requests
    assert MERGED in dict(long.published)


def test_a_known_contact_costs_the_same_however_long_the_history(ours: Counts) -> None:
    short, long = ours.known_short, ours.known_long
    assert (long.write_units, long.read_units) == (short.write_units, short.read_units)
    assert long.requests == short.requests


def test_a_batch_of_ten_shares_its_requests(ours: Counts) -> None:
    assert ours.batch.request_count / 10 <= 1.3


def test_a_warm_webhook_makes_one_call_for_however_many_messages(ours: Counts) -> None:
    assert ours.webhook_one.request_count == 1
    assert ours.webhook_many.request_count == 1


def test_the_baseline_works_and_moves_history(naive: Counts) -> None:
    assert naive.known.write_units > 1
    assert naive.duplicate_new_items == 0
    # 20 more interactions to move: each is put once and deleted once
    assert naive.merge_long.write_units - naive.merge_short.write_units == 2 * 20


def test_the_baseline_merges_profiles_and_takes_their_history_along() -> None:
    with world() as services:
        resolver = Naive().resolver(services)
        email = (("email", people.email(1)),)
        for body in (
            people.interaction(1, 1),
            people.interaction(2, 2, also=email),
            people.interaction(1, 3, also=email),
        ):
            resolved(resolver(people.queue_event([body])))
        profiles = services.items("profiles")
        assert len(profiles) == 1
        assert profiles[0]["interaction_count"] == {"N": "3"}
        owners = {item["profile_id"]["S"] for item in services.items("history")}
        assert owners == {profiles[0]["profile_id"]["S"]}
        assert len(services.items("history")) == 3


def test_the_baseline_refuses_what_is_not_signed() -> None:
    with world() as services:
        webhook = Naive().webhook(services, "whatsapp")
        request = people.whatsapp_request({"app_secret": "another"}, 1, [1])
        with pytest.raises(Unexpected):
            accepted(webhook(request))
        accepted(webhook(people.whatsapp_request(SECRETS["whatsapp"], 1, [1])))
        assert len(services.take_queue()) == 1


def test_the_quick_run_prints_the_table_and_writes_no_results(
    ours: Counts,
    naive: Counts,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    known = {"ours": ours, "naive": naive}
    monkeypatch.setattr("bench.__main__.count", lambda pipeline, **_: known[pipeline.name])
    monkeypatch.setattr("bench.report.RESULTS", tmp_path)
    code = main(["--quick"])
    table = capsys.readouterr().out
    assert table.startswith("| measure")
    assert "known contact: write units" in table
    assert (code == 1) == ("| NO " in table)
    assert list(tmp_path.iterdir()) == []
