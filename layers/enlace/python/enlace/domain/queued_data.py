"""Whether what lies in a queue is about a subject: vendors' payloads, interactions, events.

A queue holds whatever was put there: interactions of the contract, alone or in lists with
other people's, payloads as a vendor wrote them, events of the bus, JSON inside JSON. Of a
list only the subject's part goes; who merely names the subject loses the name alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from enlace.domain.erasure import Subject

#: What is shorter stands in too many places to mean somebody.
_SHORTEST = 8
#: See :class:`enlace.domain.address_key.AddressKeys`.
ADDRESS_KEY = re.compile(r"[a-z][a-z0-9_]*#[A-Za-z0-9_\-]{22}\Z")
#: Phones and documents are written with these in between.
_GAP = r"[\s().\-/]{0,3}"
#: JSON in text in JSON: a notification in a dead-letter queue has three layers.
_DEEPEST = 6


class Judged(NamedTuple):
    """What is to become of a body.

    Parameters
    ----------
    found : int
        Items that go, wholly or in part.
    left : str or None
        What stays; None where nothing does. The body itself where ``found`` is 0.
    shared : int
        Facts of ids that are about others as well, and stay.
    """

    found: int
    left: str | None
    shared: int = 0


class Look(NamedTuple):
    """What was seen of one item: what stays of it, and whether it is others' as well."""

    left: Any
    shared: bool = False


def judge(body: str, look: Callable[[Any], Look]) -> Judged:
    """Judge a body by its items.

    Parameters
    ----------
    look : callable
        Gives the item itself if it stays, another object for what is left of it, None
        for nothing.
    """
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        value = body
    items = value if isinstance(value, list) else [value]
    looks = [look(item) for item in items]
    found = sum(seen.left is not item for seen, item in zip(looks, items, strict=True))
    shared = sum(seen.shared for seen in looks)
    if not found:
        return Judged(0, body, shared)
    left = [seen.left for seen in looks if seen.left is not None]
    if not left:
        return Judged(found, None, shared)
    text = json.dumps(left if isinstance(value, list) else left[0], separators=(",", ":"))
    return Judged(found, text, shared)


class SubjectMatch:
    """Recognises a subject in items of queues.

    Parameters
    ----------
    subject : Subject
    """

    def __init__(self, subject: Subject):
        known = [one for one in subject.identifiers if one.value]
        forms = {form for one in known for form in _forms(one.kind, one.value, one.raw)}
        self._before = subject.erased_before
        self._values = _pattern(forms)
        self._short = {
            (one.kind, text.strip().casefold())
            for one in known
            for text in (one.value, one.raw)
            if text and len(text) < _SHORTEST
        }
        self._keys = frozenset(subject.keys)
        ids = {id_ for ids in subject.located.values() for id_ in ids}
        self._ids = frozenset(id_ for id_ in ids if len(id_) >= _SHORTEST)

    def __call__(self, item: Any, sent_at: str) -> Look:
        """What stays of an item, which was sent at a contract time.

        What came after the erasure is from a newcomer, who is somebody else.
        """
        if received_at(item, sent_at) > self._before:
            return Look(item)
        if isinstance(item, dict) and isinstance(item.get("contact_point"), dict):
            return self._interaction(item)
        texts = list(texts_of(item))
        if any(self._names(text) for text in texts):
            return Look(None)
        keys = {text for text in texts if ADDRESS_KEY.match(text)}
        if keys.isdisjoint(self._keys) and self._ids.isdisjoint(texts):
            return Look(item)
        # A fact about several customers is needed by those who stay, and has ids only.
        return Look(item, shared=True) if keys - self._keys else Look(None)

    def mentions(self, text: str, sent_at: str) -> bool:
        """Whether a text that was sent then names the subject."""
        return sent_at <= self._before and any(self._names(part) for part in texts_of(text))

    def _interaction(self, item: dict[str, Any]) -> Look:
        if self._is_subject(item["contact_point"]) or item.get("id") in self._ids:
            return Look(None)
        others = item.get("identifiers")
        if not isinstance(others, list):
            return Look(item)
        kept = [other for other in others if not self._is_subject(other)]
        return Look(item if len(kept) == len(others) else {**item, "identifiers": kept})

    def _is_subject(self, identifier: Any) -> bool:
        if not isinstance(identifier, dict):
            return False
        kind, value = identifier.get("kind"), identifier.get("value")
        if not isinstance(value, str):
            return False
        return self._names(value) or (kind, value.strip().casefold()) in self._short

    def _names(self, text: str) -> bool:
        return self._values is not None and self._values.search(text) is not None


def received_at(item: Any, sent_at: str) -> str:
    """When an item came in: an interaction that is put into a queue again keeps its time."""
    own = item.get("received_at") if isinstance(item, dict) else None
    return min(own, sent_at) if isinstance(own, str) else sent_at


def texts_of(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text within a value, its keys too; JSON and forms inside texts are opened."""
    if isinstance(value, str):
        yield value
        if depth > _DEEPEST:
            return
        if value[:1] in '{["':
            with suppress(ValueError, RecursionError):
                yield from texts_of(json.loads(value), depth + 1)
        if "%" in value:
            yield unquote_plus(value)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from texts_of(name, depth + 1)
            yield from texts_of(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            yield from texts_of(part, depth + 1)
    elif isinstance(value, int) and not isinstance(value, bool):
        # Vendors send numbers of phones and accounts as numbers, too.
        yield str(value)


def _forms(kind: str, value: str, raw: str) -> Iterator[str]:
    """Patterns of the ways in which an identifier is written."""
    for text in {value.strip(), raw.strip()}:
        if len(text) < _SHORTEST:
            continue
        digits = re.sub(r"\D", "", text)
        if len(digits) >= _SHORTEST and re.fullmatch(r"[\d\s+().\-/]+", text):
            for number in _numbers(digits):
                yield rf"(?<!\d){_GAP.join(number)}(?!\d)"
        else:
            # joao@example.com is neither in ajoao@example.com nor in joao@example.com.br.
            yield rf"(?<![\w%+\-])(?<!\w\.){re.escape(text)}(?![\w\-@]|\.\w)"


def _numbers(digits: str) -> Iterator[str]:
    yield digits
    if digits.startswith("55") and len(digits) in (12, 13):
        yield digits[2:]
        # WhatsApp's id of a Brazilian mobile may lack the ninth digit.
        if len(digits) == 13 and digits[4] == "9":
            yield digits[:4] + digits[5:]
            yield digits[2:4] + digits[5:]


def _pattern(forms: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(sorted(forms))
    return re.compile(joined, re.IGNORECASE) if joined else None
