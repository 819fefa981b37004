"""Whatever a signed payload holds, a channel answers with interactions or reasons.

The samples are changed at random places into random things and signed again.
Any other exception than InvalidPayload would be a 500 to the vendor, who would
send the same again for days.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enlace.channels import eum_sms, ses_events, ses_inbound
from enlace.channels.base import Interaction, Rejected
from enlace.domain.interaction import parse_interaction
from enlace.errors import InvalidInteraction, InvalidPayload
from enlace.usecases.ingest import dump, ingest
from local.sign import EVENTS, sample
from tests.unit.channels.support import (
    HTTP_CHANNELS,
    RECEIVED_AT,
    SAMPLES,
    FakeLog,
    FakeQueue,
    FakeSecrets,
    request_of,
    secret_of,
)

#: Things that were not expected at a place.
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.sampled_from(
        ["", " ", "\ud800", "\x00", "x" * 600, "a#b", "a b", "9" * 40, "Infinity", "0x1", "-1"]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from([[[[[]]]], {"id": {"id": {}}}, [None], [[]], [{}]]),
)


@st.composite
def mutated(draw: st.DrawFn, payload: Any) -> Any:
    """``payload`` with up to four places replaced, removed or doubled."""
    payload = copy.deepcopy(payload)
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(payload))
        if not places:
            break
        parent, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(("replace", "replace", "remove", "double"))):
            case "replace":
                # A copy: what is sampled must not be changed by the next mutation.
                parent[key] = copy.deepcopy(draw(ODD))
            case "remove":
                del parent[key]
            case "double":
                if isinstance(parent, list):
                    parent.append(parent[key])
                else:
                    parent[draw(st.text(max_size=4))] = parent[key]
    return payload


def _places(value: Any) -> Any:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from _places(inner)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield value, at
            yield from _places(inner)


FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def _texts(payload: Any) -> Any:
    """Twilio's parameters are texts whatever happens to them."""
    return {
        str(k).encode("utf-8", "replace").decode(): str(v).encode("utf-8", "replace").decode()
        for k, v in payload.items()
    }


@pytest.mark.parametrize(("channel", "name"), SAMPLES)
@FUZZ
@given(data=st.data())
def test_channels_never_stumble(channel: str, name: str, data: st.DataObject) -> None:
    payload = data.draw(mutated(sample(channel, name)))
    module, secret = HTTP_CHANNELS[channel][0], secret_of(channel)
    if channel.startswith("twilio"):
        payload = _texts(payload)
    raw = payload if channel.startswith("twilio") else json.dumps(payload).encode()
    if channel == "segment":
        request = request_of(channel, {"type": "track"}, body=raw, path="/v1/batch")
        if isinstance(payload, dict) and "batch" not in payload:
            request = request_of(channel, {"type": "track"}, body=raw, path="/v1/identify")
    else:
        request = request_of(channel, raw)
    try:
        found = module.parse(request, secret)
    except InvalidPayload as error:
        assert str(error)
    else:
        assert isinstance(found, list)
        for item in found:
            if isinstance(item, Rejected):
                assert item.reason
                continue
            assert isinstance(item, Interaction)
            # What a channel lets through, the resolver must be able to read.
            parse_interaction(json.loads(dump(item.to_dict())), received_at=RECEIVED_AT)
    queue = FakeQueue()
    response = ingest(module, request, FakeSecrets(secret), queue, FakeLog())  # type: ignore[arg-type]
    assert response.status in (200, 202, 400)


@pytest.mark.parametrize("channel", HTTP_CHANNELS)
@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=60))
def test_any_bytes_are_answered(channel: str, body: bytes) -> None:
    module, secret = HTTP_CHANNELS[channel][0], secret_of(channel)
    if channel.startswith("twilio"):
        request = request_of(channel, {}, body=body)
    elif channel == "segment":
        request = request_of(channel, {"type": "track"}, body=body)
    else:
        request = request_of(channel, body)
    queue = FakeQueue()
    response = ingest(module, request, FakeSecrets(secret), queue, FakeLog())  # type: ignore[arg-type]
    assert response.status in (200, 202, 400, 401)


@pytest.mark.parametrize("name", ["delivery", "bounce", "complaint", "open", "click"])
@FUZZ
@given(data=st.data())
def test_sending_events_never_stumble(name: str, data: st.DataObject) -> None:
    payload = data.draw(mutated(sample("ses_events", name)))
    try:
        found = ses_events.parse(payload, RECEIVED_AT)
    except (InvalidPayload, InvalidInteraction):
        return
    for item in found:
        parse_interaction(json.loads(dump(item.to_dict())), received_at=RECEIVED_AT)


@pytest.mark.parametrize("name", sorted(p.stem for p in (EVENTS / "channels/eum_sms").glob("*")))
@FUZZ
@given(data=st.data())
def test_texts_and_their_events_never_stumble(name: str, data: st.DataObject) -> None:
    payload = data.draw(mutated(sample("eum_sms", name)))
    try:
        found = eum_sms.parse(payload, RECEIVED_AT)
    except (InvalidPayload, InvalidInteraction):
        return
    for item in found:
        parse_interaction(json.loads(dump(item.to_dict())), received_at=RECEIVED_AT)


@FUZZ
@given(data=st.data())
def test_mail_never_stumbles(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["complaint", "unauthenticated", "bounce"]))
    notification = data.draw(mutated(sample("email", name)))
    raw = bytearray((EVENTS / "channels" / "email" / f"{name}.eml").read_bytes())
    for _ in range(data.draw(st.integers(0, 12))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        if not raw:
            break
    try:
        found = ses_inbound.parse(notification, bytes(raw), RECEIVED_AT)
    except (InvalidPayload, InvalidInteraction):
        return
    for item in found:
        parse_interaction(json.loads(dump(item.to_dict())), received_at=RECEIVED_AT)
