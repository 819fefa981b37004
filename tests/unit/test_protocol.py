"""Protocol numbers survive being dictated, and wrong ones are noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import damm

from enlace.domain.protocol import (
    find_protocols,
    format_protocol,
    is_valid_protocol,
    make_protocol,
    normalise_protocol,
)

MOMENTS = st.datetimes().map(lambda t: f"{t:%Y-%m-%dT%H:%M:%S}.000Z".rjust(24, "0"))
PROTOCOLS = st.builds(make_protocol, st.uuids().map(str), MOMENTS, st.integers(0, 5))


@given(st.uuids().map(str), MOMENTS, st.integers(0, 5))
def test_same_cause_same_number_and_it_is_valid(id_: str, moment: str, attempt: int) -> None:
    protocol = make_protocol(id_, moment, attempt)
    assert protocol == make_protocol(id_, moment, attempt)
    assert len(protocol) == 17
    assert protocol[:8] == moment[:10].replace("-", "")
    assert is_valid_protocol(protocol)


@given(PROTOCOLS)
def test_check_digit_is_that_of_python_stdnum(protocol: str) -> None:
    assert damm.is_valid(protocol)


@given(PROTOCOLS, st.data())
def test_every_single_wrong_digit_is_noticed(protocol: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, 16))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != protocol[place]]))
    assert not is_valid_protocol(protocol[:place] + digit + protocol[place + 1 :])


@given(PROTOCOLS)
def test_every_swap_of_different_neighbours_is_noticed(protocol: str) -> None:
    for n in range(16):
        a, b = protocol[n], protocol[n + 1]
        if a != b:
            assert not is_valid_protocol(protocol[:n] + b + a + protocol[n + 2 :])


@given(PROTOCOLS, st.lists(st.sampled_from([" ", "-", ".", ". ", " - ", "\xa0"]), max_size=17))
def test_separators_of_dictation_do_not_matter(protocol: str, separators: list[str]) -> None:
    spoken = "".join(a + b for a, b in zip(protocol, separators, strict=False))
    spoken += protocol[len(separators) :]
    assert normalise_protocol(spoken) == protocol
    assert normalise_protocol(format_protocol(protocol)) == protocol


def test_attempts_give_other_numbers_of_the_same_day() -> None:
    numbers = {make_protocol("an-id", "2026-11-20T10:00:00.000Z", n) for n in range(20)}
    assert len(numbers) == 20
    assert {number[:8] for number in numbers} == {"20261120"}


def test_a_day_of_cases_rarely_collides() -> None:
    # 20,000 cases a day: about two pairs are expected to collide, and ask again.
    numbers = {make_protocol(f"id-{n}", "2026-11-20T10:00:00.000Z") for n in range(20_000)}
    assert len(numbers) >= 19_985


@pytest.mark.parametrize("text", ["", "2026", "abc", "١" * 17, "00000000000000000", " - . "])
def test_what_is_no_number_is_not_valid(text: str) -> None:
    assert not is_valid_protocol(text)


def test_an_impossible_date_is_not_valid_although_its_check_digit_is_right() -> None:
    body = "2026023012345678"
    assert not is_valid_protocol(body + damm.calc_check_digit(body))


@pytest.mark.parametrize(("moment", "attempt"), [("yesterday", 0), ("2026-11-20T10:00:00Z", -1)])
def test_wrong_use_is_refused(moment: str, attempt: int) -> None:
    with pytest.raises(ValueError, match="contract time"):
        make_protocol("an-id", moment, attempt)


NUMBER = make_protocol("3e1d6d12-7d9c-5db6-8e12-2d5b8a9f6f01", "2026-11-20T12:34:56.123Z")
SAID = {
    "pt": ["zero", "um", "dois", "três", "quatro", "cinco", "meia", "sete", "oito", "nove"],
    "es": ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"],
    "en": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
}


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        f"Sobre o protocolo {format_protocol(NUMBER)}.",
        f"Re: [{NUMBER}] entrega",
        f"protocolo {NUMBER[:4]} {NUMBER[4:8]} {NUMBER[8:12]} {NUMBER[12:]}",
        " ".join(NUMBER),
        *(f"é o {', '.join(words[int(digit)] for digit in NUMBER)}!" for words in SAID.values()),
    ],
)
def test_a_number_is_found_in_what_people_write_and_say(text: str) -> None:
    assert find_protocols(text) == [NUMBER]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "zero",
        "2026",
        f"1{NUMBER}",
        f"{NUMBER}0",
        f"{NUMBER[:-1]}{(int(NUMBER[-1]) + 1) % 10}",
        "pedido 20261341123456789",
        "cero " * 40,
        "x" * 20_000 + NUMBER,
    ],
)
def test_no_number_is_made_up(text: str) -> None:
    assert find_protocols(text) == []


def test_several_numbers_come_in_their_order_and_bounded() -> None:
    numbers = [make_protocol(str(n), "2026-11-20T12:34:56.123Z") for n in range(9)]
    assert find_protocols(" e ".join(numbers)) == numbers[:5]
    assert find_protocols(f"{numbers[0]}, {numbers[0]}") == numbers[:1]


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_stands_around_it_a_number_is_found(before: str, after: str) -> None:
    assert NUMBER in find_protocols(f"{before}| {NUMBER} |{after}")
