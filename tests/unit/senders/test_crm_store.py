"""The laptop stack's CRM answers as HubSpot does where the sender depends on it."""

from __future__ import annotations

from local.crm_store import Store

CONTACTS = "/crm/v3/objects/contacts"
BY_CUSTOMER = "?properties=enlace_customer_id&idProperty=enlace_customer_id"


def made(store: Store, customer_id: str) -> str:
    names = {"inputs": [{"name": "enlace_customer_id"}]}
    store.answer("POST", "/crm/v3/properties/contacts/batch/create", names)
    one = {"id": customer_id, "idProperty": "enlace_customer_id", "properties": {}}
    status, answer = store.answer("POST", f"{CONTACTS}/batch/upsert", {"inputs": [one]})
    assert status == 200
    return str(answer["results"][0]["id"])


def test_a_contact_is_found_by_its_customer() -> None:
    store = Store()
    id_ = made(store, "c-1")
    assert store.answer("GET", f"{CONTACTS}/c-1{BY_CUSTOMER}", None)[1]["id"] == id_
    assert store.answer("GET", f"{CONTACTS}/c-2{BY_CUSTOMER}", None)[0] == 404


def test_a_merged_contact_is_found_by_either_id_and_its_survivors_customer_alone() -> None:
    store = Store()
    primary, other = made(store, "c-1"), made(store, "c-2")
    merge = {"primaryObjectId": primary, "objectIdToMerge": other}
    merged = store.answer("POST", f"{CONTACTS}/merge", merge)[1]["id"]
    for id_ in (primary, other):
        assert store.answer("GET", f"{CONTACTS}/{id_}?properties=x", None)[1]["id"] == merged
    assert store.answer("GET", f"{CONTACTS}/c-1{BY_CUSTOMER}", None)[1]["id"] == merged
    assert store.answer("GET", f"{CONTACTS}/c-2{BY_CUSTOMER}", None)[0] == 404


def test_whoever_is_erased_is_gone_with_their_notes() -> None:
    store = Store()
    contact, neighbour = made(store, "c-1"), made(store, "c-2")
    notes = "/crm/v3/objects/notes"
    note = store.answer("POST", notes, {"properties": {"hs_note_body": "segredo"}})[1]["id"]
    emptied = {"inputs": [{"id": note, "properties": {"hs_note_body": ""}}]}
    assert store.answer("POST", f"{notes}/batch/update", emptied)[0] == 200
    assert store.shown("engagements")[0]["properties"] == {"hs_note_body": ""}  # type: ignore[index]
    for _ in range(2):
        assert store.answer("POST", f"{notes}/batch/archive", emptied)[0] == 204
    assert store.shown("engagements") == []
    erase = {"objectId": contact}
    assert store.answer("POST", f"{CONTACTS}/gdpr-delete", erase)[0] == 204
    assert store.answer("POST", f"{CONTACTS}/gdpr-delete", erase)[0] == 404
    assert [item["id"] for item in store.shown("contacts") or ()] == [neighbour]
