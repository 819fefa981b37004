"""Service contacts: what a contact is about, where its channel says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
