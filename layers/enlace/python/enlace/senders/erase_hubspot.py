"""HubSpot: contacts deleted by its GDPR call, notes emptied and then deleted.

The GDPR call cannot be taken back; any other deletion can, for 90 days. So a note is
emptied first: what lies in the recycle bin says nothing.

Sources (checked 2026-11-23): HubSpot CRM API, contacts v3, "Permanently delete a contact
(GDPR-compliant)"; "Delete a contact" for what can be restored; notes v3, batch update and
batch archive (paths as in hubspot-api-client 12.0.0).
"""

from __future__ import annotations

from collections.abc import Sequence

from enlace.senders.hubspot import BATCH, HubSpot, require_no_errors

_GONE = frozenset({404})


class ErasingHubSpot(HubSpot):
    """See :class:`enlace.usecases.erase_crm.ErasingCrm`."""

    method = "GDPR deletion; notes emptied and deleted"
    batch = BATCH
    leaves = False

    def count_activities(self, points: Sequence[str], interaction_ids: Sequence[str]) -> int:
        """Notes that are there."""
        return len(self.find_activities("", interaction_ids))

    def erase_activities(self, points: Sequence[str], interaction_ids: Sequence[str]) -> None:
        """Empty and delete notes."""
        ids = self.find_activities("", interaction_ids)
        if not ids:
            return
        empty = [{"id": id_, "properties": {"hs_note_body": ""}} for id_ in ids]
        path = "/crm/v3/objects/notes/batch"
        require_no_errors(self._http("POST", f"{path}/update", {"inputs": empty}))
        gone = {"inputs": [{"id": id_} for id_ in ids]}
        require_no_errors(self._http("POST", f"{path}/archive", gone))

    def erase_contact(self, contact_id: str, customer_id: str) -> None:
        """Delete a contact for good."""
        path = "/crm/v3/objects/contacts/gdpr-delete"
        self._http("POST", path, {"objectId": contact_id}, expected=_GONE)

    def by_hand(self, points: Sequence[str], customer_ids: Sequence[str]) -> int:
        """Nothing is left for people to do."""
        return 0
