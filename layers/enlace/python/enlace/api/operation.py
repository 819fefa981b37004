"""How a route of the API is described, and what several routes share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Operation:
    """How a route is described."""

    summary: str
    roles: frozenset[str]
    status: int
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    problems: tuple[int, ...] = ()
    listed: bool = False
    #: A further status that is no problem, with the same answer, and what it says.
    otherwise: tuple[int, str] | None = None
    parameters: tuple[dict[str, Any], ...] = ()


def query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """A parameter in the query."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def paging(what: str, maximum: int, default: int) -> tuple[dict[str, Any], ...]:
    """The parameters of a list that comes in pages of ``what``."""
    return (
        query(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": maximum, "default": default},
            f"{what} on the page.",
        ),
        query("cursor", {"type": "string"}, "`next_cursor` of the page before."),
    )
