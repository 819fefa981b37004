"""RD Station CRM: contacts by our customer id, interactions as notes of a deal per contact point.

RD Station has two products. Marketing's API knows conversions, which can neither be
moved nor taken away; the CRM's knows contacts, deals and notes, so it is the CRM that
is followed here, by its API v2.

In RD Station CRM a history stands under a deal, never under a contact, and a note can
be created and listed but neither changed nor moved. A deal can be: so each contact point
has one deal, found by its key in a custom field, with the contact of whoever the point
belongs to now. That is how Enlace itself keeps histories: whatever is merged or split,
no note moves.

There is no merge and no deletion. A contact that is merged away gives its deals up,
loses what was written into it, and stays as an empty one marked with the customer that
it was; should that customer live again, the same contact is taken into use again, with
what people wrote into it by hand.

Notes carry no key, so they are looked for by a last line of ours, among those registered
since the interaction happened.

Sources (documentation at developers.rdstation.com, "RD Station CRM API v2", as of
2025-10-30, checked 2026-11-23): crm-v2-introduction (envelope, paging, limits, errors),
crm-v2-rdql-filtering, crm-v2-{list,create,get,update}-contact, -deal,
crm-v2-create-note-to-deal, crm-v2-list-notes-from-deal, crm-v2-create-custom-field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from enlace.domain.crm import Activity, Contact
from enlace.errors import ProviderRejected
from enlace.senders.http_json import Answer, JsonHttp

BASE_URL = "https://api.rd.services"
CUSTOMER_ID = "enlace_customer_id"
MERGED_ID = "enlace_merged_id"
IDENTIFIERS = "enlace_identifiers"
POINT = "enlace_contact_point"

_V2 = "/crm/v2"
_MAX_NOTE = 60_000
_PAGE = 100
#: A vendor's clock may be ahead of RD Station's.
_SKEW = timedelta(hours=1)
_TOLD = frozenset({400, 404, 422})


class RdStation:
    """See :class:`enlace.usecases.crm_ports.Crm`; an activity's id is its deal's.

    Parameters
    ----------
    http : JsonHttp
        To :data:`BASE_URL`, with a token that is renewed when refused.
    setting : callable
        ``pipeline_id``, ``stage_id`` and ``user_id``: where deals are made, and whose
        the notes are.
    """

    name = "rd_station"
    #: Its custom fields are not unique, and notes have none.
    makes_twice = True

    def __init__(self, http: JsonHttp, setting: Callable[[str], str]):
        self._http = http
        self._setting = setting

    def begin(self, cause: str) -> None:
        """Nothing: what is written is looked for first."""

    def upsert_contact(self, contact: Contact) -> str:
        """Create or update a contact; its addresses are left out where RD Station refuses them."""
        known = self._contact(contact.customer_id)
        if known is None:
            created = self._create_contact(contact)
            if created is not None:
                return created
            # Refused: another sender has just created it, or an address is refused.
            known = self._contact(contact.customer_id)
        if known is None:
            return _id(self._post("/contacts", _fields(contact, {}, addresses=False)))
        path = f"/contacts/{quote(known['id'], safe='')}"
        answer = self._put(path, _fields(contact, known))
        if answer.status == 422:
            answer = self._put(path, _fields(contact, known, addresses=False))
        return _id(answer)

    def _create_contact(self, contact: Contact) -> str | None:
        answer = self._post("/contacts", _fields(contact, {}))
        return None if answer.status == 422 else _id(answer)

    def _contact(self, customer_id: str) -> dict[str, Any] | None:
        """The contact of a customer, or the one that it had before it was merged away."""
        for field in (CUSTOMER_ID, MERGED_ID):
            found = self._find("/contacts", field, customer_id)
            if found is not None:
                return found
        return None

    def find_contact(self, customer_id: str) -> str | None:
        """The id of a customer's contact, by the custom field."""
        found = self._find("/contacts", CUSTOMER_ID, customer_id)
        return None if found is None else str(found["id"])

    def own_contact(self, contact_id: str, customer_id: str) -> str | None:
        """The same id while it is the customer's; one that was merged away carries no customer."""
        found = self._get(f"/contacts/{quote(contact_id, safe='')}")
        if found is None or own_fields(found).get(CUSTOMER_ID) != customer_id:
            return None
        return str(found["id"])

    def merge_contacts(self, primary: str, other: str, points: Collection[str]) -> str:
        """Give the other's deals to the primary, and empty the other."""
        for point in sorted(points):
            deal = self._find("/deals", POINT, point)
            if deal is not None and other in _contacts(deal):
                rest = [id_ for id_ in _contacts(deal) if id_ not in (other, primary)]
                self._show(deal["id"], [primary, *rest])
        # Last: until then, a repetition finds the other still there.
        path = f"/contacts/{quote(other, safe='')}"
        known = self._get(path)
        if known is not None and own_fields(known).get(CUSTOMER_ID):
            customer_id = str(own_fields(known)[CUSTOMER_ID])
            emptied = _fields(Contact(customer_id, email="", phone=""), known)
            emptied["custom_fields"] |= {CUSTOMER_ID: None, MERGED_ID: customer_id}
            require_success(self._put(path, emptied))
        return primary

    def record(self, activity: Activity) -> str:
        """Write a note into the deal of its contact point."""
        deal = self._find("/deals", POINT, activity.point)
        mark = f"enlace:{activity.interaction_id}"
        if deal is None:
            deal_id = self._create_deal(activity)
        else:
            deal_id = str(deal["id"])
            if self._noted(deal_id, mark, activity.occurred_at):
                return deal_id
        text = "\n".join(activity.lines)[:_MAX_NOTE]
        note = {"description": f"{text}\n{mark}", "user_id": self._setting("user_id")}
        # Made twice it would stand there twice; a lost answer is looked up next time.
        path = f"/deals/{quote(deal_id, safe='')}/notes"
        require_success(self._post(path, note, repeatable=False))
        return deal_id

    def _create_deal(self, activity: Activity) -> str:
        fields = {
            "name": f"Enlace: {activity.channel}",
            "pipeline_id": self._setting("pipeline_id"),
            "stage_id": self._setting("stage_id"),
            "custom_fields": {POINT: activity.point},
        }
        answer = self._post("/deals", fields)
        if answer.status == 422:
            found = self._find("/deals", POINT, activity.point)
            if found is not None:
                return str(found["id"])
        return _id(answer)

    def _noted(self, deal_id: str, mark: str, occurred_at: str) -> bool:
        since = datetime.fromisoformat(occurred_at) - _SKEW
        filter_ = f'registered_at:>="{since:%Y-%m-%d %H:%M:%S}"'
        path = f"/deals/{quote(deal_id, safe='')}/notes"
        return any(
            str(note.get("description", "")).endswith(mark)
            for note in self._list(path, filter_, {"sort[registered_at]": "desc"})
        )

    def find_activities(self, point: str, interaction_ids: Sequence[str]) -> list[str]:
        """The deal of the contact point, which has them all."""
        deal = self._find("/deals", POINT, point)
        return [] if deal is None else [str(deal["id"])]

    def attach(self, activity_ids: Sequence[str], contact_id: str) -> None:
        """Show deals on a contact; contacts that people added stay."""
        for deal_id in dict.fromkeys(activity_ids):
            now = _contacts(self._deal(deal_id))
            if contact_id not in now:
                self._show(deal_id, [contact_id, *now])

    def detach(self, activity_ids: Sequence[str], contact_id: str) -> None:
        """Take deals off a contact."""
        for deal_id in dict.fromkeys(activity_ids):
            now = _contacts(self._deal(deal_id))
            if contact_id in now:
                self._show(deal_id, [id_ for id_ in now if id_ != contact_id])

    def _deal(self, deal_id: str) -> dict[str, Any]:
        found = self._get(f"/deals/{quote(deal_id, safe='')}")
        if found is None:
            raise ProviderRejected("rd_station: the deal is gone")
        return found

    def _show(self, deal_id: str, contact_ids: list[str]) -> None:
        path = f"/deals/{quote(deal_id, safe='')}"
        require_success(self._put(path, {"contact_ids": contact_ids}))

    def _find(self, path: str, field: str, value: str) -> dict[str, Any] | None:
        # Ids and keyed hashes only: an address must not stand in a URL.
        escaped = value.replace("\\", "").replace('"', "")
        for item in self._list(path, f'@{field}:"{escaped}"'):
            if own_fields(item).get(field) == value:
                return item
        return None

    def _list(
        self, path: str, filter_: str, more: dict[str, str] | None = None
    ) -> Iterable[dict[str, Any]]:
        query: dict[str, str] | None = {"filter": filter_, "page[size]": str(_PAGE), **(more or {})}
        while query is not None:
            answer = self._http("GET", f"{_V2}{path}?{urlencode(query)}", expected=_TOLD)
            require_success(answer)
            yield from answer.body.get("data") or ()
            # Its query alone: a token is not to be sent wherever an answer points.
            following = (answer.body.get("links") or {}).get("next")
            next_query = dict(parse_qsl(urlsplit(following).query)) if following else None
            query = next_query if next_query != query else None

    def _get(self, path: str) -> dict[str, Any] | None:
        answer = self._http("GET", f"{_V2}{path}", expected=_TOLD)
        if answer.status == 404:
            return None
        require_success(answer)
        return _data(answer)

    def _post(self, path: str, fields: dict[str, Any], *, repeatable: bool = True) -> Answer:
        body = {"data": fields}
        return self._http("POST", f"{_V2}{path}", body, expected=_TOLD, repeatable=repeatable)

    def _put(self, path: str, fields: dict[str, Any]) -> Answer:
        return self._http("PUT", f"{_V2}{path}", {"data": fields}, expected=_TOLD)


def _fields(contact: Contact, known: dict[str, Any], *, addresses: bool = True) -> dict[str, Any]:
    """What to write of a contact, given what RD Station has."""
    own = own_fields(known)
    before = {line.rpartition(" (")[0].partition(" ")[2] for line in _lines(own.get(IDENTIFIERS))}
    identifiers = "\n".join(f"{k} {v} ({level})" for k, v, level in contact.identifiers)
    # All custom fields again, should those that are left out be emptied.
    ours = {CUSTOMER_ID: contact.customer_id, IDENTIFIERS: identifiers}
    again = {MERGED_ID: None} if own.get(MERGED_ID) else {}
    fields: dict[str, Any] = {"custom_fields": {**own, **ours, **again}}
    if contact.name is not None or not known:
        # RD Station has no contact without a name.
        fields["name"] = contact.name or f"Enlace {contact.customer_id}"
    for plural, name, value in (
        ("emails", "email", contact.email),
        ("phones", "phone", contact.phone),
    ):
        if value is None or not addresses:
            continue
        # What people added by hand stays; what we wrote was among the identifiers.
        by_hand = [
            one for one in known.get(plural) or () if one.get(name) not in before | {value, ""}
        ]
        fields[plural] = ([{name: value}] if value else []) + by_hand
    return fields


def _lines(text: object) -> list[str]:
    return text.splitlines() if isinstance(text, str) else []


def own_fields(item: dict[str, Any]) -> dict[str, Any]:
    """The custom fields."""
    fields = item.get("custom_fields")
    return fields if isinstance(fields, dict) else {}


def _contacts(deal: dict[str, Any]) -> list[str]:
    return [str(id_) for id_ in deal.get("contact_ids") or ()]


def _data(answer: Answer) -> dict[str, Any]:
    data = answer.body.get("data")
    return data if isinstance(data, dict) else {}


def _id(answer: Answer) -> str:
    require_success(answer)
    id_ = _data(answer).get("id")
    if not isinstance(id_, str):
        raise ProviderRejected("rd_station: no id")
    return id_


def require_success(answer: Answer) -> None:
    """Raise ``ProviderRejected`` for errors."""
    if answer.status >= 400:
        # Its texts may quote what was sent.
        hint = ": see the fields and ids of docs/crm.md" if answer.status == 422 else ""
        raise ProviderRejected(f"rd_station: HTTP {answer.status}{hint}")
