"""Files of do-not-disturb registries: one phone number a line, perhaps since when.

The registries' own files differ and change, so what is in a column is told by its name; a
file without names has the number first and the date second. A line that cannot be read is
told by its number and the reason, never by what it says.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from enlace.domain.interaction import utc_text
from enlace.errors import InvalidPayload

_PHONE = ("telefone", "numero", "número", "phone", "phone_number", "celular", "msisdn", "linha")
_AREA = ("ddd", "area", "area_code")
_SINCE = ("data", "data_cadastro", "data_bloqueio", "registered_at", "since", "date")
_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%Y%m%d")


class Columns(NamedTuple):
    """Where what stands; None for nowhere."""

    phone: int
    area: int | None
    since: int | None
    delimiter: str


class Registered(NamedTuple):
    """A line.

    Parameters
    ----------
    phone : str
        As it stands there.
    since : str
        Contract time; "" where none is given.
    """

    phone: str
    since: str


def columns_of(first: str) -> tuple[Columns, bool]:
    """What the first line says of the columns, and whether it is a line of names.

    Raises
    ------
    InvalidPayload
        If it names columns, and none of them is a phone number's.
    """
    first = first.lstrip("\ufeff")
    delimiter = max(";\t,|", key=first.count)
    if delimiter not in first:
        delimiter = ","
    names = [re.sub(r"\s+", "_", name.strip().casefold()) for name in _split(first, delimiter)]
    if any(re.search(r"\d{4}", name) for name in names):
        return Columns(0, None, 1 if len(names) > 1 else None, delimiter), False
    phone, area, since = (_find(names, known) for known in (_PHONE, _AREA, _SINCE))
    if phone is None:
        raise InvalidPayload("no column is named as one of phone numbers: telefone, phone, numero")
    return Columns(phone, area, since, delimiter), True


def read_line(line: str, columns: Columns) -> Registered | None:
    """A line; None for an empty one.

    Raises
    ------
    InvalidPayload
        If it lacks a number, or its date is none.
    """
    if not line.strip():
        return None
    fields = [field.strip() for field in _split(line.lstrip("\ufeff"), columns.delimiter)]
    phone = _at(fields, columns.phone)
    if not phone:
        raise InvalidPayload("there is no phone number")
    phone = _at(fields, columns.area) + phone
    return Registered(phone, _moment(_at(fields, columns.since)))


def _moment(text: str) -> str:
    if not text:
        return ""
    for form in _FORMATS:
        try:
            return utc_text(datetime.strptime(text[:10], form).replace(tzinfo=UTC))
        except ValueError:
            continue
    raise InvalidPayload("the date is none: write 2026-11-23 or 23/11/2026")


def _split(line: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        raise InvalidPayload("the line is no CSV") from None
    return rows[0] if rows else []


def _find(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _at(fields: Sequence[str], place: int | None) -> str:
    return fields[place] if place is not None and place < len(fields) else ""
