"""RD Station CRM in memory, as far as the sender uses it, with faults to order.

What an account does and is imitated, the unsaid on the harsh side: unique custom
fields; custom fields replaced as a whole; an e-mail that one contact only may have; a
deal of contacts that are not there is refused; short pages; refresh tokens for one use.

Sources: as in :mod:`enlace.senders.rd_station` and :mod:`enlace.senders.rd_tokens`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.unit.senders.crm_fake import FakeCrm, View

_UNIQUE = ("enlace_customer_id", "enlace_merged_id", "enlace_contact_point")
_FIELDS = {
    "contacts": {"name", "emails", "phones", "custom_fields"},
    "deals": {"name", "pipeline_id", "stage_id", "contact_ids", "custom_fields"},
}
PAGE = 3
REFUSED = 422, {"errors": [{"detail": "may quote joao@example.com"}]}


class FakeRdStation(FakeCrm):
    def __init__(self) -> None:
        super().__init__()
        self.contacts: dict[str, dict[str, Any]] = {}
        self.deals: dict[str, dict[str, Any]] = {}
        self.notes: dict[str, list[dict[str, Any]]] = {}
        self.now = "2026-11-22T12:00:00Z"
        self.refresh_token = "r-0"
        self.token = ""
        self._next = 100

    def views(self) -> list[View]:
        result = []
        for id_, contact in self.contacts.items():
            own = contact["custom_fields"]
            if not own.get("enlace_customer_id"):
                continue
            deals = [d for d, deal in self.deals.items() if id_ in deal.get("contact_ids", ())]
            marks = [n["description"].rpartition("\n")[2] for d in deals for n in self.notes[d]]
            assert len(marks) == len(set(marks))
            name = contact["name"]
            result.append(
                View(
                    own["enlace_customer_id"],
                    email=next((e["email"] for e in contact.get("emails", ())), ""),
                    phone=next((p["phone"] for p in contact.get("phones", ())), ""),
                    name="" if name.startswith("Enlace ") else name,
                    identifiers=tuple(own["enlace_identifiers"].splitlines()),
                    activities=frozenset(mark.removeprefix("enlace:") for mark in marks),
                )
            )
        return result

    def texts(self) -> list[str]:
        return [note["description"] for notes in self.notes.values() for note in notes]

    def lose_contacts(self) -> None:
        self.contacts.clear()
        for deal in self.deals.values():
            deal["contact_ids"] = []

    def make_by_hand(self, email: str) -> None:
        self.contacts[self._new_id()] = {
            "name": "Silva",
            "emails": [{"email": email}],
            "custom_fields": {},
        }

    def _new_id(self) -> str:
        self._next += 1
        return f"{self._next:024x}"

    def handle(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Any:
        parts = urlsplit(url)
        if parts.path == "/oauth2/token":
            return self._grant(method, body, headers)
        if headers.get("authorization") != f"Bearer {self.token}" or not self.token:
            return 401, {"errors": []}
        assert parts.path.startswith("/crm/v2/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        fields = json.loads(body)["data"] if body else {}
        kind, *rest = parts.path.removeprefix("/crm/v2/").split("/")
        items = self.contacts if kind == "contacts" else self.deals
        match (method, rest):
            case ("GET", []):
                return self._page(url, items, query)
            case ("POST", []):
                return self._write(kind, items, self._new_id(), {"custom_fields": {}}, fields)
            case ("GET", [id_]):
                return (200, {"data": {"id": id_, **items[id_]}}) if id_ in items else (404, {})
            case ("PUT", [id_]):
                if id_ not in items:
                    return 404, {}
                return self._write(kind, items, id_, items[id_], fields)
            case ("GET", [id_, "notes"]) if id_ in items:
                return self._notes_since(url, id_, query)
            case ("POST", [id_, "notes"]) if id_ in items:
                assert fields["user_id"] == "u-1"
                note = {"id": self._new_id(), "registered_at": self.now, **fields}
                self.notes[id_].append(note)
                return 201, {"data": note}
        return 404, {}

    def _grant(self, method: str, body: bytes, headers: Mapping[str, str]) -> Any:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        right = {
            "grant_type": "refresh_token",
            "client_id": "id",
            "client_secret": "secret",
            "refresh_token": self.refresh_token,
        }
        if method != "POST" or form != right or "form" not in headers["content-type"]:
            return 401, {"error": "invalid_grant"}
        number = int(self.refresh_token.removeprefix("r-")) + 1
        self.refresh_token, self.token = f"r-{number}", f"a-{number}"
        return 200, {
            "access_token": self.token,
            "refresh_token": self.refresh_token,
            "expires_in": 7200,
        }

    def expire(self) -> None:
        self.token = ""

    def _write(
        self, kind: str, items: Any, id_: str, known: dict[str, Any], fields: dict[str, Any]
    ) -> Any:
        assert fields.keys() <= _FIELDS[kind]
        new = {**known, **fields}
        others = [item for other, item in items.items() if other != id_]
        for name in _UNIQUE:
            value = new["custom_fields"].get(name)
            if value and any(item["custom_fields"].get(name) == value for item in others):
                return REFUSED
        emails = {one["email"] for one in new.get("emails", ())}
        if emails & {one["email"] for item in others for one in item.get("emails", ())}:
            return REFUSED
        if not set(new.get("contact_ids", ())) <= self.contacts.keys() or not new.get("name"):
            return REFUSED
        if kind == "deals" and (new["pipeline_id"], new["stage_id"]) != ("p-1", "s-1"):
            return REFUSED
        created = id_ not in items
        items[id_] = new
        self.notes.setdefault(id_, [])
        return (201 if created else 200), {"data": {"id": id_, **new}}

    def _page(self, url: str, items: Any, query: dict[str, str]) -> Any:
        match = re.fullmatch(r'@(\w+):"([^"]*)"', query["filter"])
        assert match and "@" not in match[2]
        found = [
            {"id": id_, **item}
            for id_, item in items.items()
            if item["custom_fields"].get(match[1]) == match[2]
        ]
        return 200, {"data": found, "links": {}}

    def _notes_since(self, url: str, deal_id: str, query: dict[str, str]) -> Any:
        match = re.fullmatch(r'registered_at:>="([\d-]+) ([\d:]+)"', query["filter"])
        assert match and query["sort[registered_at]"] == "desc"
        since = f"{match[1]}T{match[2]}Z"
        found = [n for n in reversed(self.notes[deal_id]) if n["registered_at"] >= since]
        number = int(query.get("page[number]", "1"))
        links = {}
        if number * PAGE < len(found):
            links["next"] = (
                f"https://api.rd.services?{urlencode({**query, 'page[number]': number + 1})}"
            )
        return 200, {"data": found[(number - 1) * PAGE : number * PAGE], "links": links}
