"""From a vendor's request to the queue: the one flow that all webhooks share.

It knows neither AWS nor a vendor. A channel is anything with the members of
:class:`Channel` (in practice, a module); secrets and the queue are ports.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from enlace.domain.http import Rejected, Request, Response
from enlace.domain.interaction import Interaction
from enlace.errors import (
    InvalidPayload,
    InvalidSignature,
    Misconfigured,
    PayloadTooLarge,
    TemporaryFailure,
)

#: A timeline item must fit DynamoDB's 400 KB, with room for what is recorded beside it.
MAX_INTERACTION_BYTES = 240 * 1024

_MAX_REASONS = 20


class Channel(Protocol):
    """What a channel module offers; ``reply(request, accepted, rejected)`` is optional."""

    @property
    def NAME(self) -> str: ...

    @property
    def MAX_BODY_BYTES(self) -> int: ...

    def handshake(self, request: Request, secret: Mapping[str, Any]) -> Response | None: ...

    def verify(self, request: Request, secret: Mapping[str, Any]) -> None: ...

    def parse(
        self, request: Request, secret: Mapping[str, Any]
    ) -> list[Interaction | Rejected]: ...


class Secrets(Protocol):
    """The channel's secret."""

    def get(self) -> Mapping[str, Any]:
        """The secret, as a rule from memory."""

    def refetch(self) -> Mapping[str, Any] | None:
        """The secret from its store, or None if that was asked a moment ago."""


class Queue(Protocol):
    """Where interactions go, and where unusable items go."""

    def send(self, bodies: Sequence[str]) -> None:
        """Queue interactions, each given as JSON; durable on return."""

    def send_rejected(self, rejected: Sequence[tuple[str, str]], channel: str) -> None:
        """Put ``(reason, raw JSON)`` into the dead-letter queue; durable on return."""


Log = Callable[..., None]


def ingest(
    channel: Channel, request: Request, secrets: Secrets, queue: Queue, log: Log
) -> Response:
    """Verify, parse and queue one request.

    Parameters
    ----------
    log : callable
        ``log(level, message, **fields)``; gets ids, counts and reasons only.

    Returns
    -------
    Response
        413 oversize, 403 failed handshake, 401 not the vendor's signature, 400
        unusable, 503 if a service or a setting fails (so that the vendor sends
        again), else what the vendor expects. Bad input never raises.
    """
    if len(request.body) > channel.MAX_BODY_BYTES:
        log("warning", "body too large", size_bytes=len(request.body))
        return problem(413, "the body is too large")
    try:
        answer, secret = _authenticate(channel, request, secrets)
        if answer is not None:
            return answer
        return _accept(channel, request, secret, queue, log)
    except InvalidSignature as error:
        log("warning", "signature refused", reason=str(error))
        # Only handshakes are GET; vendors' own examples answer 403 to a wrong token.
        return problem(403 if request.method == "GET" else 401, str(error))
    except PayloadTooLarge as error:
        log("warning", "body too large", reason=str(error))
        return problem(413, str(error))
    except InvalidPayload as error:
        log("warning", "payload refused", reason=str(error))
        return problem(400, str(error))
    except (TemporaryFailure, Misconfigured) as error:
        log("error", "not accepted", reason=str(error))
        return problem(503, "try again later")


def _authenticate(
    channel: Channel, request: Request, secrets: Secrets
) -> tuple[Response | None, Mapping[str, Any]]:
    """Handshake or verify with the secret at hand; if it does not fit, with a fresh one."""
    secret = secrets.get()
    try:
        return _challenge(channel, request, secret), secret
    except InvalidSignature:
        fresh = secrets.refetch()
        if fresh is None or fresh == secret:
            raise
        return _challenge(channel, request, fresh), fresh


def _challenge(channel: Channel, request: Request, secret: Mapping[str, Any]) -> Response | None:
    answer = channel.handshake(request, secret)
    if answer is None:
        channel.verify(request, secret)
    return answer


def _accept(
    channel: Channel, request: Request, secret: Mapping[str, Any], queue: Queue, log: Log
) -> Response:
    bodies: list[str] = []
    rejected: list[tuple[str, str]] = []
    for item in channel.parse(request, secret):
        if isinstance(item, Interaction):
            try:
                body = dump(item.to_dict())
            except (ValueError, RecursionError):
                rejected.append(("cannot be written as JSON", "null"))
                continue
            if len(body) <= MAX_INTERACTION_BYTES:
                bodies.append(body)
                continue
            item = Rejected("the interaction is too large", item.to_dict())
        rejected.append((item.reason, _raw(item.raw)))
    if rejected:
        log("warning", "items rejected", count=len(rejected), reason=rejected[0][0])
        if not bodies:
            # Its sender is told, and has it still. Kept here, every retry would add a copy, and
            # whoever reads a write key in a page could fill the dead-letter queue.
            reasons = sorted({reason for reason, _ in rejected})[:_MAX_REASONS]
            return problem(400, "; ".join(reasons))
    if bodies:
        queue.send(bodies)
    if rejected:
        queue.send_rejected(rejected, channel.NAME)
    reply = getattr(channel, "reply", None)
    if reply is None:
        return Response(200)
    answer: Response = reply(request, len(bodies), len(rejected))
    return answer


def dump(body: Any) -> str:
    """Compact ASCII JSON: a lone surrogate stays an escape, which every queue takes.

    Raises
    ------
    ValueError
        If it holds NaN, an infinity or an integer too long to write.
    """
    return _ENCODER.encode(body)


#: What was read from JSON cannot refer to itself.
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)


def _raw(raw: Any) -> str:
    try:
        text = dump(raw)
    except (TypeError, ValueError, RecursionError):
        return '"not serialisable"'
    if len(text) <= MAX_INTERACTION_BYTES:
        return text
    return dump({"truncated": text[: MAX_INTERACTION_BYTES // 2]})


def problem(status: int, detail: str) -> Response:
    """An RFC 9457 answer; ``detail`` says which field and why, never a value."""
    body = dump({"status": status, "detail": detail})
    return Response(status, body, "application/problem+json")
