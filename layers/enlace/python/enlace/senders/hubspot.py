"""HubSpot: contacts by our customer id, interactions as notes.

Both carry our id in a unique property of ours, and are written through the batch
upsert by that property, so a repetition updates and never duplicates. Searching
first would not do: HubSpot's search lags behind its writes.

A merge is for ever in HubSpot, and its result has a new id; both former ids go on
resolving to it. So a split does not undo a merge: the contact is created again,
and the notes that belong to it are moved (:mod:`enlace.usecases.follow_crm`).

Who said no is unsubscribed by e-mail address, whichever contact has it.

Sources: HubSpot CRM API, contacts and notes v3, associations v4 (paths as in
hubspot-api-client 12.0.0); changelog "Updated merge functionality for contacts
and companies" (checked 2026-11-22); Communication preferences v4, "Unsubscribe a set of
contacts from all email subscriptions" (checked 2026-11-23).
"""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence
from typing import Any

from enlace.domain.crm import Activity, Contact, Refused
from enlace.errors import ProviderRejected
from enlace.senders.http_json import Answer, JsonHttp

BASE_URL = "https://api.hubapi.com"
CUSTOMER_ID = "enlace_customer_id"
INTERACTION_ID = "enlace_interaction_id"
IDENTIFIERS = "enlace_identifiers"
#: HubSpot's bound on the inputs of one batch.
BATCH = 100

_MAX_NOTE = 60_000
_CONFLICT = frozenset({400, 409})
_PROPERTIES: dict[str, list[dict[str, Any]]] = {
    "contacts": [
        {
            "name": CUSTOMER_ID,
            "label": "Enlace customer id",
            "type": "string",
            "fieldType": "text",
            "hasUniqueValue": True,
        },
        {
            "name": IDENTIFIERS,
            "label": "Enlace identifiers",
            "type": "string",
            "fieldType": "textarea",
        },
    ],
    "notes": [
        {
            "name": INTERACTION_ID,
            "label": "Enlace interaction id",
            "type": "string",
            "fieldType": "text",
            "hasUniqueValue": True,
        }
    ],
}


class HubSpot:
    """See :class:`enlace.usecases.crm_ports.Crm`.

    Parameters
    ----------
    http : JsonHttp
        To :data:`BASE_URL`, with the private app's token as a bearer.
    """

    name = "hubspot"

    def __init__(self, http: JsonHttp):
        self._http = http

    def begin(self, cause: str) -> None:
        """Nothing: HubSpot's calls are keyed by what they write."""

    def upsert_contact(self, contact: Contact) -> str:
        """Create or update a contact; its address is left out where another contact has it."""
        properties = {
            CUSTOMER_ID: contact.customer_id,
            IDENTIFIERS: "\n".join(f"{k} {v} ({level})" for k, v, level in contact.identifiers),
        }
        if contact.email is not None:
            properties["email"] = contact.email
        if contact.phone is not None:
            properties["phone"] = contact.phone
        if contact.name is not None:
            properties["firstname"] = contact.name
        answer = self._upsert("contacts", CUSTOMER_ID, contact.customer_id, properties)
        if _conflicts(answer) and contact.email:
            # HubSpot gives an e-mail to one contact only, and another one has it:
            # made by hand, or left from a merge. Taking it over could mix up two
            # people; the address still stands among the identifiers.
            del properties["email"]
            answer = self._upsert("contacts", CUSTOMER_ID, contact.customer_id, properties)
        return _only_id(answer)

    def find_contact(self, customer_id: str) -> str | None:
        """The id of a customer's contact, by the unique property (no search, which lags)."""
        return self._get(customer_id, customer_id, f"&idProperty={CUSTOMER_ID}")

    def own_contact(self, contact_id: str, customer_id: str) -> str | None:
        """The id now of a customer's contact.

        A merge changes the id, and the result carries the primary's customer id:
        so the other's contact is known to be gone although its id still resolves.
        """
        return self._get(contact_id, customer_id, "")

    def _get(self, id_: str, customer_id: str, query: str) -> str | None:
        answer = self._http(
            "GET",
            f"/crm/v3/objects/contacts/{id_}?properties={CUSTOMER_ID}{query}",
            expected=frozenset({404}),
        )
        properties = answer.body.get("properties") or {}
        if answer.status == 404 or properties.get(CUSTOMER_ID) != customer_id:
            return None
        return str(answer.body["id"])

    def merge_contacts(self, primary: str, other: str, points: Collection[str]) -> str:
        """Merge, for ever; gives the new contact's id."""
        answer = self._http(
            "POST",
            "/crm/v3/objects/contacts/merge",
            {"primaryObjectId": primary, "objectIdToMerge": other},
            repeatable=False,
        )
        return str(answer.body["id"])

    def record(self, activity: Activity) -> str:
        """Write a note."""
        text = "<br>".join(html.escape(line) for line in activity.lines)
        properties = {
            INTERACTION_ID: activity.interaction_id,
            "hs_timestamp": activity.occurred_at,
            "hs_note_body": text[:_MAX_NOTE],
        }
        return _only_id(self._upsert("notes", INTERACTION_ID, activity.interaction_id, properties))

    def find_activities(self, point: str, interaction_ids: Sequence[str]) -> list[str]:
        """Ids of the notes of those interactions that have one."""
        found: list[str] = []
        for start in range(0, len(interaction_ids), BATCH):
            answer = self._http(
                "POST",
                "/crm/v3/objects/notes/batch/read",
                {
                    "idProperty": INTERACTION_ID,
                    "properties": [INTERACTION_ID],
                    "inputs": [{"id": id_} for id_ in interaction_ids[start : start + BATCH]],
                },
            )
            found += [str(result["id"]) for result in answer.body.get("results", ())]
        return found

    def attach(self, activity_ids: Sequence[str], contact_id: str) -> None:
        """Associate notes with a contact."""
        to = {"id": contact_id}
        self._associations("associate/default", activity_ids, to)

    def detach(self, activity_ids: Sequence[str], contact_id: str) -> None:
        """Remove the association."""
        self._associations("archive", activity_ids, [{"id": contact_id}])

    def suppress(self, contact_id: str, refusal: Refused) -> None:
        """Unsubscribe an e-mail address from everything; HubSpot knows no other channel."""
        if "email" in refusal.channels:
            # The batch of one: no address stands in a URL.
            path = "/communication-preferences/v4/statuses/batch/unsubscribe-all?channel=EMAIL"
            require_no_errors(self._http("POST", path, {"inputs": [refusal.value]}))

    def _associations(self, action: str, activity_ids: Sequence[str], to: Any) -> None:
        for start in range(0, len(activity_ids), BATCH):
            inputs = [
                {"from": {"id": id_}, "to": to} for id_ in activity_ids[start : start + BATCH]
            ]
            answer = self._http(
                "POST", f"/crm/v4/associations/notes/contacts/batch/{action}", {"inputs": inputs}
            )
            require_no_errors(answer)

    def _upsert(self, kind: str, id_property: str, id_: str, properties: Any) -> Answer:
        path = f"/crm/v3/objects/{kind}/batch/upsert"
        body = {"inputs": [{"id": id_, "idProperty": id_property, "properties": properties}]}
        answer = self._http("POST", path, body, expected=_CONFLICT)
        if answer.status == 400 and _codes(answer) & {"PROPERTY_DOESNT_EXIST"}:
            self._create_properties(kind)
            answer = self._http("POST", path, body, expected=_CONFLICT)
        return answer

    def _create_properties(self, kind: str) -> None:
        # At the first use of an account; another instance may be doing the same.
        base = f"/crm/v3/properties/{kind}"
        exists = frozenset({409})
        self._http("POST", f"{base}/groups", {"name": "enlace", "label": "Enlace"}, expected=exists)
        inputs = [{**property_, "groupName": "enlace"} for property_ in _PROPERTIES[kind]]
        self._http("POST", f"{base}/batch/create", {"inputs": inputs}, expected=exists)


def _errors(answer: Answer) -> list[dict[str, Any]]:
    # A multi-status answer hides its errors inside a success.
    inner = [e for e in answer.body.get("errors") or () if isinstance(e, dict)]
    deeper = [e for i in inner for e in i.get("errors") or () if isinstance(e, dict)]
    outer = [answer.body] if answer.status >= 400 else []
    return outer + inner + deeper


def _codes(answer: Answer) -> set[str]:
    return {str(error.get("code")) for error in _errors(answer)}


def _conflicts(answer: Answer) -> bool:
    return answer.status == 409 or any(e.get("category") == "CONFLICT" for e in _errors(answer))


def require_no_errors(answer: Answer) -> None:
    """Raise ``ProviderRejected`` for errors inside a success."""
    errors = _errors(answer)
    if errors or answer.body.get("numErrors"):
        category = str(errors[0].get("category", "")) if errors else ""
        word = category if category.replace("_", "").isalpha() else "error"
        raise ProviderRejected(f"hubspot: HTTP {answer.status} {word}")


def _only_id(answer: Answer) -> str:
    require_no_errors(answer)
    results: list[dict[str, Any]] = answer.body.get("results") or []
    if len(results) != 1:
        raise ProviderRejected("hubspot: not one result")
    return str(results[0]["id"])
