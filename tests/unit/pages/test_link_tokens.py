"""Links in messages: nobody else can make one, and they say nothing in the clear."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enlace.domain.link_tokens import Link, LinkTokens
from enlace.errors import InvalidPayload

OLD, NEW = b"the first key, 32 bytes long....", b"the second key, 32 bytes long..."
TOKENS = LinkTokens({"1": OLD}, "1")
LINK = Link(
    "unsubscribe",
    "email",
    "email#AAAAAAAAAAAAAAAAAAAAAA",
    "marketing",
    "email",
    "0b7c7a0e-5a5e-5c3e-9d5c-3d1f9b0c6a52",
    "pt-BR",
)
texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(texts, texts, texts)
def test_a_link_comes_back_as_it_was_made(purpose: str, channel: str, language: str) -> None:
    link = replace(LINK, purpose=purpose, channel=channel, language=language)

    token = TOKENS.mint(link)

    assert TOKENS.read(token) == link
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)


def test_it_fits_into_a_header_and_holds_no_address() -> None:
    token = TOKENS.mint(LINK)

    payload = base64.urlsafe_b64decode(token.split(".")[1] + "==")
    assert len(token) < 300
    assert b"@" not in payload


@given(st.data())
def test_no_changed_token_is_read(data: st.DataObject) -> None:
    token = TOKENS.mint(LINK)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda one: one != token[at]))

    with pytest.raises(InvalidPayload):
        TOKENS.read(token[:at] + other + token[at + 1 :])


@given(st.text(max_size=1000))
def test_whatever_stands_in_the_path_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        TOKENS.read(text)

    assert str(caught.value) == "not a link of ours"


def test_another_key_makes_no_token_of_ours() -> None:
    with pytest.raises(InvalidPayload):
        TOKENS.read(LinkTokens({"1": NEW}, "1").mint(LINK))


def test_after_a_rotation_old_mails_still_unsubscribe() -> None:
    rotated = LinkTokens({"1": OLD, "2": NEW}, "2")

    assert rotated.read(TOKENS.mint(LINK)) == LINK
    assert rotated.mint(LINK).startswith("2.")
    # A token of the new key does not pass for one of the old, nor the other way round.
    with pytest.raises(InvalidPayload):
        rotated.read("1" + rotated.mint(LINK)[1:])


def test_an_action_that_nobody_declared_is_refused() -> None:
    with pytest.raises(InvalidPayload):
        TOKENS.read(TOKENS.mint(replace(LINK, action="erase")))


def test_a_payload_of_another_shape_is_refused() -> None:
    payload = base64.urlsafe_b64encode(json.dumps(["unsubscribe"]).encode()).rstrip(b"=").decode()
    signed = f"1.{payload}"
    mac = base64.urlsafe_b64encode(TOKENS._mac("1", signed)).rstrip(b"=").decode()

    with pytest.raises(InvalidPayload):
        TOKENS.read(f"{signed}.{mac}")
