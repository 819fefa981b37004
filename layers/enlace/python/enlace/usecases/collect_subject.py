"""All that is held of a person, for whoever asks to see it or to take it along."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.interaction import Identifier
from enlace.usecases.erasure_ports import Collecting, Found, Place
from enlace.usecases.restore_hold import RestoreHold

SCHEMA_VERSION = "1.0"
COLUMNS = ("number", "record", "field", "value")


class CollectSubject:
    """The use case.

    Parameters
    ----------
    find : callable
        ``(identifier, whole_customer)`` to :class:`Found`.
    places : sequence of Place
        Those that can be collected from are.
    hold : RestoreHold, optional
        Says where tables may hold people who were erased.
    """

    def __init__(
        self,
        find: Callable[[SubjectIdentifier, bool], Found],
        places: Sequence[Place],
        *,
        hold: RestoreHold | None = None,
    ):
        self._find = find
        self._places = tuple(places)
        self._hold = hold

    def subject(self, request_id: str, key: str, named: Identifier, whole: bool) -> Subject:
        """Whom a request is about, with what the places need to find theirs.

        Raises
        ------
        RestoredTables
            If the erasures are to be done again first.
        TemporaryFailure
            If a store did not do its part.
        """
        if self._hold is not None:
            self._hold.check()
        asked = SubjectIdentifier(key, named.kind, named.value, named.value)
        found = self._find(asked, whole)
        subject = Subject(request_id, "", found.identifiers or (asked,), found.customer_ids)
        for place in self._places:
            more = place.census(subject).located
            located = dict(subject.located)
            for name, ids in more.items():
                located[name] = tuple(dict.fromkeys((*located.get(name, ()), *ids)))
            subject = replace(subject, located=located)
        return subject

    def records(self, subject: Subject) -> Iterator[dict[str, Any]]:
        """Everything, place by place; each record says where it is held."""
        for place in self._places:
            collect = getattr(place, "collect", None)
            if collect is not None:
                collecting: Collecting = place  # type: ignore[assignment]
                for record in collecting.collect(subject):
                    yield {"held_in": place.name, **record}


def summary_of(records: Iterable[Mapping[str, Any]], recipients: Sequence[str]) -> dict[str, Any]:
    """The simplified answer: whether anything is held, what sorts of it, who gets it."""
    counts = Counter(record["record"] for record in records)
    return {
        "data_held": bool(counts),
        "records": dict(sorted(counts.items())),
        "recipients": list(recipients),
    }


def as_json(request_id: str, at: str, records: Iterable[Mapping[str, Any]]) -> str:
    """The copy as one JSON document; ``docs/privacy-export.md`` describes it."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "request_id": request_id,
        "generated_at": at,
        "records": list(records),
    }
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)


def as_csv(records: Iterable[Mapping[str, Any]]) -> str:
    """The copy as CSV (RFC 4180): a row for each field of each record."""
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(COLUMNS)
    for number, record in enumerate(records, 1):
        for field, value in _fields(record):
            write.writerow((number, record["record"], field, _cell(value)))
    return out.getvalue()


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
