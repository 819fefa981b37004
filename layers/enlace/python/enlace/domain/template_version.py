"""One version of a template: all languages together, and what may be said of it without them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from enlace.domain.template_source import (
    LANGUAGES,
    Source,
    Variable,
    is_name,
    parse_source,
    purposes_of,
)
from enlace.errors import InvalidPayload

#: Versions that ship with the code begin with it.
SHIPPED = "shipped-"

MARKETING = "marketing"

_VERSION = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}\Z")


def is_version(text: str) -> bool:
    """Whether it may be the name of a version, and part of a key."""
    return bool(_VERSION.match(text))


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """What is known of a version; never changes.

    Parameters
    ----------
    purposes : tuple of str
        What a message of it may be sent for, and nothing else.
    languages : mapping
        Parts by language.
    saved_at, saved_by : str
        "" for what ships.
    """

    name: str
    version: str
    purposes: tuple[str, ...]
    variables: Mapping[str, Variable]
    languages: Mapping[str, tuple[str, ...]]
    saved_at: str = ""
    saved_by: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)


def from_dict(body: Mapping[str, Any]) -> TemplateVersion:
    """What :meth:`TemplateVersion.to_dict` gave.

    Raises
    ------
    InvalidPayload
        If it is anything else.
    """
    try:
        return TemplateVersion(
            name=body["name"],
            version=body["version"],
            purposes=tuple(body["purposes"]),
            variables={name: Variable(**v) for name, v in body["variables"].items()},
            languages={name: tuple(parts) for name, parts in body["languages"].items()},
            saved_at=body["saved_at"],
            saved_by=body["saved_by"],
        )
    except (KeyError, TypeError, AttributeError):
        raise InvalidPayload("a template's description cannot be read") from None


def version_from(
    name: str, version: str, texts: Mapping[str, str], purposes: tuple[str, ...] = ()
) -> TemplateVersion:
    """The description of a version, from its files.

    Parameters
    ----------
    texts : mapping
        Files by language.
    purposes : tuple of str
        For files whose header says nothing about them.

    Raises
    ------
    InvalidPayload
        If a file is malformed, the languages differ in what they declare, or nothing says
        what it is for.
    """
    if not is_name(name):
        raise InvalidPayload("a template's name is a word of small letters, such as newsletter")
    if not texts or not set(texts) <= set(LANGUAGES):
        raise InvalidPayload(f"languages: some of {', '.join(LANGUAGES)}")
    sources: dict[str, Source] = {}
    for language, text in texts.items():
        try:
            sources[language] = parse_source(text)
        except InvalidPayload as error:
            raise InvalidPayload(f"{language}: {error}") from None
    stated = {source.purposes for source in sources.values() if source.purposes}
    if purposes:
        stated.add(purposes_of(list(purposes)))
    if len(stated) != 1:
        raise InvalidPayload("purposes: must be said, and the same everywhere")
    (agreed,) = stated
    if MARKETING in agreed and len(agreed) > 1:
        # Else what the company may write without asking would carry what it may not.
        raise InvalidPayload("purposes: marketing goes with no other")
    kinds = [
        {n: (v.type, v.optional) for n, v in source.variables.items()}
        for source in sources.values()
    ]
    if any(kind != kinds[0] for kind in kinds):
        raise InvalidPayload("the languages declare different variables")
    return TemplateVersion(
        name,
        version,
        agreed,
        next(iter(sources.values())).variables,
        {language: tuple(sources[language].parts) for language in LANGUAGES if language in sources},
    )
