"""Requests and erasures by the real functions on moto, cut off at their calls to AWS.

All calls are tried, before and after, with ``ENLACE_CALL_STRIDE=1 pytest --timeout 3600`` (half
an hour); else a few, before them or after them.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.clients import session as clients_session
from enlace.aws.store import DynamoStore
from enlace.domain.consent import ConsentRecord
from enlace.domain.delivery import MessageRecord, Request, State
from enlace.rules import default_rules
from tests.aws.erasing import CALL_STRIDE
from tests.aws.test_api_functions import event
from tests.aws.test_message_crashes import Cut
from tests.stores.builders import interaction
from tests.stores.template import template
from tests.unit.test_bus_consumer import Context as Left
from tests.unit.usecases.fakes import Crash

ROOT = Path(__file__).parents[2]
TABLES = {
    "PRIVACY_TABLE": "PrivacyTable",
    "IDENTITY_TABLE": "IdentityTable",
    "TIMELINE_TABLE": "TimelineTable",
    "CASE_TABLE": "CaseTable",
    "CONSENT_TABLE": "ConsentTable",
    "CANDIDATE_TABLE": "CandidateTable",
    "DELIVERY_TABLE": "DeliveryTable",
}
PHONE, MAIL, NEIGHBOUR = "+5511987654321", "canario@example.com", "+5521912345678"
NAME, TEXT = "Canario da Silva", "segredo do canario"
AT = "2026-11-20T12:00:00.000Z"
#: One call in so many, where not all are tried.
STRIDE = CALL_STRIDE


class Stack:
    """The tables of the template, and what the two functions want besides."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        made = botocore.session.get_session()
        self.client = lambda name: made.create_client(name, region_name="us-east-1")
        self.dynamodb = self.client("dynamodb")
        resources = template()["Resources"]
        for variable, logical in TABLES.items():
            wanted = {
                name: resources[logical]["Properties"][name]
                for name in ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
                if name in resources[logical]["Properties"]
            }
            self.dynamodb.create_table(TableName=logical, BillingMode="PAY_PER_REQUEST", **wanted)
            monkeypatch.setenv(variable, logical)
        sqs, kms, s3 = self.client("sqs"), self.client("kms"), self.client("s3")
        urls = {
            name: sqs.create_queue(QueueName=name)["QueueUrl"]
            for name in ("erasures", "interactions", "dead")
        }
        self.erasures = urls["erasures"]
        for bucket in ("mail", "files"):
            s3.create_bucket(Bucket=bucket)
        self.client("events").create_event_bus(Name="enlace")
        self.client("scheduler").create_schedule_group(Name="messages")
        self.client("ses").verify_email_identity(EmailAddress="sac@example.com")
        key = json.dumps({"version": "1", "keys": {"1": "c2Vj" * 11}})
        secrets = self.client("secretsmanager")
        secrets.create_secret(Name="address-key", SecretString=key)
        secrets.create_secret(Name="api-key", SecretString=json.dumps({"api_key": "k" * 43}))
        signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        for name, value in {
            "ADDRESS_KEY_SECRET_ID": "address-key",
            "API_KEY_SECRET_ID": "api-key",
            "PRIVACY_KEY_ID": kms.create_key()["KeyMetadata"]["KeyId"],
            "CERTIFICATE_KEY_ID": signing["KeyMetadata"]["KeyId"],
            "ERASURE_QUEUE_URL": self.erasures,
            "INTERACTIONS_QUEUE_URL": urls["interactions"],
            "QUEUE_URLS": f"{urls['interactions']} {urls['dead']}",
            "MAIL_BUCKET": "mail",
            "ATTACHMENTS_BUCKET": "files",
            "EXPORTS_BUCKET": "files",
            "SCHEDULE_GROUP": "messages",
            "BUS_NAME": "enlace",
            "WAIT_SECONDS": "0",
            "EMAIL_FROM": "sac@example.com",
            "SMS_PROVIDER": "sns",
            "SMS_ORIGIN": "",
            # Not set up, so there is none.
            "CRM_PROVIDER": "webhook",
            "CRM_BASE_URL": "",
            "CRM_SECRET_ID": "none",
        }.items():
            monkeypatch.setenv(name, value)
        self.api, self.eraser = load("api_privacy"), load("erase_subject")
        self.store = DynamoStore(self.dynamodb, "IdentityTable", "TimelineTable")

    def call(self, method: str, path: str, body: Any = None, **parameters: str) -> dict[str, Any]:
        asked = event(method, path, body, **parameters)
        asked["headers"]["x-api-key"] = "k" * 43
        answer = self.api.handler(asked, Context())
        assert answer["statusCode"] < 300, answer
        return dict(json.loads(answer["body"]))

    def live(self) -> str:
        """Two people, and a verified request to erase the first; gives its id."""
        from enlace.aws.address_keys import address_keys
        from enlace.aws.consent_table import ConsentTable
        from enlace.aws.delivery_table import DeliveryTable
        from enlace.aws.secrets import CachedSecret
        from enlace.domain.consent import ConsentPolicy
        from enlace.domain.interaction import Identifier
        from enlace.usecases.consents import Consents, consent_key
        from enlace.usecases.resolve import Resolver

        keys = address_keys(CachedSecret(lambda: self.client("secretsmanager"), "address-key"))
        rules = default_rules()
        resolve = Resolver(
            self.store, keys, rules, today=lambda: AT[:10], sleep=lambda seconds: None
        ).resolve
        consents = Consents(
            ConsentTable(self.dynamodb, "ConsentTable"),
            policy=ConsentPolicy(),
            now=lambda: AT,
            sleep=lambda seconds: None,
        )
        people = ((PHONE, MAIL), (NEIGHBOUR, "vizinha@example.com"))
        for who, (phone, mail) in enumerate(people):
            for n in range(2):
                said = interaction(
                    f"said-{who}-{n}",
                    ("phone", phone),
                    ("email", mail),
                    at=AT,
                    traits={"name": NAME},
                    data={"text": TEXT},
                )
                resolve(said)
            key = consent_key(Identifier("phone", phone, "stated"), keys, rules)
            record = ConsentRecord(
                f"c-{who}", "marketing", "sms", "granted", "subject", AT, AT, has_evidence=True
            )
            consents.record(key, record, {"evidence": {"form": TEXT}})
            table = DeliveryTable(self.dynamodb, "DeliveryTable")
            id_ = f"m-{who}"
            request = Request(key, False, ("sms",), {"text": TEXT}, AT)
            table.accept(
                MessageRecord(
                    id_, State.ACCEPTED, purpose="marketing", accepted_at=AT, request=request
                )
            )
            table.put_off(id_, State.DENIED, 0, at=AT, reason="no", steps=[], about=key)
        body = {
            "type": "erasure",
            "identifier": {"kind": "phone", "value": PHONE},
            "regulation": "lgpd",
        }
        id_ = self.call("POST", "/v1/privacy/requests", body)["request_id"]
        verify = {"operator_reason": "saw a document"}
        self.call("POST", "/v1/privacy/requests/{id}/verify", verify, id=id_)
        return str(id_)

    def run(self, request_id: str) -> None:
        """What the queue does: until nothing more is to be done."""
        for _ in range(40):
            body = json.dumps({"request_id": request_id})
            batch = {"Records": [{"messageId": "1", "body": body}]}
            self.eraser.handler(batch, Left(200_000))
            if self.status(request_id) == "completed":
                return
        raise AssertionError("not completed")

    def status(self, request_id: str) -> str:
        key = {"pk": {"S": f"request#{request_id}"}, "sk": {"S": "request"}}
        item = self.dynamodb.get_item(TableName="PrivacyTable", Key=key)["Item"]
        return str(json.loads(item["body"]["S"])["state"])

    def counts(self, request_id: str) -> list[tuple[Any, ...]]:
        path = "/v1/privacy/requests/{id}/certificate"
        body = self.call("GET", path, id=request_id)
        return [
            (one["place"], one["found"], one["deleted"], one["retained"]) for one in body["places"]
        ]

    def left(self) -> dict[str, list[dict[str, Any]]]:
        """Every item of every table but that of the requests."""
        return {
            table: self.dynamodb.scan(TableName=table)["Items"]
            for table in TABLES.values()
            if table != "PrivacyTable"
        }


class Context:
    function_name = "api_privacy"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:api_privacy"
    aws_request_id = "r-1"


def load(name: str) -> Any:
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"erasure_{name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # Whoever comes next finds the lease run out.
    monkeypatch.setattr("enlace.usecases.erasure_rows.LEASE_SECONDS", 0)
    clients_session.cache_clear()
    yield
    clients_session.cache_clear()


def erased(monkeypatch: pytest.MonkeyPatch, cut: Cut | None) -> tuple[Any, Any, Any, str]:
    """One erasure, cut off at one call; gives its counts, what is left and the lines."""
    with mock_aws():
        stack = Stack(monkeypatch)
        before = stack.left()
        request_id = stack.live()
        others = {
            table: [
                one for one in found if TEXT in json.dumps(one) and NEIGHBOUR in json.dumps(one)
            ]
            for table, found in stack.left().items()
        }
        if cut is not None:
            cut.armed = True
            try:
                stack.run(request_id)
            except Crash:
                pass
            finally:
                cut.armed = False
        stack.run(request_id)
        left = stack.left()
        for table, found in others.items():
            assert [one for one in found if one not in left[table]] == [], table
        return stack.counts(request_id), left, before, request_id


def test_the_functions_erase_and_certify(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counts, left, _, _ = erased(monkeypatch, None)
    by_place = {name: (found, deleted, kept) for name, found, deleted, kept in counts}
    assert by_place["timeline"] == (2, 2, 0)
    assert by_place["messages"][0] == 1
    text = json.dumps(left, ensure_ascii=False)
    for value in (PHONE, MAIL):
        assert value not in text
    # Once each: the neighbour's.
    assert text.count(TEXT) > 0 and NEIGHBOUR in text
    # Auditor's case 19: ids only.
    said = capsys.readouterr().out
    for value in (PHONE, PHONE[3:], MAIL, NAME, TEXT):
        assert value not in said


def test_whatever_call_it_is_cut_off_at_the_certificate_is_the_same(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Cut(monkeypatch)
    expected, _, _, _ = erased(monkeypatch, cut)
    calls = cut.calls
    assert calls > 60
    for turn, at in enumerate(range(1, calls + 1, STRIDE)):
        for after in (False, True) if STRIDE == 1 else (bool(turn % 2),):
            cut.at, cut.after, cut.calls = at, after, 0
            counts, left, _, _ = erased(monkeypatch, cut)
            assert counts == expected, (at, after, cut.operation)
            text = json.dumps(left, ensure_ascii=False)
            assert PHONE not in text and MAIL not in text, (at, after, cut.operation)


def test_an_unknown_person_is_erased_as_well(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        stack = Stack(monkeypatch)
        asked = {
            "type": "erasure",
            "identifier": {"kind": "email", "value": "nobody@example.com"},
            "regulation": "gdpr",
        }
        id_ = stack.call("POST", "/v1/privacy/requests", asked)["request_id"]
        verify = {"operator_reason": "x"}
        stack.call("POST", "/v1/privacy/requests/{id}/verify", verify, id=id_)
        stack.run(id_)
        assert sum(found for _, found, _, _ in stack.counts(id_)) >= 0
