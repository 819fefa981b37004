"""Salesforce: contacts by our customer id, interactions as completed tasks.

Both carry our id in an external id field of ours (``docs/crm.md`` says how to make
the fields), and are written through the upsert by that field, so a repetition updates
and never duplicates. The field of activities cannot be relied on to be unique: should
two senders have made the same task at once, Salesforce answers 300 with both, and all
but one are deleted.

A merge is Salesforce's own, which takes cases, opportunities and files along. Only the
SOAP API has it; it takes the same token. It is for ever: the other contact is deleted,
and a split creates it again and moves its tasks back. Closed tasks are archived after a
year, so tasks are looked for with ``queryAll``, which sees archived ones.

Sources (checked 2026-11-23): REST API developer guide, "Insert or Update (Upsert) a
Record Using an External ID", "Upsert Records Using sObject Collections", "Update
Records Using sObject Collections", "QueryAll", "Status Codes and Error Responses";
SOAP API developer guide, "merge()"; jsforce 3.10.16, ``api/soap``, for the call's form.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from enlace.domain.crm import Activity, Contact, Refused
from enlace.errors import TemporaryFailure
from enlace.senders.http_json import Answer, JsonHttp
from enlace.senders.salesforce_answers import (
    codes_of,
    failure,
    id_of,
    require_success,
    soap_codes,
)

#: Salesforce keeps a version for three years at least.
VERSION = "62.0"
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
CUSTOMER_ID = "EnlaceCustomerId__c"
IDENTIFIERS = "EnlaceIdentifiers__c"
INTERACTION_ID = "EnlaceInteractionId__c"
#: Salesforce's bound on the records of one request.
BATCH = 200

DATA = f"/services/data/v{VERSION}"
_SOAP = f"/services/Soap/u/{VERSION}"
_MAX_FIRST, _MAX_LAST, _MAX_SUBJECT, _MAX_TEXT = 40, 80, 255, 32_000
# All that says something in its body.
TOLD = frozenset({300, 400, 401, 403, 404, 409})
# SOAP says its errors with 500.
_TOLD_BY_SOAP = TOLD | {500}
_GONE = frozenset({"NOT_FOUND", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})
# The record without its addresses would be taken.
_ADDRESS_REFUSED = frozenset({"DUPLICATES_DETECTED", "INVALID_EMAIL_ADDRESS"})


class Token(Protocol):
    """An access token that can be renewed."""

    def __call__(self) -> str:
        """The token."""

    def drop(self) -> None:
        """Forget it: it was refused."""


class Salesforce:
    """See :class:`enlace.usecases.crm_ports.Crm`.

    Parameters
    ----------
    http : JsonHttp
        To the org's own address (``https://<name>.my.salesforce.com``), with a token
        that is renewed when refused.
    token : callable
        The same token, which the SOAP API wants in its message.
    account : callable
        The id of the account that new contacts are put under, or "": Salesforce shows a
        contact without an account to its owner and administrators only.
    """

    name = "salesforce"

    def __init__(self, http: JsonHttp, token: Token, account: Callable[[], str] = str):
        self._http = http
        self._token = token
        self._account = account

    def begin(self, cause: str) -> None:
        """Nothing: Salesforce's calls are keyed by what they write."""

    def upsert_contact(self, contact: Contact) -> str:
        """Create or update a contact; its addresses are left out where the org refuses them."""
        fields: dict[str, Any] = {
            IDENTIFIERS: "\n".join(f"{k} {v} ({level})" for k, v, level in contact.identifiers)
        }
        for field, value in (("Email", contact.email), ("Phone", contact.phone)):
            if value is not None:
                fields[field] = value or None
        nameless = f"Enlace {contact.customer_id}"[:_MAX_LAST]
        if contact.name is not None:
            names = _names(contact.name) if contact.name else (None, nameless)
            fields.update(zip(("FirstName", "LastName"), names, strict=True))
        answer = self._upsert_contact(contact.customer_id, fields, nameless)
        if codes_of(answer) & _ADDRESS_REFUSED:
            # A duplicate rule that blocks: another contact has the address. Taking it
            # over could mix up two people; it still stands among the identifiers.
            fields = {k: v for k, v in fields.items() if k not in ("Email", "Phone")}
            answer = self._upsert_contact(contact.customer_id, fields, nameless)
        id_ = id_of(answer)
        account = self._account()
        if answer.status == 201 and account:
            # Not in the upsert, which would take a contact back from where people moved it.
            path = f"{DATA}/sobjects/Contact/{quote(id_, safe='')}"
            body = {"AccountId": account}
            require_success(self._http("PATCH", path, body, expected=TOLD))
        return id_

    def _upsert_contact(self, customer_id: str, fields: dict[str, Any], nameless: str) -> Answer:
        path = _external("Contact", CUSTOMER_ID, customer_id)
        answer = self._upsert(path, fields)
        if "REQUIRED_FIELD_MISSING" in codes_of(answer) and "LastName" not in fields:
            # Salesforce has no contact without a last name; one that is there keeps its own.
            answer = self._upsert(path, {**fields, "LastName": nameless})
        return answer

    def find_contact(self, customer_id: str) -> str | None:
        """The id of a customer's contact, by the external id."""
        return self._get(_external("Contact", CUSTOMER_ID, customer_id), customer_id)

    def own_contact(self, contact_id: str, customer_id: str) -> str | None:
        """The same id while it is the customer's; a merged contact is deleted."""
        path = f"{DATA}/sobjects/Contact/{quote(contact_id, safe='')}"
        return self._get(path, customer_id)

    def _get(self, path: str, customer_id: str) -> str | None:
        answer = self._http("GET", f"{path}?fields=Id,{CUSTOMER_ID}", expected=TOLD)
        if codes_of(answer) & _GONE or answer.status == 404:
            return None
        require_success(answer)
        found = answer.body.get(CUSTOMER_ID) == customer_id
        return str(answer.body["Id"]) if found else None

    def merge_contacts(self, primary: str, other: str, points: Collection[str]) -> str:
        """Merge, for ever; the primary keeps its id."""
        answer = self._soap(_MERGE.format(primary=xml_text(primary), other=xml_text(other)))
        codes = soap_codes(answer)
        if answer.status == 200 and b"<success>true</success>" in answer.raw:
            return primary
        if codes & _GONE and self._gone(other):
            # Merged by an attempt whose answer was lost.
            return primary
        raise failure(answer.status, codes)

    def _soap(self, body: str) -> Answer:
        answer = self._soap_once(body)
        if "INVALID_SESSION_ID" in soap_codes(answer):
            # Said with 500, so that the HTTP client does not know it for an expired token.
            self._token.drop()
            answer = self._soap_once(body)
        return answer

    def _soap_once(self, body: str) -> Answer:
        return self._http(
            "POST",
            _SOAP,
            soap_message(self._token(), body),
            headers={"content-type": "text/xml; charset=UTF-8", "soapaction": '""'},
            expected=_TOLD_BY_SOAP,
        )

    def _gone(self, contact_id: str) -> bool:
        path = f"{DATA}/sobjects/Contact/{quote(contact_id, safe='')}?fields=Id"
        return self._http("GET", path, expected=TOLD).status == 404

    def record(self, activity: Activity) -> str:
        """Write a completed task."""
        path = _external("Task", INTERACTION_ID, activity.interaction_id)
        fields = {
            "Subject": activity.lines[0][:_MAX_SUBJECT] if activity.lines else activity.type,
            "Description": "\n".join(activity.lines)[:_MAX_TEXT],
            "ActivityDate": activity.occurred_at[:10],
            "Status": "Completed",
        }
        answer = self._upsert(path, fields)
        if answer.status == 300:
            self._delete_all_but_one(activity.interaction_id)
            answer = self._upsert(path, fields)
        return id_of(answer)

    def _delete_all_but_one(self, interaction_id: str) -> None:
        ids = self._tasks(f"{INTERACTION_ID} = {_soql(interaction_id)}")
        for id_ in sorted(ids)[1:]:
            answer = self._http("DELETE", f"{DATA}/sobjects/Task/{id_}", expected=TOLD)
            if answer.status != 404:
                require_success(answer)

    def find_activities(self, point: str, interaction_ids: Sequence[str]) -> list[str]:
        """Ids of the tasks of those interactions that have one."""
        found: list[str] = []
        for start in range(0, len(interaction_ids), BATCH // 2):
            # Half a batch: the ids stand in the address, which is bounded at 16 KB.
            values = ",".join(map(_soql, interaction_ids[start : start + BATCH // 2]))
            found += self._tasks(f"{INTERACTION_ID} IN ({values})")
        return found

    def _tasks(self, where: str) -> list[str]:
        soql = f"SELECT Id FROM Task WHERE {where} AND IsDeleted = false"  # noqa: S608 - values are quoted
        answer = self._http("GET", f"{DATA}/queryAll?q={quote(soql, safe='')}", expected=TOLD)
        require_success(answer)
        return [str(record["Id"]) for record in answer.body.get("records", ())]

    def attach(self, activity_ids: Sequence[str], contact_id: str) -> None:
        """Relate tasks to a contact; it takes the place of the one before."""
        self._relate(activity_ids, contact_id)

    def detach(self, activity_ids: Sequence[str], contact_id: str) -> None:
        """Take tasks off a contact, those that are still on it."""
        for start in range(0, len(activity_ids), BATCH):
            ids = ",".join(map(_soql, activity_ids[start : start + BATCH]))
            on_it = self._tasks(f"Id IN ({ids}) AND WhoId = {_soql(contact_id)}")
            self._relate(on_it, None)

    def suppress(self, contact_id: str, refusal: Refused) -> None:
        """Set the contact's own flags; they are about all addresses of a channel."""
        flags = {field: True for channel, field in _FLAGS.items() if channel in refusal.channels}
        if flags:
            path = f"{DATA}/sobjects/Contact/{quote(contact_id, safe='')}"
            require_success(self._http("PATCH", path, flags, expected=TOLD))

    def _relate(self, activity_ids: Sequence[str], contact_id: str | None) -> None:
        for start in range(0, len(activity_ids), BATCH):
            records = [
                {"attributes": {"type": "Task"}, "id": id_, "WhoId": contact_id}
                for id_ in activity_ids[start : start + BATCH]
            ]
            body = {"allOrNone": True, "records": records}
            answer = self._http("PATCH", f"{DATA}/composite/sobjects", body, expected=TOLD)
            require_success(answer)

    def _upsert(self, path: str, fields: dict[str, Any]) -> Answer:
        # Rules that only warn about a duplicate do not stop it.
        headers = {"sforce-duplicate-rule-header": "allowSave=true"}
        answer = self._http("PATCH", path, fields, headers=headers, expected=TOLD)
        if codes_of(answer) & {"DUPLICATE_VALUE"}:
            # Another sender created it between Salesforce's look-up and its writing.
            raise TemporaryFailure("salesforce: created by another sender meanwhile")
        return answer


#: Salesforce knows no others.
_FLAGS = {"email": "HasOptedOutOfEmail", "voice": "DoNotCall"}
_MERGE = (
    "<merge><request><masterRecord><s:type>Contact</s:type>"
    "<s:Id>{primary}</s:Id></masterRecord><recordToMergeIds>{other}</recordToMergeIds>"
    "</request></merge>"
)


def soap_message(token: str, body: str) -> bytes:
    """A message of the SOAP API around one call."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns="urn:partner.soap.sforce.com" xmlns:s="urn:sobject.partner.soap.sforce.com">'
        f"<soapenv:Header><SessionHeader><sessionId>{xml_text(token)}</sessionId>"
        f"</SessionHeader></soapenv:Header><soapenv:Body>{body}</soapenv:Body>"
        "</soapenv:Envelope>"
    ).encode()


def _external(kind: str, field: str, id_: str) -> str:
    return f"{DATA}/sobjects/{kind}/{field}/{quote(id_, safe='')}"


def _names(name: str) -> tuple[str | None, str]:
    first, _, rest = name.partition(" ")
    if not rest or len(first) > _MAX_FIRST:
        return None, name[:_MAX_LAST]
    return first, rest[:_MAX_LAST]


def _soql(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def xml_text(value: str) -> str:
    """Text for an element."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
