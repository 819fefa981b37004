"""Dead letters about people who were erased: what came to lie there after their queues were read.

An erasure reads every queue, but not what a function is working on at that moment, which may
be given up on later. So what an erased address's fence keeps out is taken away here; whatever
is redriven before that passes the same fence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from enlace.domain.address_key import AddressKeys
from enlace.domain.interaction import Identifier
from enlace.domain.queued_data import ADDRESS_KEY, Judged, Look, judge, received_at, texts_of
from enlace.domain.records import IdentifierRecord, Tombstone
from enlace.domain.rules import Rules
from enlace.usecases.observe import sight

_EMAIL = re.compile(r"[\w.%+\-]+@[\w\-]+(?:\.[\w\-]+)+")
_NUMBER = re.compile(r"(?<![\w+])\+?\d[\d .()/\-]{6,22}\d(?!\w)")
#: Digits of a CPF; more, with the country, of a phone.
_NATIONAL_DIGITS = 11


class Fences(Protocol):
    """Where fences are."""

    def get_states(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> Mapping[str, IdentifierRecord | Tombstone]:
        """What is known by address key."""


class Scrub:
    """Judges messages.

    Parameters
    ----------
    fences : Fences
    keys : AddressKeys
    rules : Rules
        How addresses are written.
    """

    def __init__(self, fences: Fences, keys: AddressKeys, rules: Rules):
        self._fences = fences
        self._keys = keys
        self._rules = rules

    def __call__(self, body: str, notes: str, sent_at: str) -> Judged:
        """What is to become of a dead letter.

        Raises
        ------
        TemporaryFailure
            If the store does not answer.
        """
        if self._fenced(set(self._sought(notes)), sent_at):
            return Judged(1, None)
        return judge(body, lambda item: self._look(item, received_at(item, sent_at)))

    def _look(self, item: Any, at: str) -> Look:
        if isinstance(item, dict) and isinstance(item.get("contact_point"), dict):
            return self._interaction(item, at)
        if self._fenced(set(self._sought(item)), at):
            return Look(None)
        keys = {text for text in texts_of(item) if ADDRESS_KEY.match(text)}
        fenced = self._fenced(keys, at)
        if not fenced:
            return Look(item)
        return Look(item, shared=True) if keys - fenced else Look(None)

    def _interaction(self, item: dict[str, Any], at: str) -> Look:
        point, others = item["contact_point"], item.get("identifiers")
        others = others if isinstance(others, list) else []
        key_of = {n: self._key(one) for n, one in enumerate((point, *others))}
        fenced = self._fenced({key for key in key_of.values() if key}, at)
        if key_of[0] in fenced:
            return Look(None)
        kept = [one for n, one in enumerate(others, 1) if key_of[n] not in fenced]
        return Look(item if len(kept) == len(others) else {**item, "identifiers": kept})

    def _fenced(self, keys: set[str], at: str) -> set[str]:
        if not keys:
            return set()
        states = self._fences.get_states(keys, consistent=True)
        return {key for key, state in states.items() if at <= state.erased_before}

    def _sought(self, value: Any) -> Iterator[str]:
        """Keys of all that looks like an address in a payload of any shape."""
        for text in texts_of(value):
            for found in _EMAIL.findall(text):
                yield from self._valid("email", found)
            for found in _NUMBER.findall(text):
                digits = re.sub(r"\D", "", found)
                yield from self._valid("phone", f"+{digits}")
                if len(digits) <= _NATIONAL_DIGITS:
                    yield from self._valid("phone", digits)
                    yield from self._valid("cpf", digits)

    def _valid(self, kind: str, value: str) -> Iterator[str]:
        sighting, valid = sight(Identifier(kind, value), self._keys, self._rules)
        if valid:
            yield sighting.key

    def _key(self, identifier: Any) -> str:
        if not isinstance(identifier, dict):
            return ""
        kind, value = identifier.get("kind"), identifier.get("value")
        if not isinstance(kind, str) or not isinstance(value, str):
            return ""
        return sight(Identifier(kind, value), self._keys, self._rules)[0].key
