"""Salesforce in memory, as far as the sender uses it, with faults to order.

What an org does and is imitated: a contact needs a last name; a field that is not
there is refused; external ids upsert, and a second record of one gives 300; a
duplicate rule that blocks a second contact with an address; a merge deletes the other
contact and gives its tasks to the first; a deleted contact is not found; collections
answer 200 with the errors inside, and roll back as a whole; SOAP says errors with 500.

Sources: as in :mod:`enlace.senders.salesforce`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

from tests.unit.senders.crm_fake import FakeCrm, View

DATA = "/services/data/v62.0"
OUR_FIELDS = {
    "Contact": {"EnlaceCustomerId__c", "EnlaceIdentifiers__c"},
    "Task": {"EnlaceInteractionId__c"},
}
_STANDARD = {
    "Contact": {"FirstName", "LastName", "Email", "Phone"},
    "Task": {"Subject", "Description", "ActivityDate", "Status", "WhoId"},
}
#: Set on a contact that is there.
_BY_ID = {"AccountId", "HasOptedOutOfEmail", "DoNotCall"}
_SOAP = "{urn:partner.soap.sforce.com}"
_SOBJECT = "{urn:sobject.partner.soap.sforce.com}"


def error(status: int, code: str) -> tuple[int, Any]:
    return status, [{"errorCode": code, "message": "may quote joao@example.com"}]


class FakeSalesforce(FakeCrm):
    def __init__(self, *, provisioned: bool = True) -> None:
        super().__init__()
        self.records: dict[str, dict[str, dict[str, Any]]] = {"Contact": {}, "Task": {}}
        self.fields = OUR_FIELDS if provisioned else {"Contact": set(), "Task": set()}
        self.bin: dict[str, dict[str, Any]] = {}
        self.bin_stays = False
        self.unique_tasks = True
        self.tokens = 0
        self.token = ""
        self._next = 100

    def views(self) -> list[View]:
        tasks = self.records["Task"].values()
        return [
            View(
                fields["EnlaceCustomerId__c"],
                email=fields.get("Email") or "",
                phone=fields.get("Phone") or "",
                name=_name(fields),
                identifiers=tuple(fields["EnlaceIdentifiers__c"].splitlines()),
                activities=frozenset(
                    task["EnlaceInteractionId__c"] for task in tasks if task.get("WhoId") == id_
                ),
            )
            for id_, fields in self.records["Contact"].items()
            if fields.get("EnlaceCustomerId__c")
        ]

    def texts(self) -> list[str]:
        return [task["Description"] for task in self.records["Task"].values()]

    def lose_contacts(self) -> None:
        # With their tasks, as Salesforce does.
        for task in list(self.records["Task"]):
            if self.records["Task"][task].get("WhoId"):
                del self.records["Task"][task]
        self.records["Contact"].clear()

    def make_by_hand(self, email: str) -> None:
        self.records["Contact"][self._new_id("003")] = {"LastName": "Silva", "Email": email}

    def _new_id(self, prefix: str) -> str:
        self._next += 1
        return f"{prefix}{self._next:015}"

    def handle(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Any:
        parts = urlsplit(url)
        path = parts.path
        if path == "/services/oauth2/token":
            return self._grant(method, body, headers)
        if path == "/services/Soap/u/62.0":
            return self._soap(body, headers)
        if headers.get("authorization") != f"Bearer {self.token}" or not self.token:
            return error(401, "INVALID_SESSION_ID")
        content = json.loads(body) if body else {}
        if match := re.fullmatch(rf"{DATA}/sobjects/(\w+)/(\w+__c)/(.+)", path):
            kind, field, value = match[1], match[2], unquote(match[3])
            if field not in self.fields[kind]:
                return error(404, "NOT_FOUND")
            if method == "PATCH":
                return self._upsert(kind, field, value, content)
            return self._found(kind, self._with(kind, field, value))
        if match := re.fullmatch(rf"{DATA}/sobjects/(\w+)/(\w+)", path):
            known = self.records[match[1]]
            if method == "DELETE" and match[2] in known:
                self.bin[match[2]] = known.pop(match[2])
                return 204, b""
            if method == "PATCH" and match[2] in known:
                assert content.keys() <= self.fields[match[1]] | _STANDARD[match[1]] | _BY_ID
                known[match[2]].update(content)
                return 204, b""
            return self._found(match[1], [match[2]] if match[2] in known else [])
        if path == f"{DATA}/queryAll":
            return self._query(parse_qs(parts.query)["q"][0])
        if (method, path) == ("DELETE", f"{DATA}/composite/sobjects"):
            query = parse_qs(parts.query)
            assert query["allOrNone"] == ["false"]
            return 200, [self._delete_task(id_) for id_ in query["ids"][0].split(",")]
        if (method, path) == ("PATCH", f"{DATA}/composite/sobjects"):
            return self._update(content)
        return error(404, "NOT_FOUND")

    def _grant(self, method: str, body: bytes, headers: Mapping[str, str]) -> Any:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        right = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"}
        if method != "POST" or form != right or "form" not in headers["content-type"]:
            return 400, {"error": "invalid_client", "error_description": "no"}
        self.tokens += 1
        self.token = f"00D!{self.tokens}"
        return 200, {"access_token": self.token, "instance_url": "https://x", "issued_at": "1"}

    def expire(self) -> None:
        self.token = ""

    def _with(self, kind: str, field: str, value: str) -> list[str]:
        return [id_ for id_, fields in self.records[kind].items() if fields.get(field) == value]

    def _found(self, kind: str, ids: list[str]) -> Any:
        if not ids:
            return error(404, "NOT_FOUND")
        return 200, {"Id": ids[0], **self.records[kind][ids[0]]}

    def _upsert(self, kind: str, field: str, value: str, fields: dict[str, Any]) -> Any:
        if not fields.keys() <= self.fields[kind] | _STANDARD[kind]:
            return error(400, "INVALID_FIELD")
        ids = self._with(kind, field, value)
        if len(ids) > 1:
            return 300, [f"{DATA}/sobjects/{kind}/{id_}" for id_ in ids]
        if kind == "Contact" and not ids and not fields.get("LastName"):
            return error(400, "REQUIRED_FIELD_MISSING")
        if kind == "Contact" and "LastName" in fields and not fields["LastName"]:
            return error(400, "REQUIRED_FIELD_MISSING")
        email = fields.get("Email")
        if email and set(self._with("Contact", "Email", email)) - set(ids):
            return error(400, "DUPLICATES_DETECTED")
        id_ = ids[0] if ids else self._new_id("003" if kind == "Contact" else "00T")
        self.records[kind].setdefault(id_, {field: value}).update(fields)
        return (200 if ids else 201), {"id": id_, "success": True, "errors": [], "created": not ids}

    def _query(self, soql: str) -> Any:
        match = re.fullmatch(r"SELECT Id FROM Task WHERE (.+) AND IsDeleted = false", soql)
        assert match
        wanted = []
        for condition in re.split(r" AND (?=\w+ [I=])", match[1]):
            field, _, rest = condition.partition(" ")
            wanted.append((field, set(re.findall(r"'((?:[^'\\]|\\.)*)'", rest))))
        found = [
            id_
            for id_, fields in self.records["Task"].items()
            if all({"Id": id_, **fields}.get(field) in values for field, values in wanted)
        ]
        return 200, {"totalSize": len(found), "done": True, "records": [{"Id": i} for i in found]}

    def _update(self, content: dict[str, Any]) -> Any:
        records = content["records"]
        assert content["allOrNone"] is True and 0 < len(records) <= 200
        results: list[dict[str, Any]] = []
        for record in records:
            who, known = record.get("WhoId"), self.records["Task"].get(record["id"])
            if known is None or (who is not None and who not in self.records["Contact"]):
                code = "ENTITY_IS_DELETED" if known is None else "INVALID_CROSS_REFERENCE_KEY"
                results.append({"success": False, "errors": [{"statusCode": code, "message": "j"}]})
            else:
                results.append({"id": record["id"], "success": True, "errors": []})
        if all(result["success"] for result in results):
            for record in records:
                fields = {k: v for k, v in record.items() if k not in ("attributes", "id")}
                assert fields.keys() <= _STANDARD["Task"]
                self.records["Task"][record["id"]].update(fields)
        return 200, results

    def _delete_task(self, id_: str) -> Any:
        if id_ not in self.records["Task"]:
            return {"success": False, "errors": [{"statusCode": "ENTITY_IS_DELETED"}]}
        self.bin[id_] = self.records["Task"].pop(id_)
        return {"id": id_, "success": True, "errors": []}

    def _soap(self, body: bytes, headers: Mapping[str, str]) -> Any:
        assert headers["soapaction"] == '""' and headers["content-type"].startswith("text/xml")
        root = ElementTree.fromstring(body)  # noqa: S314 - our own message
        if root.findtext(f".//{_SOAP}sessionId") != self.token:
            return 500, _fault("INVALID_SESSION_ID")
        for call in root.iter(f"{_SOAP}emptyRecycleBin"):
            ids = [str(id_.text) for id_ in call.findall(f"{_SOAP}ids")]
            assert 0 < len(ids) <= 200
            for id_ in () if self.bin_stays else ids:
                self.bin.pop(id_, None)
            return 200, _result("<success>true</success>")
        (request,) = root.iter(f"{_SOAP}request")
        master = request.find(f"{_SOAP}masterRecord")
        assert master is not None and master.findtext(f"{_SOBJECT}type") == "Contact"
        primary = str(master.findtext(f"{_SOBJECT}Id"))
        other = str(request.findtext(f"{_SOAP}recordToMergeIds"))
        contacts = self.records["Contact"]
        if primary not in contacts or other not in contacts or primary == other:
            return 200, _result("<success>false</success>", "ENTITY_IS_DELETED")
        for task in self.records["Task"].values():
            if task.get("WhoId") == other:
                task["WhoId"] = primary
        del contacts[other]
        return 200, _result("<success>true</success>")


def _result(text: str, code: str = "") -> bytes:
    errors = f"<errors><statusCode>{code}</statusCode></errors>" if code else ""
    return f"<E><B><mergeResponse><result>{errors}{text}</result></mergeResponse></B></E>".encode()


def _fault(code: str) -> bytes:
    return f"<E><B><Fault><faultcode>sf:{code}</faultcode></Fault></B></E>".encode()


def _name(fields: dict[str, Any]) -> str:
    name = " ".join(n for n in (fields.get("FirstName"), fields.get("LastName")) if n)
    return "" if name.startswith("Enlace ") else name
