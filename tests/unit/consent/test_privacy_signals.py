"""What browsers and consent platforms say of sharing, and what it does."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enlace.domain.consent import AddressConsent, ConsentPolicy, ConsentRecord, evaluate
from enlace.domain.consent_document import from_document, to_document
from enlace.domain.privacy_signals import DENIED, GRANTED, read_signals
from tests.unit.consent.test_consent import at, record

NAMES = ("gpc", "ad_storage", "ad_user_data", "tcf", "analytics_storage")


def tc_string(*purposes: int, version: int = 2, disclosed: bool = True) -> str:
    """A TC string that consents to some purposes."""
    wanted = "".join("1" if n in purposes else "0" for n in range(1, 25))
    bits = f"{version:06b}" + "0" * 146 + wanted + "0" * 36
    core = (int(bits, 2) << (-len(bits) % 8)).to_bytes((len(bits) + 7) // 8, "big")
    text = base64.urlsafe_b64encode(core).decode().rstrip("=")
    return f"{text}.IAAA" if disclosed else text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"gpc": True}, {"gpc": DENIED}),
        ({"gpc": False}, {}),
        (
            {"ad_storage": "denied", "analytics_storage": "granted", "wait_for_update": 500},
            {"ad_storage": DENIED, "analytics_storage": GRANTED},
        ),
        ({"consent_mode": {"ad_personalization": False}}, {"ad_personalization": DENIED}),
        (
            {"categoryPreferences": {"Advertising": True, "DataSharing": False, "Functional": 1}},
            {"category_advertising": GRANTED, "category_datasharing": DENIED},
        ),
        ({"tcf": tc_string(1, 3, 4)}, {"tcf": GRANTED}),
        ({"tcf": tc_string(1, 2, 7)}, {"tcf": DENIED}),
        ({"tcf": tc_string(1, 3, 4, version=1)}, {"tcf": DENIED}),
        # Since TCF 2.3 the vendors that were shown belong to it.
        ({"tcf": tc_string(1, 3, 4, disclosed=False)}, {"tcf": DENIED}),
        ({"tcf": "no such thing"}, {"tcf": DENIED}),
        ({"tcf": "granted"}, {"tcf": GRANTED}),
        ({"ad_storage": "perhaps", "tcf": 1}, {}),
        (["gpc"], {}),
    ],
)
def test_signals_are_read(raw: Any, expected: dict[str, str]) -> None:
    found = read_signals(raw)
    assert found == expected
    # What was read once is read the same again.
    assert read_signals(found) == expected


def test_a_published_tc_string_of_an_older_version_consents_to_nothing() -> None:
    # The example of the v2 specification: purposes 1 to 10, and no vendors disclosed.
    assert read_signals({"tcf": "COxR03kOxR1CqBcABCENAgCMAP_AAH_AAAqIF3EX"}) == {"tcf": DENIED}
    with_vendors = "COxR03kOxR1CqBcABCENAgCMAP_AAH_AAAqIF3EX.IF3EXySoGY2tho2YVFzBEIYwfJxyigMgShgQ"
    assert read_signals({"tcf": with_vendors}) == {"tcf": GRANTED}


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=300)) | st.text())
def test_anything_is_read(raw: Any) -> None:
    assert set(read_signals(raw).values()) <= {GRANTED, DENIED}
    assert set(read_signals({"tcf": raw, "consent_mode": raw}).values()) <= {GRANTED, DENIED}


def signalled(day: int, **signals: str) -> ConsentRecord:
    return record("signalled", day, purpose="sharing", signals=tuple(signals.items()))


def step(consent: AddressConsent, purpose: str = "sharing", *others: AddressConsent) -> int:
    return evaluate(
        consent, purpose, "email", now=at(22), policy=ConsentPolicy(), others=others
    ).step


def test_a_signal_denies_sharing_and_ads_and_nothing_else() -> None:
    granted = AddressConsent()
    for purpose in ("sharing", "advertising", "analytics", "marketing"):
        granted = granted.with_record(record(day=1, purpose=purpose, event_id=purpose))
    objected = granted.with_record(signalled(2, gpc=DENIED))
    steps = {p: step(objected, p) for p in ("sharing", "advertising", "analytics", "marketing")}
    assert steps == {"sharing": 7, "advertising": 7, "analytics": 9, "marketing": 9}
    measured = granted.with_record(signalled(2, analytics_storage=DENIED))
    assert (step(measured, "analytics"), step(measured)) == (7, 9)


def test_the_subjects_later_yes_lifts_it_and_nobody_elses() -> None:
    objected = AddressConsent().with_record(signalled(2, gpc=DENIED))
    yes = {"purpose": "sharing", "day": 3}
    assert step(objected.with_record(record(**yes))) == 9
    assert step(objected.with_record(record(**yes, actor="import"))) == 7
    again = objected.with_record(record(**yes)).with_record(signalled(4, gpc=DENIED))
    assert step(again) == 7
    # A platform's own yes takes back its own no, and no other's.
    assert step(again.with_record(signalled(5, ad_storage=GRANTED))) == 7
    assert step(again.with_record(signalled(5, gpc=GRANTED))) == 9


def test_of_one_persons_addresses_the_most_restrictive_counts() -> None:
    browser = AddressConsent().with_record(signalled(2, gpc=DENIED))
    address = AddressConsent().with_record(record(day=1, purpose="sharing"))
    assert step(address) == 9
    assert step(address, "sharing", browser) == 7


@given(
    st.lists(
        st.builds(
            signalled,
            st.integers(1, 6),
            **{name: st.sampled_from([GRANTED, DENIED]) for name in NAMES},
        ),
        max_size=6,
    ),
    st.integers(),
)
def test_no_order_and_no_repetition_of_signals_changes_the_state(
    records: list[ConsentRecord], seed: int
) -> None:
    def of(found: list[ConsentRecord]) -> AddressConsent:
        consent = AddressConsent()
        for one in found:
            consent = consent.with_record(one)
        return consent

    shuffled = [*records, *records[:2]]
    random.Random(seed).shuffle(shuffled)
    assert of(shuffled) == of(records)
    assert from_document(to_document(of(records))) == of(records)
