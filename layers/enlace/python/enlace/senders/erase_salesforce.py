"""Salesforce: contacts and tasks emptied, deleted, and taken out of the recycle bin.

A deleted record lies in the recycle bin for 15 days. It is emptied first, so that nothing
can be read there should the bin's own call come to nothing; that one only the SOAP API has.

Sources (checked 2026-11-23): REST API developer guide, "Update" and "Delete Records Using
sObject Collections", "Delete a Record"; SOAP API developer guide, "emptyRecycleBin()"
(at most 200 records; no such that a cascade deletes).
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from enlace.senders.salesforce import DATA, IDENTIFIERS, TOLD, Salesforce, xml_text
from enlace.senders.salesforce_answers import codes_of, failure, require_success, soap_codes

_GONE = frozenset({"NOT_FOUND", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})
_ERASED = "Enlace erased"


class ErasingSalesforce(Salesforce):
    """See :class:`enlace.usecases.erase_crm.ErasingCrm`."""

    method = "emptied, deleted, taken out of the recycle bin"
    #: The ids stand in an address, which is bounded at 16 KB.
    batch = 100
    leaves = False

    def count_activities(self, points: Sequence[str], interaction_ids: Sequence[str]) -> int:
        """Tasks that are there."""
        return len(self.find_activities("", interaction_ids))

    def erase_activities(self, points: Sequence[str], interaction_ids: Sequence[str]) -> None:
        """Empty and delete tasks."""
        ids = self.find_activities("", interaction_ids)
        if not ids:
            return
        records = [
            {"attributes": {"type": "Task"}, "id": id_, "Subject": _ERASED, "Description": None}
            for id_ in ids
        ]
        path = f"{DATA}/composite/sobjects"
        body = {"allOrNone": True, "records": records}
        require_success(self._http("PATCH", path, body, expected=TOLD))
        wanted = quote(",".join(ids), safe="")
        answer = self._http("DELETE", f"{path}?ids={wanted}&allOrNone=false", expected=TOLD)
        # One that is gone was deleted by an attempt whose answer was lost.
        if answer.status >= 300 or codes_of(answer) - _GONE:
            require_success(answer)
        self._empty_bin(ids)

    def erase_contact(self, contact_id: str, customer_id: str) -> None:
        """Empty and delete a contact."""
        path = f"{DATA}/sobjects/Contact/{quote(contact_id, safe='')}"
        names = {"FirstName": None, "LastName": _ERASED}
        body = {**names, "Email": None, "Phone": None, IDENTIFIERS: None}
        for method, fields in (("PATCH", body), ("DELETE", None)):
            answer = self._http(method, path, fields, expected=TOLD)
            if answer.status != 404 and not codes_of(answer) & _GONE:
                require_success(answer)
        self._empty_bin([contact_id])

    def by_hand(self, points: Sequence[str], customer_ids: Sequence[str]) -> int:
        """Nothing is left for people to do."""
        return 0

    def _empty_bin(self, ids: Sequence[str]) -> None:
        inner = "".join(f"<ids>{xml_text(id_)}</ids>" for id_ in ids)
        answer = self._soap(f"<emptyRecycleBin>{inner}</emptyRecycleBin>")
        # What it says of single records does not matter: they say nothing any more.
        if answer.status != 200:
            raise failure(answer.status, soap_codes(answer))
