"""What the routes about decisions read: who may call them, and the body of a decision."""

from __future__ import annotations

from dataclasses import dataclass

from enlace.api.app import Call
from enlace.api.callers import ADMIN, AGENT
from enlace.api.fields import flag_of, identifier_of, object_of, one_of, text_of
from enlace.domain.interaction import Identifier

OPERATORS = frozenset({AGENT, ADMIN})
MAX_REASON = 1000


@dataclass(frozen=True, slots=True)
class AskedDecision:
    """A decision as a body asks for it."""

    decision: str
    a: Identifier
    b: Identifier
    reason: str
    verified: bool


def decision_in(call: Call) -> AskedDecision:
    """The decision that a request's body holds.

    Raises
    ------
    InvalidPayload, InvalidInteraction
        With the field and the reason.
    """
    body = object_of(call.body())
    return AskedDecision(
        one_of(body, "decision", ("same", "different")),
        identifier_of(body, "a"),
        identifier_of(body, "b"),
        text_of(body, "reason", MAX_REASON),
        flag_of(body, "verified"),
    )
