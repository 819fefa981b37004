"""The webhook functions as Lambda runs them, on moto: real app.py, real clients."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.secrets import REFETCH_SECONDS, TTL_SECONDS, CachedSecret
from enlace.errors import Misconfigured, TemporaryFailure
from local.sign import EVENTS, sample_secrets

ROOT = EVENTS.parent
SECRET_OF = {
    "webhook_whatsapp": "whatsapp",
    "webhook_messenger": "messenger",
    "webhook_instagram": "instagram",
    "webhook_x": "x",
    "webhook_twilio_sms": "twilio",
    "webhook_twilio_voice": "twilio",
    "webhook_segment": "segment",
    "webhook_generic": "generic",
}
FUNCTIONS = [*SECRET_OF, "webhook_email", "webhook_ses_events", "webhook_eum_sms"]
#: How many interactions the event of events/functions/ carries.
COUNTS = {"webhook_segment": 7}


class Account:
    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        session = botocore.session.get_session()
        self.sqs = session.create_client("sqs")
        self.s3 = session.create_client("s3")
        self.secrets = session.create_client("secretsmanager")
        self.queue_url = self.sqs.create_queue(QueueName="interactions")["QueueUrl"]
        self.dlq_url = self.sqs.create_queue(QueueName="dlq")["QueueUrl"]
        self.s3.create_bucket(Bucket="enlace-mail")
        monkeypatch.setenv("INTERACTIONS_QUEUE_URL", self.queue_url)
        monkeypatch.setenv("INTERACTIONS_DLQ_URL", self.dlq_url)
        monkeypatch.setenv("MAIL_BUCKET", "enlace-mail")
        for name, secret in sample_secrets().items():
            self.secrets.create_secret(Name=name, SecretString=json.dumps(secret))

    def interactions(self, url: str | None = None) -> list[Any]:
        found: list[Any] = []
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=url or self.queue_url, MaxNumberOfMessages=10
            )
            if not answer.get("Messages"):
                return found
            for message in answer["Messages"]:
                body = json.loads(message["Body"])
                found += body if isinstance(body, list) else [body]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with mock_aws():
        yield Account(monkeypatch)


def load(function: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    if function in SECRET_OF:
        monkeypatch.setenv("CHANNEL_SECRET_ID", SECRET_OF[function])
    path = ROOT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"{function}_app", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def event_of(function: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(
        (EVENTS / "functions" / f"{function}.json").read_text("utf-8")
    )
    return event


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_sample_event_reaches_the_queue(
    function: str, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    if function == "webhook_email":
        note = json.loads(event_of(function)["Records"][0]["Sns"]["Message"])
        raw = (EVENTS / "channels" / "email" / "complaint.eml").read_bytes()
        account.s3.put_object(Bucket="enlace-mail", Key=note["mail"]["messageId"], Body=raw)
    answer = load(function, monkeypatch).handler(event_of(function), None)
    if function in SECRET_OF:
        assert answer["statusCode"] == (202 if function == "webhook_generic" else 200)
    assert len(account.interactions()) == COUNTS.get(function, 1)
    assert account.interactions(account.dlq_url) == []


@pytest.mark.parametrize("function", SECRET_OF)
def test_a_forged_event_is_refused(
    function: str, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = event_of(function)
    event["headers"] = {"content-type": event["headers"]["content-type"]}
    assert load(function, monkeypatch).handler(event, None)["statusCode"] == 401
    assert account.interactions() == []


def test_a_body_that_is_not_the_base64_it_claims_to_be(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = {**event_of("webhook_twilio_sms"), "body": "%%%"}
    handler = load("webhook_twilio_sms", monkeypatch).handler
    assert handler(event, None)["statusCode"] == 400
    event = {**event_of("webhook_whatsapp"), "body": "\ud800"}
    handler = load("webhook_whatsapp", monkeypatch).handler
    assert handler(event, None)["statusCode"] == 401
    event["body"] = None
    assert handler(event, None)["statusCode"] == 401


def test_mail_that_is_not_there_yet_is_tried_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = load("webhook_email", monkeypatch).handler
    with pytest.raises(TemporaryFailure, match="NoSuchKey"):
        handler(event_of("webhook_email"), None)


def test_notifications_that_can_never_be_read_go_aside(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = load("webhook_email", monkeypatch).handler
    records = []
    note = json.loads(event_of("webhook_email")["Records"][0]["Sns"]["Message"])
    note["receipt"]["action"]["bucketName"] = "somebody-elses"
    for message in (json.dumps(note), "no JSON", "[]"):
        records.append({"Sns": {"Message": message}})
    handler({"Records": records}, None)
    assert account.interactions() == []
    assert len(account.interactions(account.dlq_url)) == 3


def test_a_rotated_secret_is_picked_up(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = json.dumps({"app_secret": "stale", "verify_token": "v"})
    account.secrets.put_secret_value(SecretId="whatsapp", SecretString=stale)
    handler = load("webhook_whatsapp", monkeypatch).handler
    assert handler(event_of("webhook_whatsapp"), None)["statusCode"] == 401
    fresh = json.dumps(sample_secrets()["whatsapp"])
    account.secrets.put_secret_value(SecretId="whatsapp", SecretString=fresh)
    # Within a minute of the last reading the store is left alone,
    assert handler(event_of("webhook_whatsapp"), None)["statusCode"] == 401
    # and a new instance reads it anyway.
    handler = load("webhook_whatsapp", monkeypatch).handler
    assert handler(event_of("webhook_whatsapp"), None)["statusCode"] == 200


class Store:
    """A Secrets Manager client that counts, and fails when told to."""

    def __init__(self) -> None:
        self.text, self.reads, self.down = '{"v": 1}', 0, False

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        self.reads += 1
        if self.down:
            raise botocore.exceptions.EndpointConnectionError(endpoint_url="x")
        return {"SecretString": self.text}


def test_how_often_the_secret_is_read() -> None:
    store, now = Store(), [0.0]
    secret = CachedSecret(lambda: store, "id", clock=lambda: now[0])
    assert [secret.get()["v"], secret.get()["v"]] == [1, 1]
    assert store.reads == 1
    assert secret.refetch() is None
    now[0] = REFETCH_SECONDS
    store.text = '{"v": 2}'
    assert secret.refetch() == {"v": 2}
    assert secret.refetch() is None
    now[0] += TTL_SECONDS - 1
    secret.get()
    assert store.reads == 2
    now[0] += 1
    secret.get()
    assert store.reads == 3


def test_an_outage_of_the_store_is_outlived_with_what_is_known() -> None:
    store, now = Store(), [0.0]
    secret = CachedSecret(lambda: store, "id", clock=lambda: now[0])
    secret.get()
    store.down = True
    now[0] = TTL_SECONDS
    assert secret.get() == {"v": 1}
    secret.get()
    assert store.reads == 2  # not at every request
    now[0] += REFETCH_SECONDS
    assert secret.refetch() is None
    fresh = CachedSecret(lambda: store, "id", clock=lambda: now[0])
    with pytest.raises(TemporaryFailure):
        fresh.get()


@pytest.mark.parametrize("text", ["", "[]", "no JSON"])
def test_a_secret_that_is_none(text: str) -> None:
    store = Store()
    store.text = text
    with pytest.raises(Misconfigured):
        CachedSecret(lambda: store, "id").get()


FORBIDDEN = {"boto3", "pydantic", "aws_lambda_powertools", "requests", "phonenumbers", "yaml"}
_IMPORT = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("app", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_its_channel_and_little_else(function: str, tmp_path: Path) -> None:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "COV_"))},
        "PYTHONPATH": str(ROOT / "layers" / "enlace" / "python"),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "INTERACTIONS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/1/q",
        "INTERACTIONS_DLQ_URL": "https://sqs.us-east-1.amazonaws.com/1/d",
        "CHANNEL_SECRET_ID": "x",
        "MAIL_BUCKET": "enlace-mail",
    }
    path = ROOT / "functions" / function / "app.py"
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT, str(path)],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    modules = set(json.loads(done.stdout))
    assert not modules & FORBIDDEN
    channels = {m.removeprefix("enlace.channels.") for m in modules if "enlace.channels." in m}
    own = function.removeprefix("webhook_")
    shared = {
        "whatsapp": {"meta", "whatsapp_content"},
        "messenger": {"meta", "meta_messaging"},
        "instagram": {"meta", "meta_messaging"},
        "twilio_sms": {"twilio"},
        "twilio_voice": {"twilio"},
        "segment": {"segment_keys", "segment_orders"},
        "email": {"mime"},
    }
    expected = (
        {{"email": "ses_inbound"}.get(own, own)} | shared.get(own, set()) | {"base", "payload"}
    )
    assert channels == expected
    enlace = {m.split(".")[1] for m in modules if m.startswith("enlace.")}
    assert enlace <= {"aws", "channels", "domain", "errors", "logs", "usecases"}
