"""Where a value is that should be nowhere: canaries, erased addresses, clear text in logs.

Three questions to a text. Does it hold a *canary*, a value that an operator made up, put into
the system and had erased, or one of somebody made up who lives on, outside of the stores of
customers? Does it stand under the *address key* of somebody who was erased? And is it a log's,
with what looks like a person's e-mail, CPF or phone?
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote_plus

from enlace.errors import Misconfigured

#: What is shorter stands in too many places to mean somebody.
SHORTEST = 6
#: See :class:`enlace.domain.address_key.AddressKeys`.
_ADDRESS_KEY = re.compile(r"[a-z][a-z0-9_]*#[A-Za-z0-9_\-]{22}(?![A-Za-z0-9_\-])")
#: Phones and documents are written with these in between.
_GAP = r"[\s().\-/]{0,3}"
_DIGITS = re.compile(r"[\d\s+().\-/]+")

#: Kinds of residues.
ERASED, LIVING, UNDER = "erased_canary", "living_canary", "erased_address"
_EMAIL = re.compile(r"[\w.%+\-]+@[\w\-]+(?:\.[\w\-]+)*\.[A-Za-z]{2,}")
_CPF = re.compile(r"(?<![\w.\-])(\d{3})\.?(\d{3})\.?(\d{3})-?(\d{2})(?![\w\-])")
#: With the plus of E.164, or a Brazilian mobile without it; no time in milliseconds begins so.
_PHONE = re.compile(r"(?<!\w)\+[1-9]\d{9,14}(?!\w)|(?<![\w.\-])55[1-9][1-9]9\d{8}(?![\w\-])")

#: Where nothing may stand under the address of somebody who was erased, but for what :func:`_kept`
#: names. Consents, requests and decisions stay, and say so in the certificate. Messages stand
#: under their own ids, and those that wait in an index by address.
EMPTIED = frozenset(
    (
        *("IdentityTable", "TimelineTable", "CaseTable", "CandidateTable"),
        *("DeliveryTable", "DeliveryTable/about"),
    )
)


class Piece(NamedTuple):
    """Something that was read.

    Parameters
    ----------
    text : str
    under : tuple of str
        An item's key.
    """

    text: str
    under: tuple[str, ...] = ()


class Spot(NamedTuple):
    """Where it was read.

    Parameters
    ----------
    name : str
        Such as ``TimelineTable`` or ``TimelineTable/buyers``.
    customers : bool
        Whether customers may stand here in clear.
    logs : bool
    """

    name: str
    customers: bool = False
    logs: bool = False


class Values:
    """Finds given values, however they are written.

    Parameters
    ----------
    values : iterable of str
        As they were given; escaped for JSON and for forms, numbers with blanks and
        punctuation, they are found as well.

    Raises
    ------
    Misconfigured
        If one is too short to mean anybody.
    """

    def __init__(self, values: Iterable[str]):
        given = [value.strip() for value in values]
        if any(len(value) < SHORTEST for value in given):
            raise Misconfigured(f"a value has less than {SHORTEST} characters")
        forms = sorted({form for value in given for form in _forms(value)})
        self._pattern = re.compile("|".join(forms), re.IGNORECASE) if forms else None

    def are_in(self, text: str) -> bool:
        """Whether a text holds one of them."""
        return self._pattern is not None and self._pattern.search(text) is not None


class Sought:
    """What a scan looks for.

    Parameters
    ----------
    erased : Values
        Canaries that must be nowhere.
    living : Values
        Canaries that must be in the stores of customers alone.
    addresses : mapping of address key to contract time
        Those of erased people, and the moment up to which they were erased.
    """

    def __init__(self, erased: Values, living: Values, addresses: Mapping[str, str]):
        self._erased = erased
        self._living = living
        self.addresses = addresses

    def found(self, piece: Piece, spot: Spot) -> Counter[str]:
        """What a piece holds that it should not, by kind: 1 for each; addresses are
        another question, see :meth:`under`."""
        kinds: Counter[str] = Counter()
        kinds[ERASED] += self._erased.are_in(piece.text)
        if not spot.customers:
            kinds[LIVING] += self._living.are_in(piece.text)
        if spot.logs:
            kinds.update(clear_text(piece.text))
        return +kinds

    def under(self, piece: Piece, spot: Spot) -> set[str]:
        """The erased addresses under which an item stands."""
        if spot.name not in EMPTIED or not piece.under or _kept(piece.under, spot.name):
            return set()
        keys = {key for part in piece.under for key in _ADDRESS_KEY.findall(part)}
        return keys & self.addresses.keys()


def clear_text(line: str) -> set[str]:
    """What in a log's line looks like a person: of ``email``, ``cpf``, ``phone``."""
    kinds = set()
    if _EMAIL.search(line):
        kinds.add("email")
    if any(_is_cpf("".join(groups)) for groups in _CPF.findall(line)):
        kinds.add("cpf")
    if _PHONE.search(line):
        kinds.add("phone")
    return kinds


def _kept(under: tuple[str, ...], table: str) -> bool:
    """What stays on purpose: held interactions, ids that keep redeliveries out, decisions."""
    if table == "TimelineTable":
        return under[0].startswith("held#") or under[-1].startswith("pin#")
    # Of identities alone the item of the address itself is asked about.
    return table == "IdentityTable" and _ADDRESS_KEY.fullmatch(under[0]) is None


def _is_cpf(digits: str) -> bool:
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(int(d) * (length + 1 - n) for n, d in enumerate(digits[:length]))
        if total * 10 % 11 % 10 != int(digits[length]):
            return False
    return True


def _forms(value: str) -> set[str]:
    digits = re.sub(r"\D", "", value)
    if len(digits) >= SHORTEST and _DIGITS.fullmatch(value):
        return {_GAP.join(digits)}
    return {re.escape(form) for form in (value, json.dumps(value)[1:-1], quote_plus(value))}
