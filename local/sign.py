"""Signs sample payloads as their vendors would, for ``enlace send`` and the tests.

Written against the vendors' documentation and apart from the verifiers in
``enlace.channels``, so that one mistake is not made twice.

Run as ``python -m local.sign``, it writes ``events/functions/``: one complete
Lambda event per webhook function, for ``sam local invoke -e``, signed with the
sample secrets of ``events/channels/secrets.json``, which are none of anybody's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

Signed = tuple[str, str, dict[str, str], bytes]

#: When the sample events happen: 2026-11-20T13:40:00Z, after what they tell.
SAMPLE_TIME_SECONDS = 1795182000

EVENTS = Path(__file__).resolve().parent.parent / "events"

_META = ("whatsapp", "messenger", "instagram")
#: Which sample stands for a function: function -> channel and file.
_FUNCTION_SAMPLES = {
    "webhook_whatsapp": ("whatsapp", "message_text"),
    "webhook_messenger": ("messenger", "message_text"),
    "webhook_instagram": ("instagram", "message_text"),
    "webhook_x": ("x", "xaa_dm_received"),
    "webhook_twilio_sms": ("twilio_sms", "message"),
    "webhook_twilio_voice": ("twilio_voice", "completed"),
    "webhook_segment": ("segment", "batch"),
    "webhook_generic": ("generic/pos", "order_pos"),
}


def sign(
    channel: str,
    payload: Any,
    secrets: Mapping[str, Any],
    *,
    now_seconds: float | None = None,
) -> Signed:
    """A request as the vendor would send it.

    Parameters
    ----------
    channel : str
        As in ``/webhooks/<channel>``: ``whatsapp``, ``messenger``, ``instagram``,
        ``x``, ``twilio/sms`` (or ``twilio_sms``), ``twilio/voice``, ``segment``,
        ``generic`` or ``generic/<source>``.
    payload : dict, list or bytes
        The sample: an object as in ``events/channels/``, or the very bytes to
        sign. Twilio's parameters are an object of texts.
    secrets : mapping
        The channel's own secret with the vendor's names, or one object with an
        entry per channel, as ``webhook_secrets`` in ``stack.json``.
    now_seconds : float, optional
        The time to sign (Standard Webhooks); the clock's where left out.

    Returns
    -------
    tuple
        Method, path (with query), headers, body.

    Raises
    ------
    ValueError
        If nobody signs for such a channel.
    """
    root, _, rest = channel.replace("twilio_", "twilio/").partition("/")
    own = secrets.get(root)
    secret = own if isinstance(own, Mapping) else secrets
    if root == "twilio" and rest in ("sms", "voice"):
        return _twilio(f"/webhooks/twilio/{rest}", payload, secret)
    body = _bytes(payload)
    if root in _META:
        mac = hmac.new(secret["app_secret"].encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={mac}"}
        return "POST", f"/webhooks/{root}", headers, body
    if root == "x":
        raw = hmac.new(secret["consumer_secret"].encode(), body, hashlib.sha256).digest()
        signature = "sha256=" + base64.b64encode(raw).decode()
        headers = {"content-type": "application/json", "x-twitter-webhooks-signature": signature}
        return "POST", "/webhooks/x", headers, body
    if root == "segment":
        credentials = base64.b64encode(f"{secret['write_key']}:".encode()).decode()
        headers = {"content-type": "application/json", "authorization": f"Basic {credentials}"}
        return "POST", _segment_path(payload), headers, body
    if root == "generic":
        return _standard(f"/webhooks/generic/{rest or 'sample'}", body, secret, now_seconds)
    raise ValueError(f"no request is signed for the channel {channel}")


def _bytes(payload: Any) -> bytes:
    if isinstance(payload, bytes):
        return payload
    # Meta escapes what is not ASCII before it signs; so do we.
    return json.dumps(payload, separators=(",", ":")).encode()


def _twilio(path: str, payload: Any, secret: Mapping[str, Any]) -> Signed:
    parameters = payload if isinstance(payload, Mapping) else json.loads(payload)
    text = secret["public_url"].rstrip("/") + path
    text += "".join(name + parameters[name] for name in sorted(parameters))
    mac = hmac.new(secret["auth_token"].encode(), text.encode(), hashlib.sha1).digest()
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "x-twilio-signature": base64.b64encode(mac).decode(),
    }
    return "POST", path, headers, urlencode(parameters).encode()


def _segment_path(payload: Any) -> str:
    call = json.loads(payload) if isinstance(payload, bytes) else payload
    return "/v1/batch" if "batch" in call else f"/v1/{call['type']}"


def _standard(
    path: str, body: bytes, secret: Mapping[str, Any], now_seconds: float | None
) -> Signed:
    key = base64.b64decode(secret["secret"].removeprefix("whsec_"))
    seconds = str(int(time.time() if now_seconds is None else now_seconds))
    # The same body gets the same id, as a vendor's retry would.
    id_ = "msg_" + hashlib.sha256(body).hexdigest()[:24]
    raw = hmac.new(key, f"{id_}.{seconds}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": seconds,
        "webhook-signature": "v1," + base64.b64encode(raw).decode(),
    }
    return "POST", path, headers, body


def http_api_event(signed: Signed, *, time_seconds: int = SAMPLE_TIME_SECONDS) -> dict[str, Any]:
    """The request as API Gateway's HTTP API hands it to Lambda (payload format 2.0)."""
    method, target, headers, body = signed
    path, _, query = target.partition("?")
    kind = headers.get("content-type", "").partition(";")[0]
    as_text = kind.startswith("text/") or kind == "application/json"
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.10"},
            "requestId": "sample",
            "stage": "$default",
            "timeEpoch": time_seconds * 1000,
        },
        "body": body.decode() if as_text else base64.b64encode(body).decode(),
        "isBase64Encoded": not as_text,
    }
    if path.startswith("/webhooks/generic/"):
        event["routeKey"] = "POST /webhooks/generic/{source}"
        event["pathParameters"] = {"source": path.rpartition("/")[2]}
    return event


def sns_event(message: Any) -> dict[str, Any]:
    """An SNS notification as Lambda gets it."""
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": "arn:aws:sns:us-east-1:123456789012:sample:0001",
                "Sns": {
                    "Type": "Notification",
                    "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
                    "TopicArn": "arn:aws:sns:us-east-1:123456789012:sample",
                    "Timestamp": "2026-11-20T13:40:00.000Z",
                    "Message": json.dumps(message),
                },
            }
        ]
    }


def sample(channel: str, name: str) -> Any:
    """A sample payload of ``events/channels/``."""
    return json.loads((EVENTS / "channels" / channel / f"{name}.json").read_text("utf-8"))


def sample_secrets() -> dict[str, Any]:
    """The secrets that the samples are signed with."""
    secrets: dict[str, Any] = json.loads((EVENTS / "channels" / "secrets.json").read_text("utf-8"))
    return secrets


def function_events() -> dict[str, dict[str, Any]]:
    """A complete Lambda event for each webhook function, by the function's name."""
    secrets = sample_secrets()
    events = {
        function: http_api_event(
            sign(
                channel,
                sample(channel.partition("/")[0], name),
                secrets,
                now_seconds=SAMPLE_TIME_SECONDS,
            )
        )
        for function, (channel, name) in _FUNCTION_SAMPLES.items()
    }
    events["webhook_email"] = sns_event(sample("email", "complaint"))
    events["webhook_ses_events"] = sns_event(sample("ses_events", "delivery"))
    events["webhook_eum_sms"] = sns_event(sample("eum_sms", "message"))
    return events


def main() -> int:
    """Write ``events/functions/``."""
    folder = EVENTS / "functions"
    folder.mkdir(exist_ok=True)
    for function, event in function_events().items():
        text = json.dumps(event, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{function}.json").write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
