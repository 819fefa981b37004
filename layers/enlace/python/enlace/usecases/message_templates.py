"""Outgoing messages from templates: which version is in force, and what it says.

Those that ship with the code lie in files (:mod:`enlace.usecases.shipped_templates`), those
that a company wrote in a bucket (:mod:`enlace.aws.template_store`), and one of the company's
goes before one of the same name that ships. Rendering is strict: a variable that is missing,
or that the template does not know, is an error and not an odd message to a customer.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from enlace.domain.outgoing import NO_LINKS, Content, Links
from enlace.domain.template_source import (
    DEFAULT_LANGUAGE,
    GIVEN,
    LANGUAGES,
    MONEY,
    MONEY_FIELDS,
    is_name,
    language_for,
    parse_source,
)
from enlace.domain.template_version import SHIPPED, TemplateVersion, is_version
from enlace.errors import InvalidPayload, TemporaryFailure
from enlace.usecases.shipped_templates import ShippedTemplates
from enlace.usecases.template_values import given, values_of

if TYPE_CHECKING:
    from enlace.usecases.template_engine import CompiledTemplate

K = TypeVar("K")
V = TypeVar("V")

__all__ = ["DEFAULT_LANGUAGE", "LANGUAGES", "MessageTemplates", "TemplateStore", "language_of"]

#: How long a function may go on with a version after another came into force.
TTL_SECONDS = 60
#: What could not be asked is asked again after this.
RETRY_SECONDS = 5

#: Versions of templates that one instance keeps compiled; far more than a company uses at a time.
_MAX_KEPT = 200


class TemplateStore(Protocol):
    """Where templates are."""

    def active(self, name: str) -> str:
        """The version in force; "" if it has no template of that name.

        Raises
        ------
        TemporaryFailure
            If it does not answer.
        """

    def describe(self, name: str, version: str) -> TemplateVersion | None:
        """What is known of a version; None where there is none. Raises as above."""

    def source(self, name: str, version: str, language: str) -> str | None:
        """The file in one language; None where there is none. Raises as above."""


def language_of(traits: Mapping[str, Any]) -> str:
    """The language to write in, from ``traits.language`` or ``traits.locale``.

    Parameters
    ----------
    traits : mapping
        ``pt``, ``pt_BR``, ``es-MX`` … in either; anything else means Portuguese.
    """
    for name in ("language", "locale"):
        value = traits.get(name)
        if isinstance(value, str):
            primary = re.split(r"[-_]", value.strip().lower(), maxsplit=1)[0]
            for language in LANGUAGES:
                if language.split("-")[0] == primary:
                    return language
    return DEFAULT_LANGUAGE


class MessageTemplates:
    """Templates of a company and those that ship, each version read and compiled once.

    Parameters
    ----------
    stored : TemplateStore, optional
        The company's own.
    shipped : TemplateStore, optional
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        stored: TemplateStore | None = None,
        *,
        shipped: TemplateStore | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._stored = stored
        self._shipped = shipped or ShippedTemplates()
        self._clock = clock
        self._active: dict[str, tuple[str, float]] = {}
        self._described: dict[tuple[str, str], TemplateVersion] = {}
        self._compiled: dict[tuple[str, str, str], CompiledTemplate] = {}

    def current(self, name: str) -> str:
        """The version in force, at most a minute late while the store answers.

        A message keeps the one it was accepted with, so that what was checked is what is sent.

        Raises
        ------
        InvalidPayload
            If there is no such template.
        TemporaryFailure
            If the store does not answer, and never told.
        """
        # The name comes from outside, and must not choose a path or a key.
        if not is_name(name):
            raise InvalidPayload("no such template")
        version, read_again_at = self._active.get(name, ("", 0.0))
        now = self._clock()
        if not version or now >= read_again_at:
            try:
                version = self._newest(name)
                read_again_at = now + TTL_SECONDS
            except TemporaryFailure:
                if not version:
                    raise
                # What was in force a minute ago is a text that somebody released.
                read_again_at = now + RETRY_SECONDS
            if not version:
                raise InvalidPayload(f"no template {name}")
            _keep(self._active, name, (version, read_again_at))
        return version

    def describe(self, name: str, version: str = "") -> TemplateVersion:
        """What is known of a version, or of the one in force.

        Raises
        ------
        InvalidPayload
            If there is no such template or version.
        TemporaryFailure
            If the store does not answer.
        """
        if not is_name(name) or (version and not is_version(version)):
            raise InvalidPayload("no such template")
        version = version or self.current(name)
        known = self._described.get((name, version))
        if known is None:
            found = self._of(version).describe(name, version)
            if found is None:
                raise InvalidPayload(f"template {name}: version {version} is not there")
            known = _keep(self._described, (name, version), found)
        return known

    def purpose_of(self, name: str, version: str = "") -> frozenset[str]:
        """What a message of it may be sent for. Raises as :meth:`describe` does."""
        return frozenset(self.describe(name, version).purposes)

    def declared(self, name: str, version: str = "") -> frozenset[str]:
        """Fields that a message's data may have. Raises as :meth:`describe` does."""
        variables = self.describe(name, version).variables
        money = MONEY in variables and variables[MONEY].type == "money"
        return frozenset((*variables, *GIVEN, *(MONEY_FIELDS if money else ())))

    def language(self, name: str, asked: str, version: str = "") -> str:
        """The language that it will be in: the one asked for, else Portuguese, else any."""
        return language_for(asked, self.describe(name, version).languages)

    def check(self, name: str, language: str, data: Mapping[str, Any], version: str = "") -> None:
        """Whether a message can be made of data, without making it.

        Raises
        ------
        InvalidPayload
            If there is no such template, or the variables are not exactly those that it
            declares; names them, never their values.
        TemporaryFailure
            If the store does not answer.
        """
        known = self.describe(name, version)
        values_of(known, data, language_for(language, known.languages))

    def render(
        self,
        name: str,
        language: str,
        data: Mapping[str, Any],
        *,
        version: str = "",
        links: Links = NO_LINKS,
        extra: Mapping[str, str] | None = None,
    ) -> Content:
        """Fill a template.

        Parameters
        ----------
        name, language : str
            In a language that it is not in, Portuguese, else any.
        data : mapping
            Text, whole numbers or lists of text by variable. ``amount_minor`` and
            ``currency`` together give ``total``. Values go into HTML escaped, and everywhere
            without control characters, so that none can start a header, a line or a tag.
        version : str
            "" for the one in force.
        links : Links
            Become ``unsubscribe_url`` and ``preferences_url``.
        extra : mapping
            Further links of this message: ``confirm_url``.

        Raises
        ------
        InvalidPayload
            As :meth:`check`, or if the message becomes too long.
        TemporaryFailure
            If the store does not answer.
        """
        known = self.describe(name, version)
        language = language_for(language, known.languages)
        values = values_of(known, data, language) | given(data, links, extra or {})
        parts = self._template(known, version or known.version, language).render(values)
        if not parts["text"]:
            raise InvalidPayload(f"template {name}: the text is empty")
        # An empty part is none: a sender takes the plain text then.
        return Content({part: text for part, text in parts.items() if text})

    def _newest(self, name: str) -> str:
        own = self._stored.active(name) if self._stored else ""
        return own or self._shipped.active(name)

    def _of(self, version: str) -> TemplateStore:
        return self._shipped if version.startswith(SHIPPED) or not self._stored else self._stored

    def _template(self, known: TemplateVersion, version: str, language: str) -> CompiledTemplate:
        key = (known.name, known.version, language)
        compiled = self._compiled.get(key)
        if compiled is None:
            # Jinja2 is a tenth of `import boto3`: not for whoever only checks, or never sends.
            from enlace.usecases.template_engine import CompiledTemplate

            text = self._of(version).source(known.name, known.version, language)
            if text is None:
                raise InvalidPayload(f"template {known.name}: version {version} is not there")
            compiled = _keep(self._compiled, key, CompiledTemplate(parse_source(text)))
        return compiled


def _keep(kept: dict[K, V], key: K, value: V) -> V:
    if len(kept) >= _MAX_KEPT:
        kept.clear()
    kept[key] = value
    return value
