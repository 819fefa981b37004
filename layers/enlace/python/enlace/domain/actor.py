"""Who reported an interaction: the customer, an agent of the company, or a system.

Channels that know it say so in the interaction's ``data``: ``actor`` (``subject``,
``agent``, ``import``, ``provider``, ``system``, the words of consents too) and
``agent``, the id of the person at the company. Others leave it to be read from what
every interaction carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CUSTOMER, AGENT, SYSTEM = "customer", "agent", "system"

_WORDS = {
    "subject": CUSTOMER,
    "customer": CUSTOMER,
    "agent": AGENT,
    "operator": AGENT,
    "import": SYSTEM,
    "provider": SYSTEM,
    "system": SYSTEM,
}
_MAX_ID = 128


@dataclass(frozen=True, slots=True)
class Actor:
    """Who it was.

    Parameters
    ----------
    kind : str
        ``customer`` (whoever was at the other end of the contact point, which its
        level says how surely is its owner), ``agent`` or ``system``.
    id : str or None
        The agent's id, where the channel gave one.
    """

    kind: str
    id: str | None = None


def actor_of(body: Mapping[str, Any]) -> Actor:
    """Who reported an interaction.

    Parameters
    ----------
    body : mapping
        As the timeline keeps it.
    """
    data, conversation = body.get("data") or {}, body.get("conversation") or {}
    ids = (data.get("agent"), data.get("operator"), conversation.get("agent"))
    agent = next((id_[:_MAX_ID] for id_ in ids if isinstance(id_, str) and id_.strip()), None)
    word = data.get("actor")
    kind = _WORDS.get(word) if isinstance(word, str) else None
    if kind is None and agent:
        kind = AGENT
    if kind is None:
        own = body.get("direction") == "outbound" or body["contact_point"]["level"] == "imported"
        kind = SYSTEM if own else CUSTOMER
    return Actor(kind, agent if kind == AGENT else None)
