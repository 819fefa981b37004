"""Enter the numbers of a do-not-disturb registry: no marketing calls to whoever is on it.

Não Me Perturbe (naomeperturbe.com.br) is about telecom offers and payroll loans, and about
calls alone: so its numbers are suppressed for marketing on ``voice``, and everywhere else
what was said holds. An import adds a no and never takes one back; a number is entered once
for each day that it was registered, so a file may come again, or be cut off anywhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.consent import ConsentRecord, marketing_on
from enlace.domain.interaction import Identifier
from enlace.domain.registry_file import Columns, read_line
from enlace.domain.rules import Rules
from enlace.domain.send_gate import MARKETING
from enlace.errors import InvalidPayload
from enlace.usecases.consents import Consents, consent_key

VOICE, REASON = "voice", "registry"
#: What registries are called: the name of a folder of files.
_NAME = re.compile(r"[a-z][a-z0-9_\-]{2,40}\Z")
NAO_ME_PERTURBE = "nao_me_perturbe"

#: What became of a line.
ADDED, KNOWN, INVALID, EMPTY = "added", "known", "invalid", "empty"


class ImportRegistry:
    """The use case: lines of a file.

    Parameters
    ----------
    consents : Consents
    keys : AddressKeys
    rules : Rules
        How phone numbers are written.
    registry : str
        Its name: a file of the same registry adds nothing to what it entered before.
    now : callable
        Contract time.
    each : callable
        ``map``, or one that works on several lines at once.

    Raises
    ------
    InvalidPayload
        If the registry's name cannot be one.
    """

    def __init__(
        self,
        consents: Consents,
        keys: AddressKeys,
        rules: Rules,
        *,
        registry: str,
        now: Callable[[], str],
        each: Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]] = map,
    ):
        if not _NAME.match(registry):
            raise InvalidPayload("a registry's name has 3 to 41 of a-z, 0-9, _ and -")
        self._consents = consents
        self._keys = keys
        self._rules = rules
        self._registry = registry
        self._now = now
        self._each = each

    def __call__(
        self, lines: Sequence[tuple[int, str]], columns: Columns
    ) -> tuple[Counter[str], list[tuple[int, str]]]:
        """Enter some lines.

        Parameters
        ----------
        lines : sequence of (number, text)

        Returns
        -------
        Counter
            How many were ``added``, ``known``, ``invalid``, ``empty``.
        list of (number, reason)
            Those that are not valid.

        Raises
        ------
        TemporaryFailure
            If the store did not do its part; the lines may come again.
        """
        counts: Counter[str] = Counter()
        errors: list[tuple[int, str]] = []

        def enter(line: tuple[int, str]) -> tuple[int, str, str]:
            try:
                return line[0], self._enter(line[1], columns), ""
            except InvalidPayload as error:
                return line[0], INVALID, str(error)

        for number, outcome, reason in self._each(enter, lines):
            counts[outcome] += 1
            if reason:
                errors.append((number, reason))
        return counts, errors

    def _enter(self, line: str, columns: Columns) -> str:
        registered = read_line(line, columns)
        if registered is None:
            return EMPTY
        key = consent_key(Identifier("phone", registered.phone), self._keys, self._rules)
        day = registered.since[:10]
        event_id = f"registry-{self._registry}" + (f"-{day}" if day else "")
        if self._consents.entry(key, event_id) is not None:
            return KNOWN
        at = self._now()
        # A date that lies ahead counts from today.
        said = ConsentRecord(
            event_id, MARKETING, VOICE, "objected", "import", registered.since or at, at
        )
        details: Mapping[str, Any] = {"method": REASON, "registry": self._registry}
        self._consents.record(key, said, details, stops={marketing_on(VOICE): REASON})
        return ADDED
