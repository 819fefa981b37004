"""The policy of retention: what it says, and how it is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from enlace.aws.delivery_writes import kept_until
from enlace.domain.retention_policy import CLOCKS, parse_retention_policy
from enlace.errors import InvalidRules
from enlace.rules import retention_policy
from local.cli import main

TEXT = files("enlace.rules").joinpath("retention.toml").read_text()
NOW = "2026-03-31T12:00:00.000Z"


def test_what_ships_covers_every_store_and_says_why() -> None:
    policy = retention_policy()
    assert {rule.store for rule in policy.rules} == set(CLOCKS)
    assert all(policy.jurisdiction in rule.basis for rule in policy.rules)


@pytest.mark.parametrize(
    ("period", "cutoff"),
    [
        ("P24M", "2024-03-31T12:00:00.000Z"),
        ("P1M", "2026-02-28T12:00:00.000Z"),
        ("P5Y", "2021-03-31T12:00:00.000Z"),
        ("P30D", "2026-03-01T12:00:00.000Z"),
        ("P2W", "2026-03-17T12:00:00.000Z"),
    ],
)
def test_times_are_of_the_calendar(period: str, cutoff: str) -> None:
    policy = parse_retention_policy(TEXT.replace('default = "P24M"', f'default = "{period}"'))
    assert policy.cutoff("timeline", NOW) == cutoff


def test_the_jurisdiction_picks_the_time() -> None:
    policy = parse_retention_policy(TEXT.replace('"BR"', '"FR"', 1))
    assert policy.cutoff("timeline", NOW) == "2023-03-31T12:00:00.000Z"


def test_what_messages_are_hidden_by_is_the_policy_s_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = "2026-01-31T12:00:00.000Z"
    assert kept_until(asked) == datetime(2027, 3, 7, 12, tzinfo=UTC).timestamp()
    shorter = parse_retention_policy(TEXT.replace("P400D", "P1M"))
    monkeypatch.setattr("enlace.aws.delivery_writes.retention_policy", lambda: shorter)
    assert kept_until(asked) == datetime(2026, 2, 28, 12, tzinfo=UTC).timestamp()


def test_its_hash_is_of_what_it_says() -> None:
    policy = retention_policy()
    assert parse_retention_policy(TEXT + "\n# a remark\n").hash == policy.hash
    assert parse_retention_policy(TEXT.replace("P24M", "P23M")).hash != policy.hash


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('version = "2026-11-2"', "", "version: must be text of 1 to 64 characters"),
        ('"BR"', '"Brasil"', 'jurisdiction: must be a country, such as "BR"'),
        ('purpose = "serving', 'purposes = "', "rules.timeline.purposes: unknown field"),
        ('purpose = "serving', 'purpose = ""#', "rules.timeline.purpose: must say in up to 200"),
        ('"P24M"', '"24 months"', "rules.timeline.keep.default: must be a time such as P24M"),
        ('"P24M"', '"P1D"', "rules.timeline.keep.default: must be at least P7D"),
        ('"P24M"', '"P0M"', "rules.timeline.keep.default: must be a time such as P24M"),
        ('"P24M"', '"P999Y"', "rules.timeline.keep.default: must be at most P100Y"),
        ("FR =", "France =", "rules.timeline.keep.France: must be `default` or a jurisdiction"),
        ("default =", "DE =", "rules.timeline.keep: must be a table with a default"),
        ('"last_interaction"', '"created"', "rules.timeline.clock: must be one of last_interact"),
        ('store = "timeline"', 'store = "logs"', "rules.timeline.store: must be one of timeline"),
        ('action = "delete"', 'action = "hide"', "rules.timeline.action: must be one of delete"),
        ("hold_aware = true", "hold_aware = false", "rules.timeline.hold_aware: must be true"),
        ("max_batch_pct = 5", "max_batch_pct = 0", "rules.timeline.max_batch_pct: must be a whole"),
        ("max_batch_pct = 5", "", "rules.timeline.max_batch_pct: is missing"),
        ("max_batch_pct = 5", "max_batch = 5", "rules.timeline.max_batch: unknown field"),
        ('id = "messages"', 'id = "timeline"', "rules: two have the id timeline"),
        ("[[rules]]", "[rules]", "not a TOML file"),
        ("version =", "colour = 1\nversion =", "colour: unknown field"),
    ],
)
def test_a_mistake_is_named(was: str, becomes: str, said: str) -> None:
    assert was in TEXT
    with pytest.raises(InvalidRules, match=re.escape(said)):
        parse_retention_policy(TEXT.replace(was, becomes, 1))


def test_a_preview_shows_what_a_change_would_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "retention.toml"
    file.write_text(TEXT.replace("P24M", "P12M"))
    assert main(["retention", "preview", "--policy", str(file)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "last_interaction" in line]
    assert "keeps less than what ships" in line
    file.write_text(TEXT.replace("P24M", "soon"))
    assert main(["retention", "preview", "--policy", str(file)]) == 1
    assert "rules.timeline.keep.default: must be a time" in capsys.readouterr().err
