"""The routes of messages."""

from __future__ import annotations

from enlace.api import message_models
from enlace.api.messages import EVERYBODY
from enlace.api.operation import Operation

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same request is one message; with another, 422. "
    "Without a key every request is a message of its own.",
    "schema": {"type": "string", "maxLength": 256},
}

OPERATIONS = {
    "POST /v1/messages": Operation(
        "Ask for a message to one person; who gets it, on which channel, when, or nobody, is "
        "decided next, and told by `GET /v1/messages/{id}`.",
        EVERYBODY,
        202,
        message_models.MessageAccepted,
        message_models.MessageRequest,
        (400, 404, 413, 422, 503),
        parameters=(_IDEMPOTENCY_KEY,),
    ),
    "GET /v1/messages/{id}": Operation(
        "What became of a message, and why.",
        EVERYBODY,
        200,
        message_models.Message,
        None,
        (404, 503),
    ),
}
