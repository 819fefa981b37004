"""The company's decisions about messages: read from their file, and what they mean."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from enlace.domain.message_policy import Cap, parse_message_policy
from enlace.domain.open_hours import closes_at, is_open, next_opening
from enlace.domain.send_claims import MAX_CLAIMS, SendClaim, dump, load, released, with_claim
from enlace.errors import InvalidRules
from enlace.rules import message_policy
from enlace.usecases.recipient_zones import zones_of_number

WHOLE = """
version = "1"
answer_on_same_channel = true
[consent]
other_basis = ["transactional"]
double_opt_in = ["email"]
[consent.least_notice]
marketing = "2026-1"
[consent.valid_days]
marketing = 1095
[[caps]]
hours = 24
most = 2
[open_hours]
monday = ["09:00", "18:00"]
zone = "America/Manaus"
[fallback_after_seconds]
whatsapp = 60
"""


def test_every_field_is_read() -> None:
    policy = parse_message_policy(WHOLE)
    assert policy.version == "1" and policy.answer_on_same_channel
    assert policy.consent.other_basis == {"transactional"}
    assert policy.consent.double_opt_in == {"email"}
    assert policy.consent.least_notice == {"marketing": "2026-1"}
    assert policy.consent.valid_days == {"marketing": 1095}
    assert policy.caps == (Cap(24, 2),)
    assert policy.open_hours.zone == "America/Manaus"
    assert policy.open_hours.days == ((time(9), time(18)), None, None, None, None, None, None)
    assert policy.fallback_after_seconds == {"whatsapp": 60}
    assert policy.needs_consent("marketing") and not policy.needs_consent("transactional")


def test_what_ships_is_valid_and_closed_on_sundays() -> None:
    policy = message_policy()
    assert policy.open_hours.days[6] is None and len(policy.caps) == 2


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("version = 1", "version"),
        ('version = "1"\nsurprise = 1', "surprise"),
        ('version = "1"\n[consent]\nother = 1', "consent.other"),
        ('version = "1"\n[consent]\ndouble_opt_in = "email"', "double_opt_in"),
        ('version = "1"\n[[caps]]\nhours = 24', "caps[0]"),
        ('version = "1"\n[[caps]]\nhours = 0\nmost = 1', "hours"),
        ('version = "1"\n[[caps]]\nhours = 9999\nmost = 1', "hours"),
        ('version = "1"\n[open_hours]\nmonday = ["18:00", "09:00"]', "monday"),
        ('version = "1"\n[open_hours]\nmonday = "all day"', "monday"),
        ('version = "1"\n[open_hours]\nmontag = ["09:00", "18:00"]', "montag"),
        ('version = "1"\n[open_hours]\nzone = "America/Bahia"', "open_hours"),
        ('version = "1"\nanswer_on_same_channel = "yes"', "answer_on_same_channel"),
        ("version = ", "TOML"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, names: str) -> None:
    with pytest.raises(InvalidRules) as caught:
        parse_message_policy(text)
    assert names in str(caught.value)


HOURS = message_policy().open_hours
SATURDAY_NOON = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


def test_it_opens_and_closes_where_they_live() -> None:
    assert is_open(HOURS, ["America/Sao_Paulo"], SATURDAY_NOON)
    assert closes_at(HOURS, ["America/Sao_Paulo"], SATURDAY_NOON) == datetime(
        2026, 11, 21, 16, 0, tzinfo=UTC
    )
    evening = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    assert not is_open(HOURS, (), evening)
    assert next_opening(HOURS, (), evening) == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_clocks_that_are_put_forward_are_followed() -> None:
    # On 29 March 2026 Portugal puts its clocks forward.
    before, after = (datetime(2026, 3, day, 8, 30, tzinfo=UTC) for day in (27, 30))
    assert not is_open(HOURS, ["Europe/Lisbon"], before)
    assert is_open(HOURS, ["Europe/Lisbon"], after)


def test_of_zones_without_a_common_hour_the_first_counts() -> None:
    zones = ["Europe/Moscow", "Asia/Kamchatka", "Europe/Kaliningrad"]
    monday = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
    assert next_opening(HOURS, zones, monday) == monday


def test_an_invented_zone_is_the_companys() -> None:
    assert is_open(HOURS, ["Mars/Olympus"], SATURDAY_NOON)


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+5511987654321", ("America/Sao_Paulo",)),
        ("+5592987654321", ("America/Manaus",)),
        ("+5568987654321", ("America/Rio_Branco",)),
        ("+351912345678", ("Europe/Lisbon", "Atlantic/Madeira", "Atlantic/Azores")),
        ("+88810000000", ()),
    ],
)
def test_a_number_tells_where_it_is(number: str, zones: tuple[str, ...]) -> None:
    assert zones_of_number(number) == zones


def test_every_brazilian_area_has_the_zone_that_the_phone_book_knows() -> None:
    phonenumbers = pytest.importorskip("phonenumbers.timezone")
    import phonenumbers as numbers

    for area in range(11, 100):
        number = f"+55{area}987654321"
        parsed = numbers.parse(number)
        # The phone book puts all of Pernambuco on Fernando de Noronha, 500 km out at sea, and
        # has not heard that the west of Pará keeps Brasília's time (law 11,662 of 2008).
        if not numbers.is_valid_number(parsed) or area in (81, 93, 94):
            continue
        # Names differ where clocks do not.
        known = {
            SATURDAY_NOON.astimezone(ZoneInfo(zone)).utcoffset()
            for zone in phonenumbers.time_zones_for_number(parsed)
        }
        (mine,) = zones_of_number(number)
        assert SATURDAY_NOON.astimezone(ZoneInfo(mine)).utcoffset() in known, (area, mine)


def claim(number: int, at: int, *, capped: bool = True) -> SendClaim:
    return SendClaim(f"m-{number}/1", at, at + 90, 1, capped, "0a1b2c3d")


def test_claims_are_few_and_the_capped_ones_stay_longest() -> None:
    claims: tuple[SendClaim, ...] = ()
    for number in range(30):
        claims = with_claim(claims, claim(number, number, capped=number < 5))
    assert len(claims) == MAX_CLAIMS
    assert [c.message_id for c in claims if c.capped] == ["m-4", "m-3", "m-2", "m-1", "m-0"]
    assert claims[0].message_id == "m-29"
    assert load(dump(claims)) == claims and load("") == ()
    late = with_claim(claims, claim(99, 9 * 86_400))
    assert [c.message_id for c in late] == ["m-99"]


def test_a_claim_that_did_nothing_leaves_no_trace_but_an_earlier_doubt() -> None:
    first, second = claim(1, 0), claim(2, 0)
    assert released((first, second), second) == (first,)
    again = SendClaim("m-2/1", 0, 90, 2, True, "0a1b2c3d")
    (kept,) = released((again,), again)
    assert (kept.calls, kept.lease_until) == (1, 0)
    # Somebody else's is not mine to give back.
    assert released((first,), SendClaim("m-1/1", 0, 90, 1, True, "other")) == (first,)
