"""Legal holds: single records that must not be erased, and why.

A hold names records, never a whole account: the rest of what is held of a person goes. When
it is released, the erasures that it kept something from go through another round.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from enlace.domain.erasure import HOLD_GROUND
from enlace.errors import InvalidPayload, NotFound
from enlace.usecases.erasure_rows import HOLDS, held_by, pk_of
from enlace.usecases.rows import Row, Rows

#: One lawsuit or order; more records take another hold.
MAX_RECORDS = 200
#: Places whose records can be named one by one.
PLACES = ("timeline", "cases")


class LegalHolds:
    """The use case.

    Parameters
    ----------
    rows : Rows
    reopen : callable
        Begins another round of an erasure, by its request id.
    now : callable
        Contract time.
    """

    def __init__(self, rows: Rows, *, reopen: Callable[[str], None], now: Callable[[], str]):
        self._rows = rows
        self._reopen = reopen
        self._now = now

    def place(
        self,
        records: Sequence[tuple[str, str]],
        *,
        ground: str,
        authority: str,
        until: str,
        caller: str,
    ) -> Mapping[str, Any]:
        """Hold records from erasure and retention.

        Parameters
        ----------
        records : sequence of (place, record id)
            An interaction's id in ``timeline``, a protocol number in ``cases``.
        ground, authority : str
            The law or order, and who gave it; no personal data.
        until : str
            Contract time, or "" for as long as nobody releases it.

        Raises
        ------
        InvalidPayload
            If a field cannot be used.
        """
        if not records or len(records) > MAX_RECORDS:
            raise InvalidPayload(f"records: must be a list of 1 to {MAX_RECORDS}")
        if any(place not in PLACES or not record for place, record in records):
            raise InvalidPayload(f"records: each must have a place ({', '.join(PLACES)}) and an id")
        if not ground or not authority:
            raise InvalidPayload("ground, authority: must say what the hold rests on")
        if until and until <= self._now():
            raise InvalidPayload("until: must lie ahead")
        body = {
            "records": [list(record) for record in records],
            "ground": ground,
            "authority": authority,
            "until": until,
            "placed_at": self._now(),
            "placed_by": caller,
            "released_at": "",
            "released_by": "",
        }
        [row] = self._rows.put([Row(HOLDS, str(uuid.uuid4()), body)])
        return self._shown(row)

    def get(self, hold_id: str) -> Mapping[str, Any]:
        """A hold; raises ``NotFound``."""
        row = self._rows.get(HOLDS, hold_id)
        if row is None:
            raise NotFound("no such hold")
        return self._shown(row)

    def all(self) -> list[Mapping[str, Any]]:
        """Every hold that was ever placed."""
        return [self._shown(row) for row in self._rows.under(HOLDS, "")]

    def release(self, hold_id: str, *, caller: str) -> Mapping[str, Any]:
        """Release a hold, and finish the erasures that it kept something from.

        Raises
        ------
        NotFound
            If there is no such hold.
        """
        row = self._rows.get(HOLDS, hold_id)
        if row is None:
            raise NotFound("no such hold")
        if not row.body["released_at"]:
            released = row.with_body(released_at=self._now(), released_by=caller)
            [row] = self._rows.put([released])
        # Again for whoever repeats a call whose answer was lost.
        for request_id in held_by(self._rows, hold_id):
            self._reopen(request_id)
        return self._shown(row)

    def kept_from(self, request_id: str) -> list[Mapping[str, Any]]:
        """What holds kept from an erasure: ``place``, ``hold_id`` and how many ``records``.

        As its last round counted it: what a hold that was released kept goes with the next.
        """
        found = _kept(self._rows, request_id)
        return [
            {"place": place, "hold_id": hold_id, "records": count}
            for (place, hold_id), count in sorted(found.items())
        ]

    def _shown(self, row: Row) -> Mapping[str, Any]:
        named = Counter(place for place, _ in row.body["records"])
        kept: Counter[str] = Counter()
        for request_id in held_by(self._rows, row.sk):
            for (place, hold_id), count in _kept(self._rows, request_id).items():
                if hold_id == row.sk:
                    kept[place] += count
        places = [
            {"place": place, "named": named[place], "kept": kept[place]}
            for place in sorted({*named, *kept})
        ]
        return {"hold_id": row.sk, **row.body, "places": places}


def _kept(rows: Rows, request_id: str) -> dict[tuple[str, str], int]:
    """By place and hold."""
    last: dict[str, Mapping[str, Any]] = {}
    # In the order of the rounds: ``step#<round>#<place>``.
    for row in rows.under(pk_of(request_id), "step#"):
        last[row.sk.split("#", 2)[2]] = row.body
    kept: Counter[tuple[str, str]] = Counter()
    for place, body in last.items():
        for _, count, ground, *_ in body["kept"]:
            if ground.startswith(HOLD_GROUND):
                kept[place, ground.removeprefix(HOLD_GROUND)] += count
    return kept
