"""Requests by OpenDSR through the real function on moto, checked as a controller would."""

from __future__ import annotations

import base64
import importlib.util
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto import mock_aws

from enlace.aws.clients import session as clients_session
from enlace.aws.kms_keys import Sealer
from enlace.aws.privacy_desk import now
from enlace.aws.versioned_rows import VersionedRows
from enlace.senders.crm_webhook import sign
from enlace.senders.http_json import JsonHttp
from enlace.usecases.request_rows import RequestRows
from tests.aws.test_api_functions import event
from tests.stores.template import template
from tests.unit.privacy.test_opendsr import CONTROLLERS, ID, SECRET, URL, WANTED

ROOT = Path(__file__).parents[2]
PATH = "/v1/opendsr/requests"


class Context:
    aws_request_id = "r1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Stack:
    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        made = botocore.session.get_session()

        def client(name: str) -> Any:
            return made.create_client(name, region_name="us-east-1")

        self.sqs, self.dynamodb = client("sqs"), client("dynamodb")
        resources = template()["Resources"]
        for logical in ("PrivacyTable", "IdentityTable"):
            wanted = {
                name: resources[logical]["Properties"][name]
                for name in ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
                if name in resources[logical]["Properties"]
            }
            self.dynamodb.create_table(TableName=logical, BillingMode="PAY_PER_REQUEST", **wanted)
        key = json.dumps({"version": "1", "keys": {"1": "c2Vj" * 11}})
        secrets, kms = client("secretsmanager"), client("kms")
        secrets.create_secret(Name="address-key", SecretString=key)
        secrets.create_secret(Name="opendsr", SecretString=json.dumps({"controllers": CONTROLLERS}))
        signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        sealing = kms.create_key()["KeyMetadata"]["KeyId"]
        self.queue = self.sqs.create_queue(QueueName="erasures")["QueueUrl"]
        for name, value in {
            "PRIVACY_TABLE": "PrivacyTable",
            "IDENTITY_TABLE": "IdentityTable",
            "ERASURE_QUEUE_URL": self.queue,
            "ADDRESS_KEY_SECRET_ID": "address-key",
            "OPENDSR_SECRET_ID": "opendsr",
            "PRIVACY_KEY_ID": sealing,
            "CERTIFICATE_KEY_ID": signing["KeyMetadata"]["KeyId"],
            "PROCESSOR_DOMAIN": "enlace.example.com",
            "EMAIL_FROM": "sac@example.com",
            "SMS_PROVIDER": "sns",
        }.items():
            monkeypatch.setenv(name, value)
        rows = VersionedRows(self.dynamodb, "PrivacyTable")
        self.on_record = RequestRows(rows, Sealer(kms, sealing), now=now)
        path = ROOT / "functions" / "opendsr_requests" / "app.py"
        spec = importlib.util.spec_from_file_location("opendsr_requests_app", path)
        assert spec and spec.loader
        self.app = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.app)

    def call(self, method: str, body: Any = None, *, secret: str = SECRET) -> dict[str, Any]:
        path = PATH if method == "POST" else f"{PATH}/{ID}"
        asked = event(method, path)
        asked["routeKey"] = f"{method} {PATH}" if method == "POST" else f"{method} {PATH}/{{id}}"
        asked["rawPath"], at = path, int(time.time())
        asked["body"] = json.dumps(body) if body else None
        asked["isBase64Encoded"] = False
        asked["requestContext"]["timeEpoch"] = at * 1000
        asked["pathParameters"] = {} if method == "POST" else {"id": ID}
        over = asked["body"] or f"{method} {path}"
        asked["headers"] = {
            "x-opendsr-controller-id": "shop",
            "webhook-id": "m1",
            "webhook-timestamp": str(at),
            "webhook-signature": sign(secret, "m1", at, over.encode()),
        }
        return dict(self.app.handler(asked, Context()))

    def key(self) -> ec.EllipticCurvePublicKey:
        """As discovery tells it."""
        asked = event("GET", "/v1/opendsr/discovery")
        asked["routeKey"] = "GET /v1/opendsr/discovery"
        answer = json.loads(self.app.handler(asked, Context())["body"])
        known = answer["extensions"]["enlace.example.com"]["public_key"]
        key = serialization.load_der_public_key(base64.b64decode(known))
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return key

    def erasures(self) -> list[str]:
        answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [json.loads(m["Body"])["request_id"] for m in answer.get("Messages", [])]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients_session.cache_clear()
    with mock_aws():
        yield Stack(monkeypatch)
    clients_session.cache_clear()


def test_a_controllers_erasure_is_taken_signed_and_told_of(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = stack.call("POST", WANTED)
    assert answer["statusCode"] == 201, answer
    key, algorithm = stack.key(), ec.ECDSA(hashes.SHA256())
    signature = base64.b64decode(answer["headers"]["x-opendsr-signature"])
    key.verify(signature, answer["body"].encode(), algorithm)
    [request_id] = stack.erasures()

    sent: list[tuple[str, bytes, dict[str, str]]] = []

    def send(self: JsonHttp, method: str, path: str, body: Any = None) -> None:
        data = json.dumps(body).encode()
        sent.append((self._base_url, data, dict(self._headers(data))))

    monkeypatch.setattr(JsonHttp, "__call__", send)
    assert stack.app.handler({}, Context()) == {"result": "done", "looked_at": 1}
    [(url, body, headers)] = sent
    assert url == URL and json.loads(body)["request_status"] == "pending"
    key.verify(base64.b64decode(headers["x-opendsr-signature"]), body, algorithm)

    stack.on_record.advance(request_id, "fenced")
    assert json.loads(stack.call("GET")["body"])["request_status"] == "in_progress"
    assert stack.call("DELETE")["statusCode"] == 400


def test_what_is_forged_leaves_nothing(stack: Stack) -> None:
    """Auditor's case 16."""
    other = CONTROLLERS["agency"]["secret"]
    for method, body in (("POST", WANTED), ("GET", None), ("DELETE", None)):
        answer = stack.call(method, body, secret=str(other))
        assert answer["statusCode"] == 401
        assert "x-opendsr-signature" not in answer["headers"]
    assert stack.dynamodb.scan(TableName="PrivacyTable")["Items"] == []
    assert stack.erasures() == []


def test_no_log_line_names_the_person(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.call("POST", WANTED)
    stack.call("POST", {**WANTED, "subject_identities": [{"identity_value": "joao@example.com"}]})
    said = capsys.readouterr()
    assert "opendsr" in said.out + said.err and "joao" not in said.out + said.err
