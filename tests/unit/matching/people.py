"""Features of invented people, as their records would hold them."""

from __future__ import annotations

import json
from typing import Any

from enlace.matching.features import Features, features_of


def traits(**values: Any) -> dict[str, dict[str, list[str]]]:
    """Traits as a record keeps them, each said once."""
    return {
        name: {json.dumps(value, sort_keys=True): ["2026-11-20", "0", "import"]}
        for name, value in values.items()
    }


def person(kind: str = "record:crm", value: str = "1", **values: Any) -> Features:
    """What a contact point with these traits says."""
    return features_of(kind, value, traits(**values))
