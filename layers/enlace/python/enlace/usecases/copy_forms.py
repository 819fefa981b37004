"""The forms of the copy that a person gets, made part by part: a long one fits into no memory.

``docs/privacy-export.md`` describes them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

SCHEMA_VERSION = "1.0"
COLUMNS = ("number", "record", "field", "value")
JSON, CSV = "json", "csv"
FORMS = (CSV, JSON)


def parts_of(
    form: str, request_id: str, at: str, records: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    """The copy in a form.

    Parameters
    ----------
    form : str
        One of :data:`FORMS`.
    at : str
        Contract time at which it is made.
    """
    return csv_parts(records) if form == CSV else json_parts(request_id, at, records)


def json_parts(request_id: str, at: str, records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One JSON document, a record to a line."""
    head = {"schema_version": SCHEMA_VERSION, "request_id": request_id, "generated_at": at}
    yield json.dumps(head)[:-1] + ', "records": ['
    between = "\n"
    for record in records:
        yield between + json.dumps(record, ensure_ascii=False, sort_keys=True)
        between = ",\n"
    yield "\n]}\n"


def csv_parts(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """CSV (RFC 4180): a row for each field of each record."""
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(COLUMNS)
    for number, record in enumerate(records, 1):
        for field, value in _fields(record):
            write.writerow((number, record["record"], field, _cell(value)))
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, part in sorted(value.items()):
            if path or name != "record":
                yield from _fields(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple) and value:
        for number, part in enumerate(value):
            yield from _fields(part, f"{path}[{number}]")
    else:
        yield path, value


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # What a spreadsheet would take for a formula is text here (OWASP, "CSV Injection").
    return (
        f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _number(text) else text
    )


def _number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()
