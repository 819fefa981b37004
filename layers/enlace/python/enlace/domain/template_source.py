"""The file of a message template: one per language, a header and the parts.

::

    purposes: transactional
    order_id: text = PED-2026-0001
    total: money = 123456 BRL
    coupon?: text = CAFE10
    [subject]
    Pedido {{ order_id }} confirmado
    [text]
    ...

A line of the header declares a variable, its type and an example, which previews and
checks are rendered with; ``?`` says that it may be left out (it is empty then). A line
that holds nothing but a word in brackets begins a part. Which parts there are is open, so
that a new channel needs no change here; only ``[text]`` must be there, since every channel
without a part of its own takes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from enlace.errors import InvalidPayload

LANGUAGES = ("pt-BR", "es", "en")
DEFAULT_LANGUAGE = "pt-BR"

#: Given with every message by whoever sends it, declared by nobody; "" where there is none.
GIVEN = ("unsubscribe_url", "preferences_url", "confirm_url")
#: ``money`` is ``amount_minor`` and ``currency`` in the data, one amount a message.
MONEY = "total"
MONEY_FIELDS = ("amount_minor", "currency")

#: Of one language's file. All languages of a version fit into one request.
MAX_SOURCE = 64 * 1024
MAX_VARIABLES = 40

_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_HEADING = re.compile(r"^\[([a-z]{1,32})\][ \t]*$", re.MULTILINE)
_LINE = re.compile(r"([a-z][a-z0-9_]{0,63})(\?)?:[ \t]*([a-z]+)[ \t]*=[ \t]*(\S.*)\Z")
_PURPOSES = re.compile(r"purposes:(.*)\Z")
_MONEY = re.compile(r"(-?\d{1,15}) ([A-Z]{3})\Z")
_URL = re.compile(r"https?://[^\s\"'<>`\\{}]{1,1990}\Z")
#: Neither may stand in a source: nothing of what is seen would show them.
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

Example = str | int | list[str]


def is_name(text: str) -> bool:
    """Whether it is a word of small letters, as names of templates and variables are."""
    return bool(_WORD.match(text))


def is_url(value: object) -> bool:
    """Whether a value may stand in a link: http or https, and nothing that leaves an attribute."""
    return isinstance(value, str) and bool(_URL.match(value))


def language_for(asked: str, languages: Mapping[str, object]) -> str:
    """The language to take of those that a template has: the one asked for, else
    Portuguese, else any.

    Parameters
    ----------
    asked : str
        ``pt``, ``pt_BR``, ``es-MX`` … as well.
    languages : mapping
        By language; not empty.
    """
    if asked in languages:
        return asked
    primary = re.split(r"[-_]", asked.strip().lower(), maxsplit=1)[0]
    alike = [known for known in LANGUAGES if known in languages and known[:2] == primary]
    rest = [known for known in (DEFAULT_LANGUAGE, *sorted(languages)) if known in languages]
    return (alike + rest)[0]


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable.

    Parameters
    ----------
    type : str
        ``text`` (a whole number will do too), ``integer``, ``url``, ``money`` or ``list``
        (of texts).
    example : str, int or list of str
    """

    type: str
    example: Example
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A template's file in one language, taken apart."""

    purposes: tuple[str, ...]
    variables: Mapping[str, Variable]
    parts: Mapping[str, str]

    @property
    def example_data(self) -> dict[str, Example]:
        """Data as a message would bring it, of the examples."""
        data: dict[str, Example] = {}
        for name, variable in self.variables.items():
            if variable.type == "money":
                amount, currency = str(variable.example).split()
                data |= {"amount_minor": int(amount), "currency": currency}
            else:
                data[name] = variable.example
        return data


def parse_source(text: str) -> Source:
    """Take a file apart.

    Raises
    ------
    InvalidPayload
        If it is malformed; says where, and quotes nothing of it but names.
    """
    if len(text.encode("utf-8", "replace")) > MAX_SOURCE:
        raise InvalidPayload(f"a template has up to {MAX_SOURCE // 1024} KB in a language")
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    if _HIDDEN.search(text):
        raise InvalidPayload("a template has no control characters but line breaks and tabs")
    header, *pieces = _HEADING.split(text)
    names = pieces[::2]
    if len(set(names)) < len(names):
        raise InvalidPayload("a part stands twice")
    parts = {name: body.strip() for name, body in zip(names, pieces[1::2], strict=True)}
    if not parts.get("text"):
        raise InvalidPayload("the part [text] is missing or empty")
    purposes, variables = _header(header)
    return Source(purposes, variables, parts)


def purposes_of(words: list[str]) -> tuple[str, ...]:
    """Purposes in order, each once.

    Raises
    ------
    InvalidPayload
        If one is no word of small letters.
    """
    if not all(is_name(word) for word in words):
        raise InvalidPayload("purposes: must be words of small letters, such as transactional")
    return tuple(sorted(set(words)))


def _header(text: str) -> tuple[tuple[str, ...], dict[str, Variable]]:
    purposes: tuple[str, ...] = ()
    variables: dict[str, Variable] = {}
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        said = _PURPOSES.match(line)
        if said:
            purposes = purposes_of(re.split(r"[,\s]+", said[1].strip()) if said[1].strip() else [])
            continue
        match = _LINE.match(line)
        if not match:
            raise InvalidPayload(f"header, line {number}: must be name: type = example")
        name, optional, kind, example = match.groups()
        if name in variables or name in GIVEN or name in MONEY_FIELDS:
            raise InvalidPayload(f"header: {name} is declared twice, or always given")
        variables[name] = Variable(kind, _example(name, kind, example), bool(optional))
    if len(variables) > MAX_VARIABLES:
        raise InvalidPayload(f"header: up to {MAX_VARIABLES} variables")
    return purposes, variables


def _example(name: str, kind: str, text: str) -> Example:
    if kind == "text":
        return text
    if kind == "url" and is_url(text):
        return text
    if kind == "integer" and re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    if kind == "list":
        return [item.strip() for item in text.split("|")]
    if kind == "money" and name == MONEY and _MONEY.match(text):
        return text
    raise InvalidPayload(
        f"header: {name}: types are text, integer, url (https://…), list (a | b), and for "
        f"{MONEY} money (123456 BRL), each with an example"
    )
