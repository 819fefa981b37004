"""Where somebody probably is, for the hours in which it may ring.

What they said of themselves comes first; then what the number says: a Brazilian one its
area, any other its country with all of that country's zones.

Sources: Anatel's area codes by state; IANA's tz database, ``zone.tab`` (Brazil, and the
countries' zones with the most populous first).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources

from enlace.domain.records import IdentifierRecord
from enlace.domain.traits import surviving_traits

#: Areas that do not keep Brasília's time; where a state has two zones, its capital's.
_AREAS = {
    **dict.fromkeys(("65", "66"), "America/Cuiaba"),
    "67": "America/Campo_Grande",
    "68": "America/Rio_Branco",
    "69": "America/Porto_Velho",
    **dict.fromkeys(("92", "97"), "America/Manaus"),
    "95": "America/Boa_Vista",
}
_BRASILIA = "America/Sao_Paulo"


def zones_of(address: IdentifierRecord, others: Iterable[IdentifierRecord]) -> tuple[str, ...]:
    """IANA zones in which an address may be; empty where nothing tells.

    Parameters
    ----------
    address : IdentifierRecord
        That is to be written to.
    others : iterable of IdentifierRecord
        Of the same proven circle, itself included.
    """
    said = surviving_traits(others, least_level="stated").get("timezone", {}).get("value")
    if isinstance(said, str) and said in _known():
        return (said,)
    return zones_of_number(address.value) if address.kind == "phone" else ()


def zones_of_number(number: str) -> tuple[str, ...]:
    """The zones of an E.164 number."""
    if number.startswith("+55"):
        return (_AREAS.get(number[3:5], _BRASILIA),)
    import phonenumbers

    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ()
    return _by_country().get(region or "", ())


@cache
def _by_country() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    text = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), zone)
    return found


@cache
def _known() -> frozenset[str]:
    text = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(text.split())
