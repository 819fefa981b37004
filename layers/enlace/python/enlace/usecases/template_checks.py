"""What is wrong with a template before anybody gets it: errors refuse it, warnings are told."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from enlace.domain.opt_out import Reply, read_reply
from enlace.domain.outgoing import Content, Links
from enlace.domain.sms_text import count_segments, outside_gsm
from enlace.domain.template_source import GIVEN, LANGUAGES, Source, parse_source
from enlace.domain.template_version import MARKETING, TemplateVersion, version_from
from enlace.errors import InvalidPayload
from enlace.usecases.template_engine import CompiledTemplate
from enlace.usecases.template_values import values_of

#: What previews and checks are rendered with.
SAMPLE_LINKS = Links(
    "https://example.com/unsubscribe/sample", "https://example.com/preferences/sample"
)
SAMPLE_CONFIRM = "https://example.com/confirm/sample"

_LOUD = re.compile(r"\b[A-ZÀ-Ú]{2,20}\b")


@dataclass(frozen=True, slots=True)
class Preview:
    """A template rendered in one language."""

    language: str
    parts: Mapping[str, str]
    warnings: tuple[str, ...]

    @property
    def sms(self) -> dict[str, Any]:
        """What the short text takes."""
        text = Content(self.parts).sms
        encoding, segments = count_segments(text)
        return {
            "encoding": encoding,
            "segments": segments,
            "characters": len(text),
            "outside_gsm": outside_gsm(text),
        }


@dataclass(frozen=True, slots=True)
class Checked:
    """A version that may be saved."""

    version: TemplateVersion
    texts: Mapping[str, str]
    previews: tuple[Preview, ...]
    warnings: tuple[str, ...]


def check_template(name: str, texts: Mapping[str, str], purposes: tuple[str, ...] = ()) -> Checked:
    """Check all languages of a template.

    Parameters
    ----------
    texts : mapping
        Files by language.
    purposes : tuple of str
        For files whose header says nothing about them.

    Raises
    ------
    InvalidPayload
        If a message could not, or must not, be made of it; says which language and part.
    """
    known = version_from(name, _version(texts, purposes), texts, purposes)
    marketing = MARKETING in known.purposes
    previews = []
    warnings = [f"not in {language}" for language in LANGUAGES if language not in texts]
    for language in known.languages:
        source = parse_source(texts[language])
        try:
            preview = preview_of(known, source, language, source.example_data, marketing=marketing)
            if marketing:
                _must_let_go(preview.parts)
        except InvalidPayload as error:
            raise InvalidPayload(f"{language}: {error}") from None
        previews.append(preview)
        warnings += [f"{language}: {warning}" for warning in preview.warnings]
    all_parts = {part for parts in known.languages.values() for part in parts}
    for language, parts in known.languages.items():
        if absent := sorted(all_parts - set(parts)):
            warnings.append(f"{language}: has no [{'], ['.join(absent)}], other languages have")
    return Checked(known, texts, tuple(previews), tuple(warnings))


def preview_of(
    known: TemplateVersion,
    source: Source,
    language: str,
    data: Mapping[str, Any],
    *,
    marketing: bool,
) -> Preview:
    """Render a file with data and sample links.

    Raises
    ------
    InvalidPayload
        If it cannot be rendered.
    """
    compiled = CompiledTemplate(source)
    used = {name for names in compiled.uses.values() for name in names}
    if undeclared := sorted(used - set(source.variables) - set(GIVEN)):
        raise InvalidPayload(f"used and not declared: {', '.join(undeclared)}")
    given = (SAMPLE_LINKS.unsubscribe, SAMPLE_LINKS.preferences, SAMPLE_CONFIRM)
    values = values_of(known, data, language) | dict(zip(GIVEN, given, strict=True))
    parts = {name: text for name, text in compiled.render(values).items() if text}
    if "text" not in parts:
        raise InvalidPayload("[text]: is empty")
    # A second time with whatever may be left out left out: it must not fail at a customer's.
    least = {name: v for name, v in data.items() if not _optional(source, name)}
    compiled.render(values_of(known, least, language) | dict.fromkeys(GIVEN, ""))
    wanted = {name for name, variable in source.variables.items() if not variable.optional}
    unused = sorted(wanted - used)
    warnings = [f"{name} is declared and not used" for name in unused]
    return Preview(language, parts, (*warnings, *_remarks(parts, marketing)))


def _optional(source: Source, name: str) -> bool:
    variable = source.variables.get("total" if name in ("amount_minor", "currency") else name)
    return variable is not None and variable.optional


def _must_let_go(parts: Mapping[str, str]) -> None:
    # Plain text is what every channel without a part of its own gets.
    for name in ("text", "html"):
        if name in parts and SAMPLE_LINKS.unsubscribe not in parts[name]:
            raise InvalidPayload(f"[{name}]: marketing has {{{{ unsubscribe_url }}}} in it")


def _remarks(parts: Mapping[str, str], marketing: bool) -> list[str]:
    remarks = []
    if "subject" not in parts:
        remarks.append("no [subject], which e-mail has")
    if "sms" not in parts:
        remarks.append("no [sms]: by SMS the plain text goes out")
    text = Content(parts).sms
    encoding, segments = count_segments(text)
    if encoding != "GSM-7":
        strange = " ".join(outside_gsm(text))
        remarks.append(f"[sms]: {strange} leave 70 characters a segment instead of 160")
    if segments > 1:
        remarks.append(f"[sms]: {segments} segments with the examples, each is billed")
    if marketing and not any(read_reply(word) == Reply.STOP for word in _LOUD.findall(text)):
        remarks.append("[sms]: names no word to answer with, such as SAIR, SALIR or STOP")
    return remarks


def _version(texts: Mapping[str, str], purposes: tuple[str, ...]) -> str:
    # The same content is the same version, so that saving it twice saves it once.
    body = json.dumps([dict(texts), sorted(set(purposes))], sort_keys=True)
    return f"v-{hashlib.sha256(body.encode()).hexdigest()[:12]}"
