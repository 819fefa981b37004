"""Salesforce's own ways: tokens, errors, fields that are not there, and the form of its calls.

Facts held here, with where they stand (developer.salesforce.com, checked 2026-11-23):

- upsert: ``PATCH /services/data/vXX.X/sobjects/<Object>/<ExternalId>/<value>``; 200 or 201 with
  ``id``; 300 with the matching records where there are several (REST API, errorcodes.htm).
- collections: ``PATCH /composite/sobjects``, up to 200 records, 200 with ``success`` and
  ``errors[].statusCode`` each (resources_composite_sobjects_collections_update.htm).
- errors of a request: a list of ``{"errorCode", "message"}``; 403 REQUEST_LIMIT_EXCEEDED.
- client credentials: form fields to ``/services/oauth2/token`` of the org's own domain
  (remoteaccess_oauth_client_credentials_flow.htm).
- merge(): ``request`` with ``masterRecord`` and ``recordToMergeIds`` (partner WSDL; jsforce).
- archived tasks: seen by queryAll only, may be updated (sforce_api_guidelines_archive.htm).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from enlace.domain.crm import Activity, Contact
from enlace.errors import (
    EnlaceError,
    ProviderRejected,
    ProviderUnavailable,
    TemporaryFailure,
)
from enlace.senders.http_json import bearer
from enlace.senders.oauth import ClientCredentials
from enlace.senders.salesforce import TOKEN_PATH, Salesforce
from tests.unit.senders.crm_fake import Response
from tests.unit.senders.crm_providers import http, salesforce
from tests.unit.senders.salesforce_fake import DATA, FakeSalesforce

ACTIVITY = Activity(
    "i-1", "2026-11-20T12:00:00.000Z", "message.received", "sms", "inbound", "k", ("Olá",), {}
)


def contact(**fields: Any) -> Contact:
    return Contact("c-1", **fields)


def refusing(status: int, body: bytes) -> Salesforce:
    """An adapter whose org says one thing to everything."""

    class Pool:
        def request(self, method: str, url: str, **options: Any) -> Response:
            return Response(status, body)

    return Salesforce(http(Pool()), ClientCredentials(http(Pool()), "", str, str))


def test_an_expired_token_is_renewed_once_and_the_call_made_again() -> None:
    fake = FakeSalesforce()
    crm = salesforce(fake)
    crm.upsert_contact(contact(name="João da Silva"))
    fake.expire()
    crm.upsert_contact(contact(phone="+5511987654321"))
    assert (fake.tokens, len(fake.views())) == (2, 1)


def test_one_token_serves_many_calls() -> None:
    fake = FakeSalesforce()
    crm = salesforce(fake)
    for _ in range(3):
        crm.record(ACTIVITY)
    assert fake.tokens == 1


def test_a_merge_renews_its_token_too() -> None:
    fake = FakeSalesforce()
    crm = salesforce(fake)
    ids = [crm.upsert_contact(Contact(f"c-{n}")) for n in range(2)]
    fake.tokens += 1
    fake.token = "another"
    assert crm.merge_contacts(*ids, ()) == ids[0]
    assert list(fake.records["Contact"]) == [ids[0]]


def test_a_merge_whose_answer_was_lost_is_seen_to_be_done() -> None:
    fake = FakeSalesforce()
    crm = salesforce(fake)
    ids = [crm.upsert_contact(Contact(f"c-{n}")) for n in range(2)]
    fake.faults = [("after", 503)]
    assert crm.merge_contacts(*ids, ()) == ids[0]
    with pytest.raises(ProviderRejected):
        crm.merge_contacts("003000000000000000", ids[0], ())


def test_an_unknown_client_is_said_and_mended_later() -> None:
    fake = FakeSalesforce()
    token = ClientCredentials(http(fake), TOKEN_PATH, lambda: "id", lambda: "wrong")
    with pytest.raises(ProviderUnavailable, match="invalid_client"):
        Salesforce(http(fake, bearer(token)), token).record(ACTIVITY)


def test_fields_that_are_not_there_are_a_thing_to_mend() -> None:
    crm = salesforce(FakeSalesforce(provisioned=False))
    with pytest.raises(ProviderUnavailable, match=r"docs/crm\.md"):
        refusing(400, b'[{"errorCode": "INVALID_FIELD", "message": "joao"}]').record(ACTIVITY)
    with pytest.raises(EnlaceError):
        crm.record(ACTIVITY)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "UNABLE_TO_LOCK_ROW", TemporaryFailure),
        (403, "REQUEST_LIMIT_EXCEEDED", ProviderUnavailable),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY", ProviderUnavailable),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", ProviderUnavailable),
        (400, "DUPLICATE_VALUE", TemporaryFailure),
        (400, "STRING_TOO_LONG", ProviderRejected),
        (401, "INVALID_SESSION_ID", ProviderUnavailable),
    ],
)
def test_what_an_error_means(status: int, code: str, expected: type[EnlaceError]) -> None:
    body = f'[{{"errorCode": "{code}", "message": "joao@example.com"}}]'.encode()
    with pytest.raises(expected) as caught:
        refusing(status, body).record(ACTIVITY)
    assert "joao" not in str(caught.value)
    # A passing failure is tried again at once; a provider that is down is not.
    assert isinstance(caught.value, ProviderUnavailable) == (expected is ProviderUnavailable)


def test_an_error_inside_a_success_is_an_error() -> None:
    body = b'[{"success": false, "errors": [{"statusCode": "ENTITY_IS_DELETED"}]}]'
    with pytest.raises(ProviderRejected, match="ENTITY_IS_DELETED"):
        refusing(200, body).attach(["00T1"], "0031")


def test_a_task_that_two_senders_made_becomes_one() -> None:
    fake = FakeSalesforce()
    crm = salesforce(fake)
    crm.record(ACTIVITY)
    (made,) = fake.records["Task"].values()
    fake.records["Task"]["00T9"] = dict(made)
    crm.record(ACTIVITY)
    assert len(fake.records["Task"]) == 1


def test_names_are_split_and_a_contact_without_one_gets_a_label() -> None:
    fake = FakeSalesforce()
    crm = salesforce(fake)
    crm.upsert_contact(contact())
    (fields,) = fake.records["Contact"].values()
    assert fields["LastName"] == "Enlace c-1"
    for name, first, last in (
        ("João da Silva", "João", "da Silva"),
        ("Pelé", None, "Pelé"),
        ("", None, "Enlace c-1"),
    ):
        crm.upsert_contact(contact(name=name))
        assert (fields["FirstName"], fields["LastName"]) == (first, last)


def test_a_new_contact_is_put_under_the_account_and_left_where_people_move_it() -> None:
    fake = FakeSalesforce()
    token = ClientCredentials(http(fake), TOKEN_PATH, lambda: "id", lambda: "secret")
    crm = Salesforce(http(fake, bearer(token)), token, lambda: "001A")
    id_ = crm.upsert_contact(contact())
    assert fake.records["Contact"][id_]["AccountId"] == "001A"
    fake.records["Contact"][id_]["AccountId"] = "001B"
    crm.upsert_contact(contact(name="João"))
    assert fake.records["Contact"][id_]["AccountId"] == "001B"


def test_nothing_of_a_person_stands_in_a_url_and_quotes_cannot_break_out() -> None:
    fake = FakeSalesforce()
    crm = salesforce(fake)
    urls: list[str] = []
    handle = fake.handle
    fake.handle = lambda m, url, b, h: urls.append(url) or handle(m, url, b, h)  # type: ignore
    crm.upsert_contact(contact(email="joao@example.com", phone="+5511987654321", name="João"))
    crm.record(ACTIVITY)
    assert crm.find_activities("k", ["i-1", "x' OR Id != '"]) != []
    assert not any("joao" in url or "987654321" in url or "Jo" in url for url in urls)
    assert "'x\\' OR Id != \\''" in unquote(urls[-1])


def test_many_tasks_take_few_calls() -> None:
    fake = FakeSalesforce()
    crm = salesforce(fake)
    id_ = crm.upsert_contact(contact())
    tasks = [f"00T{n}" for n in range(450)]
    fake.records["Task"] = {task: {"EnlaceInteractionId__c": task} for task in tasks}
    fake.calls.clear()
    crm.attach(tasks, id_)
    crm.detach(tasks, "003-another")
    assert (
        fake.calls
        == [("PATCH", f"{DATA}/composite/sobjects")] * 3 + [("GET", f"{DATA}/queryAll")] * 3
    )
    assert {task["WhoId"] for task in fake.records["Task"].values()} == {id_}
