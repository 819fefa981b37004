"""The ten steps of the evaluation, and that no order of records can spoil an answer."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.consent import (
    OPT_IN,
    STATES,
    AddressConsent,
    ConsentPolicy,
    ConsentRecord,
    Moment,
    Suppression,
    evaluate,
)
from enlace.domain.consent_document import from_document, to_document

POLICY = ConsentPolicy(least_notice={"profiling": "2026-2"})
NOW = "2026-11-22T12:00:00.000Z"
BEFORE = Moment("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", "s")


def at(day: int) -> str:
    return f"2026-11-{day:02d}T12:00:00.000Z"


def record(state: str = "granted", day: int = 1, **fields: object) -> ConsentRecord:
    values = {
        "event_id": f"{state}-{day}",
        "purpose": "marketing",
        "channel": "email",
        "state": state,
        "actor": "subject",
        "occurred_at": at(day),
        "received_at": at(day),
        "has_evidence": True,
        **fields,
    }
    return ConsentRecord(**values)  # type: ignore[arg-type]


def of(*records: ConsentRecord, **fields: object) -> AddressConsent:
    consent = AddressConsent(**fields)  # type: ignore[arg-type]
    for one in records:
        consent = consent.with_record(one)
    return consent


def ruling(consent: AddressConsent, purpose: str = "marketing", channel: str = "email") -> tuple:
    found = evaluate(consent, purpose, channel, now=NOW, policy=POLICY)
    return found.allowed, found.step


def test_the_default_is_no() -> None:
    assert ruling(of()) == (False, 0)
    assert ruling(of(), "whatever") == (False, 0)


@pytest.mark.parametrize(
    ("consent", "purpose", "channel", "expected"),
    [
        (of(record(), erasing=True), "marketing", "email", (False, 1)),
        (of(erasing=True), "transactional", "email", (False, 1)),
        (of(erasing=True), "dsr", "email", (True, 10)),
        (
            of(suppressions={"marketing": Suppression("complaint", BEFORE)}),
            "transactional",
            "email",
            (True, 10),
        ),
        (of(suppressions={"all": Suppression("registry", BEFORE)}), "marketing", "sms", (False, 2)),
        (of(suppressions={"sms": Suppression("stop", BEFORE)}), "transactional", "sms", (False, 3)),
        (
            of(suppressions={"email": Suppression("hard_bounce", BEFORE)}),
            "transactional",
            "email",
            (False, 3),
        ),
        (
            of(suppressions={"whatsapp": Suppression("stop", BEFORE)}),
            "transactional",
            "whatsapp",
            (True, 10),
        ),
        (of(suppressions={"sms": Suppression("stop", BEFORE)}), "marketing", "sms", (False, 3)),
        (of(record("withdrawn", 2), record("granted", 1)), "marketing", "email", (False, 4)),
        (of(record("granted", 2), record("withdrawn", 1)), "marketing", "email", (True, 9)),
        (of(record("granted", 1), record("denied", 1)), "marketing", "email", (False, 4)),
        (of(record("requested", 3)), "marketing", "email", (False, 5)),
        (of(record("requested", 1), record("granted", 2)), "marketing", "email", (True, 9)),
        (of(record(valid_until=at(20))), "marketing", "email", (False, 6)),
        (
            of(record(purpose="profiling", notice_version="2026-1")),
            "profiling",
            "email",
            (False, 6),
        ),
        (of(record(purpose="profiling", notice_version="2026-2")), "profiling", "email", (True, 9)),
        (of(), "transactional", "email", (True, 10)),
        # Consent for one channel says nothing about another.
        (of(record()), "marketing", "sms", (False, 0)),
    ],
)
def test_the_first_step_that_applies_decides(
    consent: AddressConsent, purpose: str, channel: str, expected: tuple[bool, int]
) -> None:
    assert ruling(consent, purpose, channel) == expected


@pytest.mark.parametrize("actor", ["import", "agent", "provider", "system"])
def test_nobody_else_undoes_a_denial(actor: str) -> None:
    later = record("granted", 9, actor=actor)
    assert ruling(of(record("withdrawn", 2), later)) == (False, 4)
    assert ruling(of(later)) == (True, 9)
    # The subject's word without a trace of how it was said is hearsay too.
    assert ruling(of(record("withdrawn", 2), record("granted", 9, has_evidence=False))) == (
        False,
        4,
    )


def test_a_grant_from_the_future_counts_from_its_receipt() -> None:
    early = record("granted", 5, occurred_at=at(30))
    assert ruling(of(early, record("withdrawn", 6))) == (False, 4)


def test_a_fresh_opt_in_lifts_a_stop_but_not_an_erasure() -> None:
    stopped = of(suppressions={"sms": Suppression("stop", BEFORE)})
    assert ruling(stopped.with_record(record(channel="sms")), channel="sms") == (True, 9)
    by_import = stopped.with_record(record(channel="sms", actor="import"))
    assert ruling(by_import, channel="sms") == (False, 3)
    erased = of(suppressions={"marketing": Suppression("erasure", BEFORE)})
    assert ruling(erased.with_record(record())) == (False, 2)
    # What was objected to everywhere stays so where nobody opted in again.
    objected = of(suppressions={"marketing": Suppression("objection", BEFORE)})
    assert ruling(objected.with_record(record())) == (True, 9)
    assert ruling(objected.with_record(record()), channel="sms") == (False, 2)
    # And a stop that is heard of late counts from when it was said.
    late = of(record(day=9)).with_suppression("email", Suppression("complaint", BEFORE))
    assert ruling(late) == (True, 9)


RECORDS = st.lists(
    st.builds(
        record,
        st.sampled_from(STATES),
        st.integers(1, 6),
        actor=st.sampled_from(["subject", "agent", "import"]),
        has_evidence=st.booleans(),
        event_id=st.uuids().map(str),
        received_at=st.integers(1, 9).map(at),
        valid_until=st.sampled_from(["", at(20), at(28)]),
        narrow=st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=200)
@given(RECORDS, st.integers())
def test_no_order_and_no_repetition_changes_the_answer(
    records: list[ConsentRecord], seed: int
) -> None:
    shuffled = [*records, *records[:3]]
    random.Random(seed).shuffle(shuffled)
    assert of(*shuffled) == of(*records)
    assert from_document(to_document(of(*records))) == of(*records)


@settings(max_examples=200)
@given(RECORDS)
def test_after_the_subjects_last_word_no_nothing_else_says_yes(
    records: list[ConsentRecord],
) -> None:
    last = replace(record("withdrawn", 28), received_at=at(28))
    others = [one for one in records if one.actor != "subject"]
    consent = of(*records, last, *(replace(one, occurred_at=at(29)) for one in others))
    assert not ruling(consent)[0]


def test_a_word_that_takes_a_stop_back_lifts_that_stop_alone() -> None:
    narrow = record(day=9, narrow=True)
    for reason, scope, step in (
        ("stop", "email", 9),
        ("hard_bounce", "email", 3),
        ("complaint", "marketing", 2),
        ("objection", "all", 2),
    ):
        stopped = of(narrow, suppressions={scope: Suppression(reason, BEFORE)})
        assert ruling(stopped)[1] == step


def test_a_request_kept_without_its_end_is_read() -> None:
    old = {"purposes": {"marketing|email": {"request": [*BEFORE]}}}
    consent = from_document(old)
    assert ruling(consent) == (False, 5)


def test_an_address_is_asked_only_where_something_waits_and_nobody_said_no() -> None:
    asked = record("requested", 10, valid_until=at(28))
    assert ruling(of(), OPT_IN) == (False, 0)
    assert ruling(of(asked), OPT_IN) == (True, 5)
    assert ruling(of(asked), OPT_IN, "sms") == (False, 0)
    assert ruling(of(replace(asked, valid_until=at(20))), OPT_IN) == (False, 5)
    assert ruling(of(asked, record("granted", 12)), OPT_IN) == (False, 0)
    assert ruling(of(asked, record("granted", 9)), OPT_IN) == (False, 0)
    assert ruling(of(asked, record("denied", 9)), OPT_IN) == (False, 4)
    assert ruling(of(asked, record("denied", 12)), OPT_IN) == (False, 0)
    assert ruling(of(asked, record("paused", 12)), OPT_IN) == (False, 2)
    assert ruling(of(asked, erasing=True), OPT_IN) == (False, 1)
    for scope, step in (("all", 2), ("marketing", 2), ("email", 3)):
        stopped = of(asked, suppressions={scope: Suppression("stop", BEFORE)})
        assert ruling(stopped, OPT_IN) == (False, step)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (record("granted", 13), (True, 9)),
        (record("granted", 13, narrow=True), (True, 9)),
        (record("withdrawn", 13), (False, 4)),
        (record("denied", 13, actor="agent"), (False, 4)),
        (record("resumed", 13, actor="agent"), (True, 9)),
        # What was said before it, by a list, or without evidence is no answer to it.
        (record("granted", 11), (False, 2)),
        (record("granted", 12), (False, 2)),
        (record("withdrawn", 11), (False, 2)),
        (record("granted", 13, actor="import"), (False, 2)),
        (record("granted", 13, has_evidence=False), (False, 2)),
        (record("requested", 13), (False, 2)),
        (record("granted", 13, channel="sms"), (False, 2)),
    ],
)
def test_a_pause_ends_when_it_is_read_or_the_subject_decides(
    said: ConsentRecord, expected: tuple[bool, int]
) -> None:
    records = [record("granted", 5), record("paused", 12), said]
    for order in (records, records[::-1]):
        assert ruling(of(*order)) == expected
    again = of(*records, record("paused", 14))
    assert ruling(again) == (False, 2)
