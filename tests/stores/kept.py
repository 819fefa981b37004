"""The items of moto's tables as they were: a scene is set up once, however often it is played."""

from __future__ import annotations

import copy
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends


def _tables() -> list[Any]:
    backends = dynamodb_backends[DEFAULT_ACCOUNT_ID].values()
    return [table for backend in list(backends) for table in backend.tables.values()]


class Kept:
    """All items of all tables, to be put back; tables made since then stay as they are."""

    def __init__(self) -> None:
        self._items = [(table, copy.deepcopy(table.items)) for table in _tables()]

    def put_back(self) -> None:
        """As when they were kept."""
        for table, items in self._items:
            table.items = copy.deepcopy(items)
