"""RD Station CRM: contacts and deals emptied; the notes have to be deleted by hand.

The API v2 neither deletes contacts and deals nor changes notes. So a contact loses all that
was written into it; a deal loses its name, its contacts and its contact point, so that
nobody who has the address later finds the notes on theirs. Both are marked: until people
have deleted what is marked, it is told as retained.

Sources: as in :mod:`enlace.senders.rd_station`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from enlace.senders.rd_station import (
    CUSTOMER_ID,
    MERGED_ID,
    POINT,
    RdStation,
    own_fields,
    require_success,
)

_ERASED = "Enlace erased"


class ErasingRdStation(RdStation):
    """See :class:`enlace.usecases.erase_crm.ErasingCrm`."""

    method = "emptied and marked, to be deleted by hand"
    #: Deals are found by contact points, all interactions of one together.
    batch = 1_000_000
    leaves = True

    def count_activities(self, points: Sequence[str], interaction_ids: Sequence[str]) -> int:
        """Deals that are there and not marked."""
        return sum(self._find("/deals", POINT, point) is not None for point in points)

    def erase_activities(self, points: Sequence[str], interaction_ids: Sequence[str]) -> None:
        """Empty and mark deals."""
        for point in points:
            deal = self._find("/deals", POINT, point)
            if deal is not None:
                fields = {**own_fields(deal), POINT: _mark(point)}
                path = f"/deals/{quote(deal['id'], safe='')}"
                emptied = {"name": _ERASED, "contact_ids": [], "custom_fields": fields}
                require_success(self._put(path, emptied))

    def erase_contact(self, contact_id: str, customer_id: str) -> None:
        """Empty and mark a contact."""
        path = f"/contacts/{quote(contact_id, safe='')}"
        known = self._get(path)
        if known is None:
            return
        fields: dict[str, Any] = dict.fromkeys(own_fields(known))
        fields |= {CUSTOMER_ID: None, MERGED_ID: _mark(customer_id)}
        emptied = {"name": _ERASED, "emails": [], "phones": [], "custom_fields": fields}
        require_success(self._put(path, emptied))

    def by_hand(self, points: Sequence[str], customer_ids: Sequence[str]) -> int:
        """Contacts and deals that are marked."""
        wanted = [("/deals", POINT, point) for point in points]
        wanted += [("/contacts", MERGED_ID, id_) for id_ in customer_ids]
        return sum(self._find(path, field, _mark(id_)) is not None for path, field, id_ in wanted)


def _mark(id_: str) -> str:
    return f"erased:{id_}"
