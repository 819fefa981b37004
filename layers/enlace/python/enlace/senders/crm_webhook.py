"""Any other CRM: a signed webhook per change, by Standard Webhooks.

The receiver verifies the signature and drops a repeated ``webhook-id``. An activity
has one id however often its event is delivered. What says how things are now (who shows
which activity, who is merged) has one id a call, which a repeated attempt shares: two
merges of the same two customers with a split between them are two changes, and the
second must not be dropped. Signing is three lines of the standard library; the
library ``standardwebhooks`` would be a further dependency of every sender, and
the tests hold this module against it.

Source: https://www.standardwebhooks.com (checked 2026-11-22).
"""

from __future__ import annotations

import base64
import hmac
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from enlace.domain.crm import Activity, Contact, Refused
from enlace.errors import Misconfigured
from enlace.senders.http_json import JsonHttp

_RECORDED = "activity.recorded"
_NAMESPACE = uuid.UUID("7b0a44a5-6f3f-5a52-8c2e-0a4f6d7f9e11")


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``.

    Parameters
    ----------
    secret : str
        ``whsec_`` and base64.
    timestamp : int
        Unix seconds.

    Raises
    ------
    Misconfigured
        If the secret is not base64.
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise Misconfigured("the CRM webhook's secret is not base64")
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def signed_headers(
    secret: Callable[[], str], clock: Callable[[], float] = time.time
) -> Callable[[bytes], Mapping[str, str]]:
    """Headers for :class:`JsonHttp`: id from the body, a new time and signature per attempt."""

    def headers(body: bytes) -> Mapping[str, str]:
        webhook_id = f"msg_{uuid.uuid5(_NAMESPACE, body.decode())}"
        timestamp = int(clock())
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(secret(), webhook_id, timestamp, body),
        }

    return headers


class CrmWebhook:
    """See :class:`enlace.usecases.crm_ports.Crm`; here a contact's id is the customer's.

    Parameters
    ----------
    http : JsonHttp
        To the receiver's whole address, with :func:`signed_headers`.
    """

    name = "webhook"

    def __init__(self, http: JsonHttp):
        self._http = http
        self._cause = ""

    def begin(self, cause: str) -> None:
        """Name the event that causes what is sent after this."""
        self._cause = cause

    def upsert_contact(self, contact: Contact) -> str:
        """Send ``contact.upserted``."""
        data = {
            "customer_id": contact.customer_id,
            "email": contact.email,
            "phone": contact.phone,
            "name": contact.name,
            "identifiers": [
                {"kind": kind, "value": value, "level": level}
                for kind, value, level in contact.identifiers
            ],
        }
        self._post("contact.upserted", data)
        return contact.customer_id

    def find_contact(self, customer_id: str) -> str | None:
        """The customer's id, which is the contact's."""
        return customer_id

    def own_contact(self, contact_id: str, customer_id: str) -> str | None:
        """The id itself: our customer ids do not change in the receiver."""
        return contact_id if contact_id == customer_id else None

    def merge_contacts(self, primary: str, other: str, points: Collection[str]) -> str:
        """Send ``contact.merged``."""
        self._post("contact.merged", {"customer_id": primary, "merged": other})
        return primary

    def record(self, activity: Activity) -> str:
        """Send ``activity.recorded``."""
        data = {
            "interaction_id": activity.interaction_id,
            "occurred_at": activity.occurred_at,
            "type": activity.type,
            "channel": activity.channel,
            "direction": activity.direction,
            "data": dict(activity.data),
        }
        self._post(_RECORDED, data)
        return activity.interaction_id

    def find_activities(self, point: str, interaction_ids: Sequence[str]) -> list[str]:
        """All of them: the receiver knows which it has."""
        return list(interaction_ids)

    def attach(self, activity_ids: Sequence[str], contact_id: str) -> None:
        """Send ``activity.attached``."""
        self._move("activity.attached", activity_ids, contact_id)

    def detach(self, activity_ids: Sequence[str], contact_id: str) -> None:
        """Send ``activity.detached``."""
        self._move("activity.detached", activity_ids, contact_id)

    def suppress(self, contact_id: str, refusal: Refused) -> None:
        """Send ``contact.suppressed``."""
        data = {
            "customer_id": contact_id,
            "identifier": {"kind": refusal.kind, "value": refusal.value},
            "purpose": "marketing",
            "channels": list(refusal.channels),
        }
        self._post("contact.suppressed", data)

    def _move(self, type_: str, activity_ids: Sequence[str], contact_id: str) -> None:
        if activity_ids:
            self._post(type_, {"customer_id": contact_id, "interaction_ids": list(activity_ids)})

    def _post(self, type_: str, data: dict[str, Any]) -> None:
        # No time of sending in the body: a repetition must have the same id.
        body = {"type": type_, "cause": self._cause, "data": data}
        if type_ != _RECORDED:
            body["change"] = uuid.uuid4().hex
        self._http("POST", "", body)
