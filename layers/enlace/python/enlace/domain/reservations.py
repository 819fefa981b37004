"""How many messages a person gets, on all channels together.

A reservation is made before the message is handed to a sender, and says where it goes:
whoever looks at the same message again finds that choice, and not another one.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NamedTuple

from enlace.domain.delivery import Choice
from enlace.domain.message_policy import Cap

#: As long as a command may lie in a queue, however short the caps look back.
_KEPT_HOURS = 8 * 24


class Reservation(NamedTuple):
    """One attempt that counts for caps; ``at`` in Unix seconds."""

    message_id: str
    at: int
    choice: Choice


def reserved(
    known: Collection[Reservation],
    mine: Reservation,
    *,
    caps: Collection[Cap],
    counted: Collection[tuple[str, int]],
) -> str | None:
    """The text of the reservations with one more; None where a cap is reached.

    A further attempt at a message that counts already is no further message.

    Parameters
    ----------
    counted : collection of (message id, Unix seconds)
        What the person's addresses got, as their own items tell it; a merge brings together
        what was reserved apart.
    """
    messages = dict(counted)
    for one in known:
        messages[one.message_id] = max(one.at, messages.get(one.message_id, one.at))
    if mine.message_id not in messages:
        for cap in caps:
            since = mine.at - cap.hours * 3600
            if sum(at > since for at in messages.values()) >= cap.most:
                return None
    hours = max((cap.hours for cap in caps), default=0)
    oldest = mine.at - max(hours, _KEPT_HOURS) * 3600
    kept = [one for one in known if one.at > oldest]
    return json.dumps(
        [[one.message_id, one.at, *one.choice] for one in (*kept, mine)], separators=(",", ":")
    )


def load(text: str) -> list[Reservation]:
    """The inverse of the text; "" for none."""
    return [
        Reservation(message_id, at, Choice(*choice))
        for message_id, at, *choice in json.loads(text or "[]")
    ]


def choice_of(known: Collection[Reservation], message_id: str, attempt: int) -> Choice | None:
    """Where an attempt goes, if it is reserved."""
    for one in known:
        if one.message_id == message_id and one.choice.attempt == attempt:
            return one.choice
    return None
