"""Service contacts: what a contact is about, where its channel says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from enlace.domain.protocol import find_protocols, normalise_protocol

NATURES = ("praise", "information", "complaint", "suggestion")


def nature_of(data: Mapping[str, Any]) -> str | None:
    """The nature of a contact from its interaction's ``data``.

    Returns
    -------
    str or None
        One of :data:`NATURES`; None where it is absent or another system's word,
        which stays on the timeline but decides nothing.
    """
    nature = data.get("nature")
    return nature if isinstance(nature, str) and nature in NATURES else None


def is_request(data: Mapping[str, Any]) -> bool:
    """Whether the channel, a classifier or an agent marked a contact as wanting something."""
    return data.get("request") is True


def protocols_in(conversation: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """The protocol numbers that a contact names: the conversation's own, then subject and text.

    Possible numbers of ours, at most a handful; that one exists, and whose it is,
    nobody has looked up.
    """
    named = conversation.get("protocol")
    own = normalise_protocol(named) if isinstance(named, str) and len(named) <= 64 else None
    found = [own] if own else []
    for field in ("subject", "text"):
        text = data.get(field)
        if isinstance(text, str):
            found += find_protocols(text)
    return list(dict.fromkeys(found))
