"""Interactions from the company's own systems: checked one by one, queued together."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

from enlace.domain.interaction import parse_interaction
from enlace.errors import InvalidInteraction, InvalidPayload
from enlace.usecases.ingest import MAX_INTERACTION_BYTES, dump

MAX_ITEMS = 500


class Queue(Protocol):
    """Where interactions go."""

    def send(self, bodies: list[str]) -> None:
        """Queue interactions, each given as JSON; durable on return."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a list of interactions.

    Parameters
    ----------
    ids : list of str
        Of those that are queued, in order.
    rejected : list of dict
        ``{"index", "reason"}`` of the others; reasons name fields, never values.
    """

    ids: list[str] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)


def accept_interactions(
    body: Any, *, received_at: str, levels: Collection[str], queue: Queue
) -> Accepted:
    """Queue the valid interactions of ``body``.

    Parameters
    ----------
    body
        One JSON object, or a list of at most :data:`MAX_ITEMS`.
    levels : collection of str
        What the caller's system may assert. A level is what disclosure rests on,
        so one that is not allowed rejects the interaction rather than being lowered
        behind the caller's back.

    Raises
    ------
    InvalidPayload
        If it is neither, or an empty list.
    TemporaryFailure
        If the queue did not take them; sending all of them again is harmless.
    """
    items = body if isinstance(body, list) else [body]
    if not items or len(items) > MAX_ITEMS:
        raise InvalidPayload(f"give one interaction, or a list of 1 to {MAX_ITEMS}")
    accepted = Accepted()
    texts: list[str] = []
    for index, item in enumerate(items):
        try:
            id_, text = _read(item, received_at, levels)
        except InvalidInteraction as error:
            accepted.rejected.append({"index": index, "reason": error.reason})
        else:
            accepted.ids.append(id_)
            texts.append(text)
    if texts:
        queue.send(texts)
    return accepted


def _read(item: Any, received_at: str, levels: Collection[str]) -> tuple[str, str]:
    interaction = parse_interaction(item, received_at=received_at)
    for identifier in (interaction.contact_point, *interaction.identifiers):
        if identifier.level not in levels:
            raise InvalidInteraction(f"level: the caller may not assert {identifier.level}")
    try:
        text = dump(interaction.to_dict())
        if "\\ud" in text:
            # Perhaps half a character, which is valid JSON and which no store keeps.
            json.dumps(interaction.to_dict(), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise InvalidInteraction("interaction: cannot be written as JSON text") from None
    if len(text) > MAX_INTERACTION_BYTES:
        raise InvalidInteraction(f"interaction: over {MAX_INTERACTION_BYTES} bytes") from None
    return interaction.id, text
