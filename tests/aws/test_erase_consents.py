"""Consents and messages as places of an erasure, on moto."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enlace.aws.attachments import Attachments
from enlace.aws.consent_table import ConsentTable
from enlace.aws.delivery_table import DeliveryTable
from enlace.aws.erase_consents import ConsentPlace
from enlace.aws.erase_mail import MailPlace
from enlace.aws.erase_messages import DeliveryPlace
from enlace.aws.erased_objects import ErasedObjects
from enlace.aws.partitions import Partitions
from enlace.domain.consent import ConsentPolicy, ConsentRecord
from enlace.domain.delivery import MessageRecord, Request, State
from enlace.domain.outgoing import Attachment
from enlace.domain.send_claims import SendClaim
from enlace.errors import TemporaryFailure
from enlace.usecases.consents import Consents
from tests.aws.erasing import (
    ERASED,
    always,
    cut_anywhere,
    dynamodb,
    erased,
    identifier,
    items,
    subject_of,
)

__all__ = ["dynamodb"]

PHONE, MAIL = ("phone", "+5511987654321"), ("email", "joao@example.com")
NEIGHBOUR = ("email", "maria@example.com")
BEFORE, AFTER = "2026-11-20T10:00:00.000Z", "2026-11-22T12:00:00.000Z"
SECRET = "o formulario que so ele viu"


@pytest.fixture
def client(dynamodb: Any) -> Any:
    make_more(dynamodb)
    return dynamodb


def make_more(client: Any) -> None:
    """The consent table, and the delivery table with its index."""
    names = client.list_tables()["TableNames"]
    for name in ("consent", "delivery"):
        if name in names:
            client.delete_table(TableName=name)
    client.create_table(
        TableName="consent",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
    )
    client.create_table(
        TableName="delivery",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "about")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "about",
                "KeySchema": [
                    {"AttributeName": "about", "KeyType": "HASH"},
                    {"AttributeName": "pk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )


class Said:
    """Consents of a few addresses."""

    def __init__(self, client: Any):
        self.client = client
        self.table = ConsentTable(client, "consent")
        self.place = ConsentPlace(Partitions(client, "consent"))
        self.consents = Consents(
            self.table,
            policy=ConsentPolicy(),
            now=lambda: AFTER,
            sleep=lambda seconds: None,
        )

    def say(self, to: tuple[str, str], id_: str, state: str, at: str, **stops: str) -> None:
        record = ConsentRecord(
            id_, "marketing", "email", state, "subject", at, at, has_evidence=True
        )
        details = {"evidence": {"form": SECRET, "ip": "203.0.113.7"}, "recorded_by": "op-7"}
        self.consents.record(identifier(*to).key, record, details, stops=stops or None)

    def claim(self, to: tuple[str, str]) -> None:
        key = identifier(*to).key
        claim = SendClaim("m-1/1", 1_700_000_000, 0, 1, True, "aa")
        self.table.put_claims(key, self.table.get(key), [claim])


def lived(client: Any) -> Said:
    make_more(client)
    said = Said(client)
    for to in (PHONE, MAIL, NEIGHBOUR):
        said.say(to, "c1", "granted", BEFORE)
        said.say(to, "c2", "withdrawn", BEFORE, email="stop")
        said.claim(to)
    return said


def test_what_proves_that_the_company_kept_to_it_stays_and_nothing_else(client: Any) -> None:
    said = lived(client)
    before = [one for one in items(client, "consent") if one["pk"]["S"].startswith(key(NEIGHBOUR))]
    subject = subject_of(PHONE, MAIL)
    census = said.place.census(subject)
    # Two records and a state at each of two addresses, each to be reduced and to stay.
    assert (census.found, census.retained) == (12, 6)
    erased(said.place, subject)
    after = items(client, "consent")
    assert [one for one in after if one["pk"]["S"].startswith(key(NEIGHBOUR))] == before
    theirs = repr([one for one in after if not one["pk"]["S"].startswith(key(NEIGHBOUR))])
    for value in (SECRET, "203.0.113.7", "op-7", "claims", *PHONE[1:], *MAIL[1:]):
        assert value not in theirs
    kept = said.table.entry(key(MAIL), "c2")
    assert kept is not None and kept["state"] == "withdrawn" and kept["hash"]
    consent = said.table.get(key(MAIL)).consent
    # The no stays, the yes does not.
    state = consent.purposes["marketing", "email"]
    assert state.denial and state.grant is None and "email" in consent.suppressions
    assert all(one.until.startswith("2031-11") for one in census.kept if "records" in one.what)


def key(of: tuple[str, str]) -> str:
    return identifier(*of).key


def test_whatever_call_it_is_cut_off_at_the_consents_end_alike(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, ends = subject_of(PHONE, MAIL), set()
    for said in cut_anywhere(
        monkeypatch, lambda: lived(client), lambda s: s.place.erase(subject, always)
    ):
        erased(said.place, subject)
        ends.add(repr(items(client, "consent")))
    assert len(ends) == 1


def test_what_a_newcomer_said_stays_theirs(client: Any) -> None:
    said = lived(client)
    said.say(MAIL, "new", "granted", AFTER)
    erased(said.place, subject_of(MAIL))
    entry = said.table.entry(key(MAIL), "new")
    assert entry is not None and entry["evidence"]["form"] == SECRET
    assert said.table.get(key(MAIL)).consent.purposes["marketing", "email"].grant


def test_everything_that_was_said_is_shown_to_who_said_it(client: Any) -> None:
    said = lived(client)
    records = list(said.place.collect(subject_of(MAIL)))
    assert [one["state"] for one in records if one["record"] == "consent"] == [
        "granted",
        "withdrawn",
    ]
    assert records[0]["evidence"]["form"] == SECRET and records[0]["address"]["value"] == MAIL[1]
    assert [one["reason"] for one in records if one["record"] == "suppression"] == ["stop"]


class Scheduler:
    """One-time schedules."""

    class exceptions:
        class ResourceNotFoundException(Exception):
            pass

    def __init__(self, *names: str):
        self.names = set(names)

    def list_schedules(self, *, GroupName: str, NamePrefix: str) -> dict[str, Any]:
        found = sorted(name for name in self.names if name.startswith(NamePrefix))
        return {"Schedules": [{"Name": name} for name in found]}

    def delete_schedule(self, *, GroupName: str, Name: str) -> None:
        if Name not in self.names:
            raise self.exceptions.ResourceNotFoundException
        self.names.remove(Name)


class Sent:
    """Messages to a few addresses: sent, waiting, denied; files with one of them."""

    def __init__(self, client: Any, s3: Any, scheduler: Any = None):
        self.table, self.s3 = DeliveryTable(client, "delivery"), s3
        self.scheduler = scheduler or Scheduler("waits-1-0-due-1", "theirs-waits-0-due-1")
        self.place = DeliveryPlace(
            client,
            "delivery",
            objects=ErasedObjects(lambda: s3, "files"),
            scheduler=self.scheduler,
            group="messages",
        )
        keep = Attachments(lambda: s3, "files").keep
        for prefix, to, customer in (("", MAIL, "c1"), ("theirs-", NEIGHBOUR, "c2")):
            for name in ("sent-1", "waits-1", "denied-1"):
                self.ask(prefix + name, to, customer)
                keep(prefix + name, 0, Attachment("nota.pdf", "application/pdf", SECRET.encode()))
            self.put_off(prefix + "waits-1", State.DEFERRED, to)
            self.put_off(prefix + "denied-1", State.DENIED, to)
            client.put_item(
                TableName="delivery",
                Item={"pk": {"S": f"person#{customer}"}, "reserved": {"S": "[]"}},
            )

    def ask(self, id_: str, to: tuple[str, str], customer: str, at: str = BEFORE) -> None:
        request = Request(key(to), False, ("preferred",), {"text": SECRET}, AFTER)
        self.table.accept(
            MessageRecord(
                id_,
                State.ACCEPTED,
                template="newsletter",
                purpose="marketing",
                customer_id=customer,
                accepted_at=at,
                request=request,
            )
        )

    def put_off(self, id_: str, state: State, to: tuple[str, str]) -> None:
        assert self.table.put_off(id_, state, 0, at=BEFORE, reason="no", steps=[], about=key(to))


@pytest.fixture
def s3(dynamodb: Any) -> Any:
    import botocore.session

    session = botocore.session.get_session()
    session.set_credentials("test", "test")
    client = session.create_client("s3", region_name="us-east-1")
    for bucket in ("files", "mail"):
        client.create_bucket(Bucket=bucket)
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return client


def subject_of_messages(**more: Any) -> Any:
    return subject_of(MAIL, customer_ids=("c1",), located={"messages": ("sent-1",)}, **more)


def versions(s3: Any, bucket: str) -> list[str]:
    answer = s3.list_object_versions(Bucket=bucket)
    return sorted(
        one["Key"] for one in (*answer.get("Versions", ()), *answer.get("DeleteMarkers", ()))
    )


def test_messages_go_whether_they_were_sent_waited_or_were_denied(client: Any, s3: Any) -> None:
    sent = Sent(client, s3)
    subject = subject_of_messages()
    census = sent.place.census(subject)
    # Three records, what is reserved, a schedule, a file with each.
    assert census.found == 3 + 1 + 1 + 3
    assert set(census.located["messages"]) == {"sent-1", "waits-1", "denied-1"}
    assert {one["status"] for one in sent.place.collect(subject)} == {
        "accepted",
        "deferred",
        "denied",
    }
    erased(sent.place, subject)
    left = {one["pk"]["S"] for one in items(client, "delivery")}
    assert left == {
        *(f"message#theirs-{name}" for name in ("sent-1", "waits-1", "denied-1")),
        "person#c2",
    }
    assert sent.scheduler.names == {"theirs-waits-0-due-1"}
    assert len(versions(s3, "files")) == 3
    assert all("theirs" in name for name in versions(s3, "files"))


def test_whatever_call_it_is_cut_off_at_all_messages_go(
    client: Any, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = subject_of_messages(erased_before=ERASED)

    def prepare() -> Sent:
        make_more(client)
        for name in versions(s3, "files"):
            ErasedObjects(lambda: s3, "files").erase(name)
        return Sent(client, s3)

    for sent in cut_anywhere(monkeypatch, prepare, lambda s: s.place.erase(subject, always)):
        # What was located before the crash is on record.
        again = replace(subject, located={"messages": ("sent-1", "waits-1", "denied-1")})
        erased(sent.place, again)
        assert len(items(client, "delivery")) == 4 and len(versions(s3, "files")) == 3


def test_an_id_that_somebody_made_up_deletes_nobody_elses_message(client: Any, s3: Any) -> None:
    sent = Sent(client, s3)
    subject = subject_of(MAIL, customer_ids=("c1",), located={"messages": ("theirs-sent-1",)})
    erased(sent.place, subject)
    assert sent.table.get("theirs-sent-1") is not None


def test_a_newcomers_message_stays(client: Any, s3: Any) -> None:
    sent = Sent(client, s3)
    sent.ask("new-1", MAIL, "c9", at=AFTER)
    subject = subject_of(MAIL, customer_ids=("c1",), located={"messages": ("new-1",)})
    erased(sent.place, subject)
    assert sent.table.get("new-1") is not None


class TestObjects:
    """Auditor's cases 3 and 4."""

    def test_every_version_and_every_marker_goes(self, s3: Any) -> None:
        for _ in range(3):
            s3.put_object(Bucket="mail", Key="in/abc", Body=SECRET.encode())
        s3.delete_object(Bucket="mail", Key="in/abc")
        s3.put_object(Bucket="mail", Key="in/other", Body=b"theirs")
        place = MailPlace(ErasedObjects(lambda: s3, "mail"))
        subject = subject_of(MAIL, located={"mails": ("in/abc",)})
        assert place.census(subject).found == 4
        erased(place, subject)
        assert versions(s3, "mail") == ["in/other"]

    def test_more_than_a_page_goes(self, s3: Any) -> None:
        for n in range(23):
            s3.put_object(Bucket="files", Key=f"attachments/m-1/{n:04d}", Body=b"x")
        objects = ErasedObjects(lambda: s3, "files", page=5)
        assert objects.count("attachments/m-1/") == 23
        objects.erase("attachments/m-1/")
        assert objects.count("attachments/m-1/") == 0

    def test_a_success_with_errors_inside_is_none(self, s3: Any) -> None:
        s3.put_object(Bucket="mail", Key="in/abc", Body=b"x")
        delete, failures = s3.delete_objects, [1]

        class Refusing:
            def __getattr__(self, name: str) -> Any:
                return getattr(s3, name)

            def delete_objects(self, **arguments: Any) -> Any:
                if failures:
                    failures.pop()
                    one = arguments["Delete"]["Objects"][0]
                    return {"Errors": [{**one, "Code": "InternalError", "Message": "no"}]}
                return delete(**arguments)

        place = MailPlace(ErasedObjects(Refusing, "mail"))
        subject = subject_of(MAIL, located={"mails": ("in/abc",)})
        with pytest.raises(TemporaryFailure, match="InternalError"):
            place.erase(subject, always)
        assert place.census(subject).found == 1
        erased(place, subject)
