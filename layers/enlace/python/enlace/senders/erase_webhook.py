"""Any other CRM: asked to erase by a signed webhook, in the words of OpenDSR.

Sources: https://www.standardwebhooks.com; OpenDSR specification 3.0, "Create request":
``subject_request_id``, ``subject_request_type``, ``submitted_time`` and
``subject_identities`` with ``identity_type``, ``identity_value``, ``identity_format``
(checked 2026-11-23). A receiver answers 2xx once it has taken the request on.
"""

from __future__ import annotations

from collections.abc import Sequence

from enlace.senders.crm_webhook import CrmWebhook


class ErasingWebhook(CrmWebhook):
    """See :class:`enlace.usecases.erase_crm.ErasingCrm`."""

    method = "asked to erase by signed webhook, and confirmed"
    batch = 1000
    leaves = False

    def count_activities(self, points: Sequence[str], interaction_ids: Sequence[str]) -> int:
        """The receiver alone knows; it is asked for as long as it has a contact."""
        return 0

    def erase_activities(self, points: Sequence[str], interaction_ids: Sequence[str]) -> None:
        """Send ``activity.erased``."""
        if interaction_ids:
            self._post("activity.erased", {"interaction_ids": list(interaction_ids)})

    def erase_contact(self, contact_id: str, customer_id: str) -> None:
        """Send ``contact.erased``."""
        identity = {
            "identity_type": "controller_customer_id",
            "identity_value": customer_id,
            "identity_format": "raw",
        }
        data = {
            "customer_id": customer_id,
            "subject_request_id": self._cause,
            "subject_request_type": "erasure",
            "subject_identities": [identity],
        }
        self._post("contact.erased", data)

    def by_hand(self, points: Sequence[str], customer_ids: Sequence[str]) -> int:
        """Nothing is left for people to do."""
        return 0
