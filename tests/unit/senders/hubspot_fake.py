"""HubSpot in memory, as far as the sender uses it, with faults to order.

What a real account does and is imitated:
unique properties, e-mail held by one contact only (also as a merge's secondary
one), merges that give a new id to which both former ids go on resolving, and
primary-wins properties.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.unit.senders.crm_fake import FakeCrm, View
from tests.unit.senders.crm_fake import Response as Response


@dataclass
class Contact:
    properties: dict[str, str]
    secondary: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)


class FakeHubSpot(FakeCrm):
    def __init__(self, *, provisioned: bool = True) -> None:
        super().__init__()
        self.contacts: dict[str, Contact] = {}
        self.aliases: dict[str, str] = {}
        self.notes: dict[str, dict[str, str]] = {}
        self.bin: list[str] = []
        self.unsubscribed: set[str] = set()
        self.properties: dict[str, set[str]] = {"contacts": set(), "notes": set()}
        if provisioned:
            self.properties["contacts"] = {"enlace_customer_id", "enlace_identifiers"}
            self.properties["notes"] = {"enlace_interaction_id"}
        self._next = 100

    # ---- what tests ask

    def contact_of(self, customer_id: str) -> str | None:
        for id_, contact in self.contacts.items():
            if contact.properties.get("enlace_customer_id") == customer_id:
                return id_
        return None

    def note_of(self, interaction_id: str) -> str | None:
        for id_, note in self.notes.items():
            if note["enlace_interaction_id"] == interaction_id:
                return id_
        return None

    def contacts_of_note(self, interaction_id: str) -> set[str]:
        note = self.note_of(interaction_id)
        return {id_ for id_, contact in self.contacts.items() if note in contact.notes}

    def views(self) -> list[View]:
        return [
            View(
                contact.properties["enlace_customer_id"],
                email=contact.properties.get("email", ""),
                phone=contact.properties.get("phone", ""),
                name=contact.properties.get("firstname", ""),
                identifiers=tuple(contact.properties["enlace_identifiers"].splitlines()),
                activities=frozenset(self.notes[n]["enlace_interaction_id"] for n in contact.notes),
            )
            for contact in self.contacts.values()
            if contact.properties.get("enlace_customer_id")
        ]

    def texts(self) -> list[str]:
        return [note["hs_note_body"] for note in self.notes.values()]

    def lose_contacts(self) -> None:
        self.contacts.clear()

    def make_by_hand(self, email: str) -> None:
        self.contacts[self._new_id()] = Contact({"email": email})

    # ---- the pool

    def handle(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Any:
        path, query = urlsplit(url).path, urlsplit(url).query
        if path == "/communication-preferences/v4/statuses/batch/unsubscribe-all":
            assert (method, query) == ("POST", "channel=EMAIL")
            self.unsubscribed.update(json.loads(body)["inputs"])
            return 200, {"status": "COMPLETE", "results": []}
        if "idProperty=enlace_customer_id" in query:
            stem, _, id_ = path.rpartition("/")
            path = f"{stem}/{self.contact_of(id_) or 0}"
        return self._handle(method, path, json.loads(body) if body else {})

    def _handle(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if match := re.fullmatch(r"/crm/v3/objects/(contacts|notes)/batch/upsert", path):
            return self._upsert(match[1], body["inputs"])
        if path == "/crm/v3/objects/contacts/merge":
            return self._merge(body["primaryObjectId"], body["objectIdToMerge"])
        if path == "/crm/v3/objects/notes/batch/read":
            wanted = [i["id"] for i in body["inputs"]]
            found = [i for i, n in self.notes.items() if n["enlace_interaction_id"] in wanted]
            return (200 if len(found) == len(wanted) else 207), {
                "results": [{"id": i, "properties": self.notes[i]} for i in found]
            }
        if path == "/crm/v3/objects/notes/batch/update":
            for one in body["inputs"]:
                self.notes[one["id"]].update(one["properties"])
            return 200, {"results": body["inputs"]}
        if path == "/crm/v3/objects/notes/batch/archive":
            for one in body["inputs"]:
                # The recycle bin shows what was not emptied before.
                note = self.notes.pop(one["id"], {"hs_note_body": ""})
                self.bin.append(note["hs_note_body"])
                for contact in self.contacts.values():
                    contact.notes.discard(one["id"])
            return 204, b""
        if path == "/crm/v3/objects/contacts/gdpr-delete":
            assert body.keys() == {"objectId"}
            gone = self.contacts.pop(self._now(body["objectId"]), None)
            return (404, {}) if gone is None else (204, b"")
        if match := re.fullmatch(r"/crm/v3/objects/contacts/(\d+)", path):
            id_ = self._now(match[1])
            if id_ not in self.contacts:
                return 404, {"status": "error", "category": "OBJECT_NOT_FOUND"}
            return 200, {"id": id_, "properties": self.contacts[id_].properties}
        if match := re.fullmatch(r"/crm/v4/associations/notes/contacts/batch/(.+)", path):
            return self._associate(match[1], body["inputs"])
        if match := re.fullmatch(r"/crm/v3/properties/(\w+)/groups", path):
            return 201, {}
        if match := re.fullmatch(r"/crm/v3/properties/(\w+)/batch/create", path):
            self.properties[match[1]].update(i["name"] for i in body["inputs"])
            return 201, {}
        return 404, {}

    def _now(self, id_: str) -> str:
        while id_ in self.aliases:
            id_ = self.aliases[id_]
        return id_

    def _new_id(self) -> str:
        self._next += 1
        return str(self._next)

    def _upsert(self, kind: str, inputs: Any) -> tuple[int, Any]:
        (one,) = inputs
        if one["idProperty"] not in self.properties[kind]:
            return 400, {
                "status": "error",
                "category": "VALIDATION_ERROR",
                "errors": [{"code": "PROPERTY_DOESNT_EXIST"}],
            }
        properties = {k: v for k, v in one["properties"].items()}
        if kind == "notes":
            id_ = self.note_of(one["id"]) or self._new_id()
            self.notes[id_] = properties
            return 200, {"results": [{"id": id_}]}
        known = self.contact_of(one["id"])
        email = properties.get("email")
        if email:
            for id_, contact in self.contacts.items():
                if id_ != known and email in {contact.properties.get("email"), *contact.secondary}:
                    return 409, {
                        "status": "error",
                        "category": "CONFLICT",
                        "message": f"Contact already exists. Existing ID: {id_}",
                    }
        id_ = known or self._new_id()
        contact = self.contacts.setdefault(id_, Contact({}))
        contact.properties.update(properties)
        return 200, {"results": [{"id": id_, "new": known is None}]}

    def _merge(self, primary: str, other: str) -> tuple[int, Any]:
        if self._now(primary) == self._now(other):
            return 400, {"category": "VALIDATION_ERROR"}
        a = self.contacts.pop(self._now(primary))
        b = self.contacts.pop(self._now(other))
        id_ = self._new_id()
        self.aliases.update({self._now(primary): id_, self._now(other): id_})
        kept = {k: v for k, v in a.properties.items() if v}
        merged = Contact({**b.properties, **kept}, notes=a.notes | b.notes)
        emails = {a.properties.get("email"), b.properties.get("email")} | a.secondary | b.secondary
        merged.secondary = {e for e in emails if e and e != merged.properties.get("email")}
        self.contacts[id_] = merged
        return 200, {"id": id_}

    def _associate(self, action: str, inputs: Any) -> tuple[int, Any]:
        for one in inputs:
            to = one["to"]["id"] if action == "associate/default" else one["to"][0]["id"]
            contact = self.contacts.get(self._now(to))
            if contact is None or one["from"]["id"] not in self.notes:
                return 207, {"numErrors": 1, "errors": [{"category": "OBJECT_NOT_FOUND"}]}
            if action == "associate/default":
                contact.notes.add(one["from"]["id"])
            else:
                contact.notes.discard(one["from"]["id"])
        return (200, {"status": "COMPLETE"}) if action == "associate/default" else (204, {})
