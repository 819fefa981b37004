"""What every channel leans on: strict JSON, checked fields, ids without people."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enlace.channels.base import (
    MAX_DEPTH,
    build,
    digest,
    epoch_time,
    identifier,
    load_json,
    objects,
    optional_object,
    optional_text,
    required_object,
    required_text,
    same_text,
)
from enlace.domain.interaction import NAMESPACE, interaction_id
from enlace.errors import InvalidInteraction, InvalidPayload


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'"\xc3"',
        b"NaN",
        b"[Infinity]",
        b'{"a":-Infinity}',
        b"1e999",
        b"-1e999",
        b"9" * 5000,
        b"[" * 200_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
    ],
    ids=lambda b: repr(b[:12]),
)
def test_json_that_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidPayload) as caught:
        load_json(body)
    # Nothing of the body hangs on to the error, which is logged.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_json_that_is_read() -> None:
    assert load_json(b'{"a":1.5,"b":[1],"c":"\\ud800"}') == {"a": 1.5, "b": [1], "c": "\ud800"}
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    load_json(deepest)
    # Brackets inside texts, and many beside each other, are not depth.
    load_json(b'["' + b"[" * 500 + b'"]')
    load_json(b"[" + b",".join([b"{}"] * 500) + b"]")


@pytest.mark.parametrize(
    ("value", "per_second", "text"),
    [
        (0, 1, "1970-01-01T00:00:00.000Z"),
        ("1795176001", 1, "2026-11-20T12:00:01.000Z"),
        (1795176400123, 1000, "2026-11-20T12:06:40.123Z"),
        (1795176400999, 1000, "2026-11-20T12:06:40.999Z"),
    ],
)
def test_times(value: Any, per_second: int, text: str) -> None:
    assert epoch_time(value, "t", per_second=per_second) == text


@pytest.mark.parametrize(
    "value", [None, True, 1.5, "1.5", "", "-1", -1, "٣", [], {}, 10**20, "9" * 17, 253_370_764_800]
)
def test_times_that_are_none(value: Any) -> None:
    with pytest.raises(InvalidPayload, match=r"^when: must be a Unix time$"):
        epoch_time(value, "when")


@pytest.mark.parametrize("value", [1, True, 1.5, [], "x"])
def test_fields_of_another_type_are_named_but_not_quoted(value: Any) -> None:
    for read in (required_object, lambda v, w: optional_object({w: v}, w)):
        with pytest.raises(InvalidPayload, match=r"^field: must be an object$"):
            read(value, "field")
    if value != []:
        with pytest.raises(InvalidPayload, match=r"^field: must be a list$"):
            objects({"field": value}, "field")
    if value != "x":
        for text in (required_text, optional_text):
            with pytest.raises(InvalidPayload, match=r"^field: must be text$"):
                text({"field": value}, "field")


def test_absent_fields() -> None:
    assert optional_object({"a": None}, "a") == {} == optional_object({}, "a")
    assert objects({}, "a") == []
    assert optional_text({"a": ""}, "a") is None
    with pytest.raises(InvalidPayload):
        required_text({"a": ""}, "a")


@pytest.mark.parametrize("value", ["", " ", "x" * 513, "\ud800", 7, None, {}])
def test_identifiers_that_are_none(value: Any) -> None:
    with pytest.raises(InvalidInteraction):
        identifier("phone", value)


@pytest.mark.parametrize("scope", ["a b", "a#b", "", "x" * 129, "\n"])
def test_scopes_that_would_break_a_key(scope: str) -> None:
    with pytest.raises(InvalidInteraction):
        identifier(f"messenger:{scope}", "1")


@pytest.mark.parametrize("source_id", ["\ud800", "x" * 513])
def test_ids_that_cannot_be_kept(source_id: str) -> None:
    with pytest.raises(InvalidPayload):
        build(
            "sms",
            "message.received",
            identifier("phone", "+5511987650001"),
            source_id=source_id,
            received_at="2026-11-20T12:00:00.000Z",
        )


def test_comparison_takes_any_text() -> None:
    assert same_text("abc", "abc")
    assert not same_text("abc", "\udcff")
    assert not same_text("?", "\udcff?")
    assert not same_text("abc", "ção")


def test_digests_keep_parts_apart() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert "5511" not in digest("phone", "+5511987650001")


WORDS = st.text(st.characters(codec="utf-8"), max_size=20)


@given(channel=WORDS, account=WORDS, source_id=WORDS)
def test_interaction_ids_are_version_5_uuids(channel: str, account: str, source_id: str) -> None:
    expected = uuid.uuid5(NAMESPACE, f"{channel}\x1f{account}\x1f{source_id}")
    assert interaction_id(channel, account, source_id) == str(expected)
