"""Bodies of the routes about templates as pydantic models; see :mod:`enlace.api.models`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from enlace.api.models import Answer
from enlace.contracts.types import Contract, Text, Time

Language = Literal["pt-BR", "es", "en"]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Count = Annotated[int, Field(ge=0)]
SourceText = Annotated[Text, Field(min_length=1, max_length=65_536, pattern=r"\S")]


class TemplateRequest(Contract):
    """A template in all its languages."""

    languages: Annotated[dict[Language, SourceText], Field(min_length=1)]
    """The files, as `docs/templates.md` has them."""
    purposes: list[Word] = Field(default_factory=list)
    """What messages of it may be sent for; unless the files say so. `marketing` goes with no
    other, and any other needs the role `admin`."""
    activate: bool = True
    """Put it in force; else it is only kept."""


class TemplateActivation(Contract):
    """Which version to put in force."""

    version: Annotated[Text, Field(min_length=1, max_length=64, pattern=r"\S")]


class TemplatePreviewRequest(Contract):
    """What to render; nothing is kept."""

    language: Annotated[Text, Field(min_length=1, max_length=16, pattern=r"\S")] | None = None
    data: dict[str, Any] | None = None
    """The variables; left out, the examples."""
    version: Annotated[Text, Field(min_length=1, max_length=64, pattern=r"\S")] | None = None
    """Left out, the one in force."""
    source: SourceText | None = None
    """A file that is not saved, to be rendered instead."""


class TemplateVariable(Answer):
    """A declared variable."""

    type: Literal["text", "integer", "url", "money", "list"]
    """`money` is `amount_minor` and `currency` in a message's data."""
    example: str | int | list[str]
    optional: bool


class SmsCount(Answer):
    """What the short text takes."""

    encoding: Literal["GSM-7", "UCS-2"]
    segments: Annotated[int, Field(ge=1)]
    """Each is billed."""
    characters: Count
    outside_gsm: str
    """The characters that make it UCS-2."""


class RenderedTemplate(Answer):
    """A template filled, in one language."""

    language: Language
    parts: dict[str, str]
    sms: SmsCount
    warnings: list[str]


class TemplatePreview(RenderedTemplate):
    """What a message would say."""

    id: str
    asked_language: str | None
    """`language` is another where the template is not in it: Portuguese, else any."""


class TemplateSaved(Answer):
    """What was saved."""

    id: str
    version: str
    """Made of the content: the same content is the same version."""
    active: bool
    purposes: list[str]
    variables: dict[str, TemplateVariable]
    warnings: list[str]
    languages: dict[Language, RenderedTemplate]
    """Rendered with the examples."""


class TemplateSummary(Answer):
    """A template."""

    id: str
    version: str | None
    """In force; null for one that was only kept."""
    shipped: bool
    versions: list[str]
    purposes: list[str]
    languages: dict[Language, list[str]]
    """The parts by language."""
    variables: dict[str, TemplateVariable]


class TemplateDetail(TemplateSummary):
    """A template with its files."""

    shown_version: str | None
    """Whose purposes, languages, variables and files these are."""
    saved_at: Time | None
    saved_by: str | None
    sources: dict[Language, str]


class TemplatePage(Answer):
    """Templates by name."""

    items: list[TemplateSummary]
    next_cursor: str | None
