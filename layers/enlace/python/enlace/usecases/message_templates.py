"""The texts of outgoing messages, one file per template and language.

A file has the parts ``[subject]``, ``[text]``, ``[html]`` and ``[sms]`` with
``$variables``. Rendering is strict: a variable that is missing, or that the
template does not know, is an error and not an odd message to a customer.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from enlace.domain.money import format_money
from enlace.domain.outgoing import Content
from enlace.errors import InvalidPayload

LANGUAGES = ("pt-BR", "es", "en")
DEFAULT_LANGUAGE = "pt-BR"
PARTS = ("subject", "text", "html", "sms")

_FOLDER = Path(__file__).parent.parent / "templates"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_HEADING = re.compile(r"^\[(subject|text|html|sms)\]\n", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_MAX_VALUE_LENGTH = 2000


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
    """Templates read from a folder, each once.

    Parameters
    ----------
    folder : Path
        ``<template>/<language>.txt`` below it.
    """

    def __init__(self, folder: Path = _FOLDER):
        self._folder = folder
        self._parts: dict[tuple[str, str], dict[str, Template]] = {}

    def render(self, template: str, language: str, data: Mapping[str, Any]) -> Content:
        """Fill a template.

        Parameters
        ----------
        template, language : str
        data : mapping
            Text or whole numbers by variable. ``amount_minor`` and ``currency``
            together give ``$total``. Values go into HTML escaped, and everywhere
            without control characters, so that none can start a header or a tag.

        Raises
        ------
        InvalidPayload
            If there is no such template or language, or the variables are not
            exactly those of the template; names them, never their values.
        """
        parts = self._load(template, language)
        values = _values(data, language)
        wanted = {name for part in parts.values() for name in part.get_identifiers()}
        if wanted != values.keys():
            missing, extra = sorted(wanted - values.keys()), sorted(values.keys() - wanted)
            raise InvalidPayload(f"template {template}: missing {missing}, unknown {extra}")
        escaped = {name: html.escape(value) for name, value in values.items()}
        return Content(
            {
                name: part.substitute(escaped if name == "html" else values)
                for name, part in parts.items()
            }
        )

    def _load(self, template: str, language: str) -> dict[str, Template]:
        known = self._parts.get((template, language))
        if known is not None:
            return known
        # The name comes with an event, and must not choose a path.
        if not _NAME.match(template) or language not in LANGUAGES:
            raise InvalidPayload("no such template or language")
        try:
            text = (self._folder / template / f"{language}.txt").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InvalidPayload(f"template {template}: not in {language}") from None
        pieces = _HEADING.split(text)[1:]
        parts = {
            name: Template(body.strip())
            for name, body in zip(pieces[::2], pieces[1::2], strict=True)
        }
        if tuple(parts) != PARTS or not all(part.is_valid() for part in parts.values()):
            raise InvalidPayload(f"template {template} in {language}: malformed file")
        self._parts[template, language] = parts
        return parts


def _values(data: Mapping[str, Any], language: str) -> dict[str, str]:
    fields = dict(data)
    if "amount_minor" in fields or "currency" in fields:
        amount, currency = fields.pop("amount_minor", None), fields.pop("currency", None)
        if type(amount) is not int or not isinstance(currency, str):
            raise InvalidPayload("amount_minor and currency must come together")
        fields["total"] = format_money(amount, currency, language)
    values = {}
    for name, value in fields.items():
        if type(value) is not int and not isinstance(value, str):
            raise InvalidPayload(f"variable {name}: must be text or a whole number")
        # A lone surrogate is valid JSON, and no provider's UTF-8.
        text = str(value).encode("utf-8", "replace").decode()
        values[name] = _CONTROL.sub(" ", text).strip()[:_MAX_VALUE_LENGTH]
    return values
