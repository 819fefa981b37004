"""The flow that all webhooks share, with fakes on both sides."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from enlace.channels import segment, twilio_sms, whatsapp
from enlace.channels.base import Request, Response
from enlace.domain.interaction import parse_interaction
from enlace.errors import Misconfigured, TemporaryFailure
from enlace.usecases.ingest import MAX_INTERACTION_BYTES, Channel, ingest
from local.sign import sample
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


def run(
    channel: Channel,
    request: Request,
    *,
    secrets: Any = None,
    queue: FakeQueue | None = None,
    log: FakeLog | None = None,
) -> tuple[Response, FakeQueue]:
    name = next(n for n, (module, _) in HTTP_CHANNELS.items() if module is channel)
    queue = queue or FakeQueue()
    response = ingest(
        channel, request, secrets or FakeSecrets(secret_of(name)), queue, log or FakeLog()
    )
    return response, queue


@pytest.mark.parametrize(("channel", "name"), SAMPLES)
def test_accepted(channel: str, name: str) -> None:
    module = HTTP_CHANNELS[channel][0]
    response, queue = run(module, request_of(channel, sample(channel, name)))  # type: ignore[arg-type]
    assert response.status == (202 if channel == "generic" else 200)
    for body in queue.bodies:
        parse_interaction(json.loads(body), received_at=RECEIVED_AT)
        assert body.isascii()
    assert queue.calls == (1 if queue.bodies else 0)


def test_oversize_is_refused_before_anything_else() -> None:
    secrets = FakeSecrets({})
    request = dataclasses.replace(
        request_of("whatsapp", {}), body=b" " * (whatsapp.MAX_BODY_BYTES + 1)
    )
    response, queue = run(whatsapp, request, secrets=secrets)
    assert (response.status, queue.calls) == (413, 0)


def test_a_bomb_is_oversize_too() -> None:
    import gzip

    request = request_of("segment", {"type": "track"})
    request = dataclasses.replace(
        request,
        body=gzip.compress(b" " * 50_000_000),
        headers={**request.headers, "content-encoding": "gzip"},
    )
    assert run(segment, request)[0].status == 413


def test_forged_401_and_nothing_queued() -> None:
    request = dataclasses.replace(request_of("whatsapp", {}), headers={})
    response, queue = run(whatsapp, request)
    assert (response.status, queue.calls) == (401, 0)
    assert response.content_type == "application/problem+json"
    assert json.loads(response.body) == {"status": 401, "detail": "no x-hub-signature-256 header"}


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b'{"object":"page","entry":[]}', b"[NaN]"])
def test_unusable_400_with_a_reason(body: bytes) -> None:
    response, queue = run(whatsapp, request_of("whatsapp", body))
    assert response.status == 400
    assert json.loads(response.body)["detail"]
    assert queue.calls == 0


def test_a_wrong_handshake_is_403_and_a_right_one_echoes() -> None:
    request = dataclasses.replace(request_of("whatsapp", {}), method="GET", body=b"")
    token = secret_of("whatsapp")["verify_token"]
    for given, status in ((token, 200), ("no", 403)):
        query = f"hub.mode=subscribe&hub.challenge=123&hub.verify_token={given}"
        assert run(whatsapp, dataclasses.replace(request, query=query))[0].status == status
    assert run(whatsapp, request)[0].status == 400


def test_a_rotated_secret_is_fetched_once() -> None:
    secrets = FakeSecrets({**secret_of("whatsapp"), "app_secret": "old"}, secret_of("whatsapp"))
    request = request_of("whatsapp", sample("whatsapp", "message_text"))
    response, queue = run(whatsapp, request, secrets=secrets)
    assert (response.status, secrets.refetches, len(queue.bodies)) == (200, 1, 1)


@pytest.mark.parametrize("fresh", [None, {"app_secret": "older", "verify_token": "v"}])
def test_a_forgery_stays_one_with_a_fresh_secret(fresh: dict[str, str] | None) -> None:
    secrets = FakeSecrets({**secret_of("whatsapp"), "app_secret": "old"}, fresh)
    request = request_of("whatsapp", sample("whatsapp", "message_text"))
    assert run(whatsapp, request, secrets=secrets)[0].status == 401


@pytest.mark.parametrize("failure", [TemporaryFailure("down"), Misconfigured("no queue")])
def test_a_failing_service_is_503_so_that_the_vendor_sends_again(failure: Exception) -> None:
    request = request_of("whatsapp", sample("whatsapp", "message_text"))
    response, _ = run(whatsapp, request, queue=FakeQueue(failure))
    assert response.status == 503

    class Broken(FakeSecrets):
        def get(self) -> Any:
            raise failure

    assert run(whatsapp, request, secrets=Broken({}))[0].status == 503
    assert run(whatsapp, request, secrets=FakeSecrets({}))[0].status == 503


def with_bad_message(*, also_good: bool) -> Any:
    payload = sample("whatsapp", "message_text")
    messages = payload["entry"][0]["changes"][0]["value"]["messages"]
    bad = {**messages[0], "timestamp": "ontem", "text": {"body": "segredo"}}
    messages[:] = [messages[0], bad] if also_good else [bad]
    return payload


def test_one_bad_item_goes_aside_and_the_others_on() -> None:
    log = FakeLog()
    request = request_of("whatsapp", with_bad_message(also_good=True))
    response, queue = run(whatsapp, request, log=log)
    assert response.status == 200
    assert len(queue.bodies) == 1
    [(reason, raw)] = queue.rejected
    assert reason == "timestamp: must be a Unix time"
    assert json.loads(raw)["text"]["body"] == "segredo"
    assert "segredo" not in "".join(log.lines) and "5511" not in "".join(log.lines)


def test_all_bad_is_400_with_the_reasons_and_nothing_is_kept() -> None:
    response, queue = run(whatsapp, request_of("whatsapp", with_bad_message(also_good=False)))
    assert response.status == 400
    assert json.loads(response.body)["detail"] == "timestamp: must be a Unix time"
    assert not queue.bodies and not queue.rejected


def test_an_interaction_that_no_table_could_hold_is_rejected() -> None:
    form = {**sample("twilio_sms", "message"), "Body": "x" * (twilio_sms.MAX_BODY_BYTES - 4096)}
    response, queue = run(twilio_sms, request_of("twilio_sms", form))
    assert len(form["Body"]) > MAX_INTERACTION_BYTES
    assert response.status == 400
    assert json.loads(response.body)["detail"] == "the interaction is too large"
    assert not queue.bodies and not queue.rejected


def test_lone_surrogates_reach_the_queue_as_escapes() -> None:
    payload = sample("whatsapp", "message_text")
    payload["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"] = "meio \ud83d"
    response, queue = run(whatsapp, request_of("whatsapp", payload))
    assert response.status == 200
    assert "\\ud83d" in queue.bodies[0]
