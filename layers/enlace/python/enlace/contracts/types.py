"""Field types that the contracts share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from enlace.domain.interaction import parse_time
from enlace.errors import InvalidInteraction


class Contract(BaseModel):
    """Base of every contract: strict about types, tolerant of what it does not know.

    A producer that adds a field must not break a consumer that has not heard of
    it, so unknown fields are ignored rather than refused.
    """

    model_config = ConfigDict(extra="ignore", strict=True, use_attribute_docstrings=True)


def _time(value: str) -> str:
    try:
        return parse_time(value, "time")
    except InvalidInteraction as error:
        raise ValueError(error.reason) from None


def _encodable(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode text") from None
    return value


def null_for(default: Any) -> Any:
    """A type's wrapper that takes null for "absent", as senders without options do."""
    return BeforeValidator(lambda value: default() if value is None else value)


#: Lone surrogates are valid JSON, but no store keeps them. Goes after `Field`, which
#: would otherwise be left out of the JSON Schema.
ENCODABLE = AfterValidator(_encodable)

Text = Annotated[str, ENCODABLE]

#: UTC, ISO 8601 with milliseconds and ``Z``; other offsets are converted on reading.
Time = Annotated[
    str,
    AfterValidator(_time),
    Field(
        json_schema_extra={"format": "date-time"},
        examples=["2026-11-20T12:34:56.123Z"],
    ),
]

Uuid = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        json_schema_extra={"format": "uuid"},
    ),
    AfterValidator(str.lower),
]

Kind = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_]{0,31}(:[^\s#\x00-\x1f]{1,128})?$", examples=["email"]),
    ENCODABLE,
]

#: What stands for an identifier's value outside the identity table.
AddressKey = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,31}#[A-Za-z0-9_\-]{16,64}$",
        examples=["email#AAECAwQFBgcICQoLDA0ODw"],
    ),
]

CustomerId = Annotated[str, Field(pattern=r"^[a-z0-9_\-]{1,160}$")]

Id = Annotated[str, Field(min_length=1, max_length=256)]

EmptyObject = Annotated[dict[str, Any], null_for(dict)]
EmptyText = Annotated[str, Field(max_length=512), ENCODABLE, null_for(str)]
