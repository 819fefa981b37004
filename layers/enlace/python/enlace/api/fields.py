"""Reads request bodies: few fields, checked here; their schema is in enlace.api.models.

pydantic would do it too, at 0.45 of the CPU of ``import boto3`` at each cold start,
so it stays with the OpenAPI document; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl

from enlace.domain.interaction import Identifier, parse_identifier
from enlace.errors import InvalidPayload


def object_of(body: Any) -> Mapping[str, Any]:
    """A JSON object.

    Raises
    ------
    InvalidPayload
        If the body is anything else.
    """
    if not isinstance(body, dict):
        raise InvalidPayload("the body must be an object")
    return body


def identifier_of(body: Mapping[str, Any], name: str) -> Identifier:
    """The identifier ``{"kind", "value"}`` in a field.

    Raises
    ------
    InvalidInteraction
        If it is none.
    """
    return parse_identifier(body.get(name), name)


def one_of(body: Mapping[str, Any], name: str, values: Collection[str], default: str = "") -> str:
    """A field that takes one of a few words.

    Raises
    ------
    InvalidPayload
        If it holds anything else, or nothing where there is no default.
    """
    value = body.get(name, default)
    if not isinstance(value, str) or value not in values:
        raise InvalidPayload(f"{name}: must be one of {', '.join(sorted(values))}")
    return value


def text_of(body: Mapping[str, Any], name: str, max_length: int) -> str:
    """A text that is not blank.

    Raises
    ------
    InvalidPayload
        If it is blank, too long, or not valid Unicode.
    """
    value = body.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > max_length:
        raise InvalidPayload(f"{name}: must be text of 1 to {max_length} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidPayload(f"{name}: must be valid Unicode text") from None
    return value


def flag_of(body: Mapping[str, Any], name: str) -> bool:
    """A field that is true, false or absent.

    Raises
    ------
    InvalidPayload
        If it holds anything else.
    """
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise InvalidPayload(f"{name}: must be true or false")
    return value


def query_of(raw: str, names: Collection[str]) -> dict[str, str]:
    """The query's parameters, each at most once.

    Parameters
    ----------
    raw : str
        The raw query string.
    names : collection of str
        The parameters that the route has; an unknown one is a mistake that would
        otherwise go unnoticed as a filter that filters nothing.

    Raises
    ------
    InvalidPayload
        If it is not UTF-8, or has an unknown or repeated parameter.
    """
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise InvalidPayload("the query cannot be read") from None
    query = dict(pairs)
    if len(query) < len(pairs):
        raise InvalidPayload("a query parameter stands twice")
    if not set(query) <= set(names):
        raise InvalidPayload(f"query parameters are {', '.join(sorted(names))}")
    return query
