"""Erasing messages: records, reservations, files in all their versions, schedules."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest

from enlace.aws.delivery_table import DeliveryTable
from enlace.aws.erase_messages import DeliveryPlace
from enlace.aws.erased_objects import ErasedObjects
from enlace.domain.delivery import Choice, MessageRecord, Request, State, Step
from enlace.domain.erasure import Subject
from enlace.errors import TemporaryFailure
from tests.aws import erasing
from tests.aws.erasing import always, cut_anywhere, dynamodb, erased, identifier, items, subject_of

__all__ = ["dynamodb"]

EMAIL, NEIGHBOUR = ("email", "maria@example.com"), ("email", "joao@example.com")
BEFORE, AFTER = "2026-11-21T09:00:00.000Z", "2026-11-22T11:00:00.000Z"
#: Sent, put off until the morning, denied, and reserved but never told of by a timeline.
SENT, WAITING, DENIED, RESERVED, FOREIGN = "m-sent", "m-waits", "m-denied", "m-reserved", "m-other"
NOW = int(datetime(2026, 11, 21, tzinfo=UTC).timestamp())


def client(service: str) -> Any:
    return botocore.session.get_session().create_client(
        service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


class Scene:
    def __init__(self, dynamodb: Any) -> None:
        erasing.make_tables(dynamodb)
        dynamodb.delete_table(TableName="delivery")
        dynamodb.create_table(
            TableName="delivery",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "about")
            ],
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
        self.client, self.table = dynamodb, DeliveryTable(dynamodb, "delivery")
        self.s3, self.scheduler = client("s3"), client("scheduler")
        self._bucket()
        self.place = DeliveryPlace(
            dynamodb,
            "delivery",
            objects=ErasedObjects(lambda: self.s3, "files"),
            scheduler=self.scheduler,
            group="messages",
        )
        self.write(NEIGHBOUR, "c-2", "n-")
        self.others = items(dynamodb, "delivery"), self.objects(), self.schedules()
        self.write(EMAIL, "c-1", "")

    def _bucket(self) -> None:
        if "files" in [one["Name"] for one in self.s3.list_buckets()["Buckets"]]:
            ErasedObjects(lambda: self.s3, "files").erase("")
            for name in self.schedules():
                self.scheduler.delete_schedule(GroupName="messages", Name=name)
            return
        self.s3.create_bucket(Bucket="files")
        self.s3.put_bucket_versioning(Bucket="files", VersioningConfiguration={"Status": "Enabled"})
        self.scheduler.create_schedule_group(Name="messages")

    def accept(self, id_: str, point: tuple[str, str], customer: str, at: str = BEFORE) -> None:
        key = identifier(*point).key
        data = {"name": "Maria", "protocol": "segredo"}
        request = Request(key, False, ("email",), data, "2026-11-29T09:00:00.000Z")
        record = MessageRecord(
            id_,
            State.ACCEPTED,
            template="protocol_opened",
            purpose="transactional",
            customer_id=customer,
            accepted_at=at,
            request=request,
        )
        assert self.table.accept(record)

    def write(self, point: tuple[str, str], customer: str, prefix: str) -> None:
        key = identifier(*point).key
        for id_ in (SENT, WAITING, DENIED, RESERVED):
            self.accept(prefix + id_, point, customer)
        for id_ in (SENT, WAITING):
            folder = f"attachments/{prefix}{id_}/0"
            for version in (b"one", b"two"):
                self.s3.put_object(Bucket="files", Key=folder, Body=version)
            self.s3.delete_object(Bucket="files", Key=folder)
        choice = Choice(1, "email", "email", key)
        self.table.decide(prefix + SENT, choice, [])
        self.table.settle(
            MessageRecord(
                prefix + SENT,
                State.SENT,
                attempt=1,
                channel="email",
                contact_kind="email",
                contact_key=key,
                customer_id=customer,
                settled_at=BEFORE,
            )
        )
        for id_, state in ((WAITING, State.DEFERRED), (DENIED, State.DENIED)):
            steps = [Step(BEFORE, str(state), "quiet hours")]
            assert self.table.put_off(
                prefix + id_, state, 0, at=BEFORE, reason="x", steps=steps, about=key
            )
        self.table.reserve(customer, prefix + RESERVED, choice, caps=(), counted=(), now=NOW)
        self.scheduler.create_schedule(
            GroupName="messages",
            Name=f"{prefix}{WAITING}-0",
            ScheduleExpression="at(2027-01-01T00:00:00)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "RoleArn": "arn:aws:iam::1:r"},
        )

    def objects(self) -> list[str]:
        answer = self.s3.list_object_versions(Bucket="files")
        found = (*answer.get("Versions", ()), *answer.get("DeleteMarkers", ()))
        return sorted(f"{one['Key']} {one['VersionId']}" for one in found)

    def schedules(self) -> list[str]:
        answer = self.scheduler.list_schedules(GroupName="messages")
        return sorted(one["Name"] for one in answer["Schedules"])

    def everything(self) -> tuple[Any, Any, Any]:
        return items(self.client, "delivery"), self.objects(), self.schedules()


def subject(**more: Any) -> Subject:
    fields = {"customer_ids": ("c-1",), "located": {"messages": (SENT,)}, **more}
    return subject_of(EMAIL, **fields)


@pytest.fixture
def scene(dynamodb: Any) -> Scene:
    return Scene(dynamodb)


def test_all_of_it_goes_and_the_neighbours_stays_to_the_byte(scene: Scene) -> None:
    """Cases 1 and 3."""
    census = scene.place.census(subject())
    # Four records, the reservations, two files of two versions and a marker, one schedule.
    assert census.found == 4 + 1 + 2 * 3 + 1 and not census.kept
    assert set(census.located["messages"]) == {SENT, WAITING, DENIED, RESERVED}
    erased(scene.place, subject(located=census.located))
    assert scene.everything() == scene.others


def test_whatever_call_it_is_cut_off_at_all_goes_in_the_end(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The saga writes the census down before anything is deleted.
    known = subject(located={"messages": (SENT, WAITING, DENIED, RESERVED)})
    for scene in cut_anywhere(
        monkeypatch,
        lambda: Scene(dynamodb),
        lambda scene: scene.place.erase(known, always),
        sides=(True,),
    ):
        erased(scene.place, known)
        assert scene.everything() == scene.others


def test_an_id_that_somebody_made_up_and_what_came_later_stay(scene: Scene) -> None:
    scene.accept("m-new", EMAIL, "c-9", at=AFTER)
    before = scene.table.get("m-new"), scene.table.get(f"n-{SENT}")
    located = {"messages": (SENT, f"n-{SENT}", "m-new", "none")}
    found = scene.place.census(subject(located=located))
    erased(scene.place, subject(located=found.located))
    assert (scene.table.get("m-new"), scene.table.get(f"n-{SENT}")) == before
    # Nor the other's files, nor what is scheduled for them.
    assert scene.everything()[1:] == scene.others[1:]


def test_files_that_are_not_deleted_are_tried_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 4: DeleteObjects answers 200 with errors inside."""
    delete = scene.s3.delete_objects

    def refuse(**parameters: Any) -> Any:
        return {"Errors": [{"Key": "a", "Code": "InternalError"}]}

    monkeypatch.setattr(scene.s3, "delete_objects", refuse)
    with pytest.raises(TemporaryFailure, match="1 not deleted: InternalError"):
        scene.place.erase(subject(), always)
    assert scene.table.get(SENT) is not None
    monkeypatch.setattr(scene.s3, "delete_objects", delete)
    located = scene.place.census(subject()).located
    erased(scene.place, subject(located=located))
    assert scene.everything() == scene.others


def test_an_interrupted_one_says_so(scene: Scene) -> None:
    assert not scene.place.erase(subject(), lambda: False)


def test_a_copy_tells_what_was_written(scene: Scene) -> None:
    found = {one["message_id"]: one for one in scene.place.collect(subject())}
    assert set(found) == {SENT, WAITING, DENIED, RESERVED}
    assert found[WAITING]["status"] == "deferred"
    assert found[WAITING]["data"] == {"name": "Maria", "protocol": "segredo"}
    json.dumps(list(found.values()))


def test_thousands_of_records_are_not_read_one_by_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = scene.client.get_item
    one_by_one: list[str] = []

    def counted(**arguments: Any) -> Any:
        one_by_one.append(arguments["Key"]["pk"]["S"])
        return read(**arguments)

    monkeypatch.setattr(scene.client, "get_item", counted)
    located = {"messages": (SENT, *(f"none-{n}" for n in range(250)))}
    assert len(list(scene.place.collect(subject(located=located)))) == 4
    assert set(one_by_one) == {"person#c-1"}
