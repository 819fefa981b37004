"""A receiver of the CRM webhook as its documentation asks for: verifies, drops repetitions."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.unit.senders.crm_fake import FakeCrm, View

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes....").decode()


class FakeReceiver(FakeCrm):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.contacts: dict[str, dict[str, Any]] = {}
        self.recorded: dict[str, dict[str, Any]] = {}
        self.shown: dict[str, set[str]] = {}
        self.suppressed: dict[str, dict[str, Any]] = {}

    def views(self) -> list[View]:
        return [
            View(
                id_,
                email=contact.get("email") or "",
                phone=contact.get("phone") or "",
                name=contact.get("name") or "",
                identifiers=tuple(
                    f"{i['kind']} {i['value']} ({i['level']})" for i in contact["identifiers"]
                ),
                activities=frozenset(self.shown.get(id_, set()) & self.recorded.keys()),
            )
            for id_, contact in self.contacts.items()
        ]

    def texts(self) -> list[str]:
        return [activity["data"].get("text", "") for activity in self.recorded.values()]

    def handle(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Any:
        event = Webhook(SECRET).verify(body, dict(headers))
        if headers["webhook-id"] not in self.seen:
            self.seen.add(headers["webhook-id"])
            self._follow(event["type"], event["data"])
        return 204, b""

    def _follow(self, type_: str, data: dict[str, Any]) -> None:
        match type_:
            case "contact.upserted":
                known = self.contacts.setdefault(data["customer_id"], {})
                known.update({k: v for k, v in data.items() if v is not None})
            case "contact.merged":
                self.contacts.pop(data["merged"], None)
                of_it = self.shown.pop(data["merged"], set())
                self.shown.setdefault(data["customer_id"], set()).update(of_it)
            case "contact.suppressed":
                self.suppressed[data["customer_id"]] = data
            case "contact.erased":
                assert data["subject_request_type"] == "erasure"
                self.contacts.pop(data["customer_id"], None)
                self.shown.pop(data["customer_id"], None)
            case "activity.erased":
                for id_ in data["interaction_ids"]:
                    self.recorded.pop(id_, None)
            case "activity.recorded":
                self.recorded[data["interaction_id"]] = data
            case "activity.attached":
                ids = data["interaction_ids"]
                self.shown.setdefault(data["customer_id"], set()).update(ids)
            case "activity.detached":
                self.shown.get(data["customer_id"], set()).difference_update(
                    data["interaction_ids"]
                )
