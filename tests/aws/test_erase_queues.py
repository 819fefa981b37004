"""Queues and dead-letter queues on moto: the subject's messages go, everybody else's stay."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.erase_queues import QueuePlace
from enlace.aws.queue_walk import DEAD_SECONDS
from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.interaction import epoch_text
from enlace.errors import TemporaryFailure

EMAIL = "luzia.aurora@example.com"
PHONE = "+5511987650101"
KEY = "email#AAAAAAAAAAAAAAAAAAAAAA"
OTHERS_KEY = "email#BBBBBBBBBBBBBBBBBBBBBB"
MESSAGE_ID = "5d3c1f6e-2ad0-4c1a-9e57-0a4b8c6d7e01"


class Sqs:
    """A working queue with its dead-letter queue, and the place over both."""

    def __init__(self) -> None:
        client: Any = botocore.session.get_session().create_client(
            "sqs", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        self.client = client
        self.dead = self.client.create_queue(QueueName="dead")["QueueUrl"]
        arn = self.client.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])
        redrive = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": 3}
        self.working = self.client.create_queue(
            QueueName="working", Attributes={"RedrivePolicy": json.dumps(redrive)}
        )["QueueUrl"]
        self.urls = [self.working, self.dead]
        self.now = time.time
        self.place = QueuePlace(
            self.client, self.urls, clock=lambda: self.now(), sleep=lambda _: None, wait_seconds=0
        )

    def put(self, url: str, *bodies: Any) -> None:
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.client.send_message(
                QueueUrl=url,
                MessageBody=text,
                MessageAttributes={"reason": {"DataType": "String", "StringValue": "why not"}},
            )

    def bodies(self, url: str) -> list[str]:
        """What is in a queue and can be received, sorted."""
        found: list[str] = []
        while True:
            answer = self.client.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            if not answer.get("Messages"):
                return sorted(found)
            for message in answer["Messages"]:
                assert message["MessageAttributes"]["reason"]["StringValue"] == "why not"
                found.append(message["Body"])


@pytest.fixture
def sqs() -> Iterator[Sqs]:
    with mock_aws():
        yield Sqs()


def subject(erased_before: float | None = None, **located: tuple[str, ...]) -> Subject:
    moment = time.time() + 60 if erased_before is None else erased_before
    identifiers = (
        SubjectIdentifier(KEY, "email", EMAIL, "Luzia.Aurora@Example.com"),
        SubjectIdentifier("phone#CCCCCCCCCCCCCCCCCCCCCC", "phone", PHONE, "551187650101"),
        SubjectIdentifier("instagram#DDDDDDDDDDDDDDDDDDDDDD", "instagram:page", "luz"),
    )
    return Subject("r1", epoch_text(moment), identifiers, ("cabc",), located)


def interaction(value: str, kind: str = "email", **more: Any) -> dict[str, Any]:
    return {"id": "x", "type": "message.received", **more} | {
        "contact_point": {"kind": kind, "value": value, "level": "proven"}
    }


def always() -> bool:
    return True


#: Bodies that the subject is in, as channels and the bus write them.
MINE: dict[str, Any] = {
    "the contract": interaction(EMAIL),
    "otherwise written": interaction(" LUZIA.AURORA@example.com "),
    "a short id, of its kind": interaction("luz", "instagram:page"),
    "a vendor's payload": {"from": "5511987650101", "text": {"body": "oi"}},
    "without the ninth digit": {"contacts": [{"wa_id": "551187650101"}]},
    "a number that is a number": {"from": 5511987650101},
    "as people write it": {"note": "me liga: (11) 98765-0101!"},
    "JSON in a text": json.dumps({"mail": {"source": EMAIL}}),
    "JSON in a text in JSON": {"Message": json.dumps({"x": json.dumps({"to": [EMAIL]})})},
    "escaped": '{"from": "luzia.aurora\\u0040example.com"}',
    "a form": "From=%2B5511987650101&Body=oi",
    "no JSON": f"<x>{EMAIL}</x>",
    "an event, by its address key": {"detail": {"data": {"contact_point": {"key": KEY}}}},
    "an event, by an id": {"detail": {"data": {"message_id": MESSAGE_ID}}},
}
#: And bodies that only look like it.
OTHERS: dict[str, Any] = {
    "somebody else": interaction("outra.pessoa@example.com"),
    "a longer local part": interaction("x.luzia.aurora@example.com"),
    "a longer domain": {"from": f"{EMAIL}.br"},
    "a longer number": {"from": "55119876501012"},
    "another ending": {"from": "5511987650102"},
    "a short id of another kind": interaction("luz", "x_user"),
    "a short id as a word": {"name": "luz"},
    "another's key": {"detail": {"data": {"contact_point": {"key": OTHERS_KEY}}}},
    "no JSON": "oi",
}


@pytest.mark.parametrize("name", MINE)
def test_the_subjects_message_goes_in_whatever_form_it_is(sqs: Sqs, name: str) -> None:
    sqs.put(sqs.dead, MINE[name])
    about = subject(messages=(MESSAGE_ID,))

    assert sqs.place.census(about).found == 1
    assert sqs.place.erase(about, always)
    assert sqs.place.census(about) == (0, (), {})
    assert sqs.bodies(sqs.dead) == []


@pytest.mark.parametrize("name", OTHERS)
def test_what_only_looks_like_it_stays_and_can_be_received_at_once(sqs: Sqs, name: str) -> None:
    sqs.put(sqs.dead, OTHERS[name])
    about = subject(messages=(MESSAGE_ID,))

    assert sqs.place.census(about).found == 0
    assert sqs.place.erase(about, always)
    body = OTHERS[name]
    assert sqs.bodies(sqs.dead) == [body if isinstance(body, str) else json.dumps(body)]


def test_of_many_messages_only_the_subjects_go(sqs: Sqs) -> None:
    others = [json.dumps(interaction(f"p{n}@example.com")) for n in range(55)]
    for number, body in enumerate(others):
        sqs.put(sqs.urls[number % 2], body)
    for url in sqs.urls:
        sqs.put(url, *MINE.values())
    about = subject(messages=(MESSAGE_ID,))

    assert sqs.place.census(about).found == 2 * len(MINE)
    assert sqs.place.erase(about, always)
    assert sorted(sqs.bodies(sqs.working) + sqs.bodies(sqs.dead)) == sorted(others)


def test_of_a_packed_message_only_the_subjects_part_goes(sqs: Sqs) -> None:
    own = interaction("ana@example.com", n=1)
    stated = interaction("bia@example.com") | {
        "identifiers": [{"kind": "phone", "value": PHONE}, {"kind": "cpf", "value": "1"}]
    }
    sqs.put(sqs.working, [own, interaction(EMAIL), stated, interaction(PHONE, "phone")])

    assert sqs.place.census(subject()).found == 3
    assert sqs.place.erase(subject(), always)
    (left,) = sqs.bodies(sqs.working)
    assert json.loads(left) == [own, stated | {"identifiers": [{"kind": "cpf", "value": "1"}]}]
    assert sqs.place.census(subject()).found == 0


def test_a_newcomers_message_stays(sqs: Sqs) -> None:
    """Case 10: whoever signs up anew while the erasure is checked is somebody new."""
    sqs.put(sqs.dead, interaction(EMAIL))
    about = subject(erased_before=time.time() - 60)

    assert sqs.place.census(about).found == 0
    assert sqs.place.erase(about, always)
    assert len(sqs.bodies(sqs.dead)) == 1


def test_what_was_received_before_goes_however_late_it_was_put_there(sqs: Sqs) -> None:
    about = subject(erased_before=time.time() - 60)
    sqs.put(sqs.dead, interaction(EMAIL, received_at=epoch_text(time.time() - 3600)))

    assert sqs.place.census(about).found == 1


def test_a_fact_about_others_too_is_kept_and_certified(sqs: Sqs) -> None:
    parts = {"into": [{"identifiers": [KEY]}, {"identifiers": [OTHERS_KEY]}]}
    sqs.put(sqs.working, {"detail": {"data": parts}})

    census = sqs.place.census(subject())
    assert sqs.place.erase(subject(), always)

    assert (census.found, census.retained) == (1, 1)
    assert sqs.place.census(subject()) == census
    assert len(sqs.bodies(sqs.working)) == 1


def test_a_notification_that_was_given_up_tells_where_its_mail_is(sqs: Sqs) -> None:
    """Mail that never became an interaction is found by what announced it."""
    notification = {
        "mail": {"source": EMAIL},
        "receipt": {"action": {"bucketName": "mail", "objectKey": "k1"}},
    }
    other = {"mail": {"source": "x@example.com"}, "receipt": {"action": {"objectKey": "k2"}}}
    sqs.put(sqs.dead, json.dumps(json.dumps(notification)), json.dumps(json.dumps(other)))

    assert sqs.place.census(subject()).located == {"mails": ("k1",)}


def test_what_the_bus_notes_about_a_failure_is_read_as_well(sqs: Sqs) -> None:
    note = {"ERROR_MESSAGE": {"DataType": "String", "StringValue": f"no {EMAIL}"}}
    sqs.client.send_message(QueueUrl=sqs.dead, MessageBody="{}", MessageAttributes=note)

    assert sqs.place.census(subject()).found == 1
    assert sqs.place.erase(subject(), always)
    assert sqs.place.census(subject()).found == 0


def test_reading_never_sends_others_messages_to_the_dead_letters(sqs: Sqs) -> None:
    sqs.put(sqs.working, interaction("ana@example.com"))

    for _ in range(12):
        assert sqs.place.erase(subject(), always)

    counts = sqs.client.get_queue_attributes(QueueUrl=sqs.dead, AttributeNames=["All"])
    assert counts["Attributes"]["ApproximateNumberOfMessages"] == "0"
    assert len(sqs.bodies(sqs.working)) == 1


def test_dead_letters_that_somebody_else_holds_are_not_called_clean(sqs: Sqs) -> None:
    sqs.put(sqs.dead, interaction(EMAIL))
    sqs.client.receive_message(QueueUrl=sqs.dead, VisibilityTimeout=30)

    with pytest.raises(TemporaryFailure):
        sqs.place.census(subject())
    with pytest.raises(TemporaryFailure):
        sqs.place.erase(subject(), always)


def test_without_time_it_is_not_done(sqs: Sqs) -> None:
    sqs.put(sqs.dead, *(interaction(f"p{n}@example.com") for n in range(15)), interaction(EMAIL))
    left = iter([True, True, True, False])

    assert not sqs.place.erase(subject(), lambda: next(left, False))
    assert not sqs.place.erase(subject(), lambda: False)
    assert sqs.place.erase(subject(), always)
    assert len(sqs.bodies(sqs.dead)) == 15


def test_a_queue_that_is_too_long_is_not_called_clean(sqs: Sqs) -> None:
    sqs.put(sqs.dead, *(interaction(f"p{n}@example.com") for n in range(30)))
    ticks = iter(range(0, 10**9, DEAD_SECONDS // 2))
    sqs.now = lambda: float(next(ticks))

    with pytest.raises(TemporaryFailure):
        sqs.place.census(subject())


def test_a_service_that_fails_is_a_temporary_failure(sqs: Sqs) -> None:
    place = QueuePlace(sqs.client, [f"{sqs.dead}-no"])

    with pytest.raises(TemporaryFailure):
        place.census(subject())
