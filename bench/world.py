"""An in-process AWS (moto) with everything that both pipelines need, and the way to run them."""

from __future__ import annotations

import base64
import importlib
import importlib.util
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import botocore.session
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from bench.capacity import Meter
from bench.dynamo import ClientStore
from bench.sizes import Item

ROOT = Path(__file__).resolve().parents[1]
LAYER = ROOT / "layers" / "enlace" / "python"
ACCOUNT_ID = "123456789012"  # moto's
REGION = "us-east-1"

SECRETS: dict[str, dict[str, Any]] = {
    "whatsapp": {
        "app_secret": "bench-app-secret",
        "verify_token": "bench-verify-token",
        "access_token": "bench-access-token",
    },
    "generic": {
        "secret": "whsec_" + base64.b64encode(b"bench-generic-secret-32-bytes-ok").decode()
    },
    "address-key": {
        "version": "1",
        "keys": {"1": base64.b64encode(bytes(range(32))).decode()},
    },
}

#: Table names by environment variable: key names, and indexes as {index: keys, with blanks}.
TABLES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "IDENTITY_TABLE": (("pk",), {}),
    "TIMELINE_TABLE": (("pk", "sk"), {}),
    "CASE_TABLE": (("pk", "sk"), {}),
    "CANDIDATE_TABLE": (("pk", "sk"), {"best": "part place"}),
    "DELIVERY_TABLE": (("pk",), {}),
    "CONSENT_TABLE": (("pk", "sk"), {}),
    "IDEMPOTENCY_TABLE": (("id",), {}),
    "PROFILES_TABLE": (("profile_id",), {"by_email": "email", "by_phone": "phone"}),
    "HISTORY_TABLE": (("profile_id", "sk"), {}),
}


class Log(io.TextIOBase):
    """Standard output of functions: only its bytes are counted."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, text: str) -> int:
        """Count what a function writes."""
        self.bytes += len(text.encode())
        return len(text)


class Function:
    """A loaded function: call it with an event, measured and with its log kept."""

    def __init__(
        self, handler: Callable[[Any, Any], Any], meter: Meter, variables: dict[str, str], log: Log
    ):
        self.handler = handler
        self.log = log
        self._meter = meter
        self._variables = variables

    def __call__(self, event: dict[str, Any]) -> Any:
        with self.running():
            return self.handler(event, Context())

    @contextmanager
    def running(self) -> Iterator[None]:
        """The function's surroundings: its variables, its log, its clients measured."""
        with (
            mock.patch.dict(os.environ, environment() | self._variables),
            self._meter.installed(),
            redirect_stdout(self.log),
        ):
            yield


def environment() -> dict[str, str]:
    """The environment variables of every function."""
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "INTERACTIONS_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/interactions",
        "INTERACTIONS_DLQ_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/interactions-dlq",
        "BUS_NAME": "enlace",
        "ADDRESS_KEY_SECRET_ID": "address-key",
        "CHANNEL_SECRET_ID": "whatsapp",
        "CRM_SECRET_ID": "crm",
        "WHATSAPP_SECRET_ID": "whatsapp",
        "API_KEY_SECRET_ID": "api-key",
        "JWT_ISSUER": "https://issuer.example.com",
        "JWT_AUDIENCE": "enlace",
        "EMAIL_FROM": "enlace@example.com",
        "SMS_ORIGIN": "+551140028922",
        "SMS_PROVIDER": "eum",
        "CRM_PROVIDER": "webhook",
        "CRM_BASE_URL": "https://crm.example.com",
        "WHATSAPP_API_URL": "https://graph.example.com",
        "MAIL_BUCKET": "mail",
        "TEMPLATES_BUCKET": "templates",
        "POWERTOOLS_SERVICE_NAME": "bench",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "LOG_LEVEL": "INFO",
        **{name: name.removesuffix("_TABLE").lower() for name in TABLES},
    }


@dataclass(frozen=True)
class Context:
    """What a function gets to know about its invocation."""

    function_name: str = "bench"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:bench"
    aws_request_id: str = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Plenty."""
        return 30_000


class MotoStore(ClientStore):
    """Single items straight from moto's memory: a merge of the baseline looks at 40,000."""

    def item(self, table: str, key: Item) -> Item | None:
        """See :class:`bench.dynamo.Store`."""
        stored = dynamodb_backends[ACCOUNT_ID][REGION].tables[table]
        names = self.key_names(table)
        hash_key = DynamoType(dict(key[names[0]]))
        range_key = DynamoType(dict(key[names[1]])) if len(names) > 1 else None
        found = stored.get_item(hash_key, range_key)
        return None if found is None else found.to_json()["Attributes"]

    def items(self, table: str, keys: Sequence[Item]) -> list[Item]:
        """See :class:`bench.dynamo.Store`."""
        return [found for key in keys if (found := self.item(table, key)) is not None]


class World:
    """The services and a meter; make it with :func:`world`."""

    def __init__(self) -> None:
        self.dynamodb = _client("dynamodb")
        self.sqs = _client("sqs")
        self.meter = Meter(MotoStore(self.dynamodb))
        names = environment()
        for variable, (keys, indexes) in TABLES.items():
            self.dynamodb.create_table(**_table(names[variable], keys, indexes))
        for queue in ("interactions", "interactions-dlq"):
            self.sqs.create_queue(QueueName=queue)
        _client("events").create_event_bus(Name="enlace")
        secrets = _client("secretsmanager")
        for name, value in SECRETS.items():
            secrets.create_secret(Name=name, SecretString=json.dumps(value))

    def load_module(self, name: str, **variables: str) -> Function:
        """Import a baseline function anew, measured."""
        return self._load(lambda: _fresh(name), variables)

    def load_function(self, folder: str, **variables: str) -> Function:
        """Load ``functions/<folder>/app.py`` anew, measured."""
        return self._load(lambda: _app(folder), variables)

    def _load(self, load: Callable[[], Any], variables: dict[str, str]) -> Function:
        log = Log()
        with (
            mock.patch.dict(os.environ, variables),
            self.meter.installed(),
            redirect_stdout(log),
        ):
            return Function(load().handler, self.meter, variables, log)

    def take_queue(self) -> list[dict[str, Any]]:
        """Receive and delete what waits on the interactions queue."""
        url = environment()["INTERACTIONS_QUEUE_URL"]
        bodies: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                body = json.loads(message["Body"])
                bodies.extend(body if isinstance(body, list) else [body])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def items(self, table: str) -> list[dict[str, Any]]:
        """All items of a table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table)
        return [item for page in pages for item in page["Items"]]

    def item_count(self) -> int:
        """Items in all tables but the baseline's idempotency records."""
        names = environment()
        tables = [names[v] for v in TABLES if v != "IDEMPOTENCY_TABLE"]
        return sum(self.dynamodb.scan(TableName=t, Select="COUNT")["Count"] for t in tables)

    def grow_history(self, table: str, wanted: int, *, partitions: int | None = None) -> None:
        """Multiply the history of each partition to ``wanted`` items, written unmeasured.

        With ``partitions`` only so many of them. The items are copies of a real one
        with an earlier time in the sort key, so that their sizes are real.
        """
        found: dict[str, list[dict[str, Any]]] = {}
        hash_key = self.meter.store.key_names(table)[0]
        for item in self.items(table):
            found.setdefault(item[hash_key]["S"], []).append(item)
        for items in list(found.values())[:partitions]:
            copies = [
                {"PutRequest": {"Item": {**items[0], "sk": {"S": _earlier(items[0], n)}}}}
                for n in range(wanted - len(items))
            ]
            for start in range(0, len(copies), 25):
                self.dynamodb.batch_write_item(RequestItems={table: copies[start : start + 25]})


def _earlier(item: dict[str, Any], number: int) -> str:
    # The sort keys of both pipelines begin with an ISO 8601 time.
    key: str = item["sk"]["S"]
    return f"2020-{1 + number // 28 % 12:02d}-{1 + number % 28:02d}{key[10:]}~{number}"


@contextmanager
def world() -> Iterator[World]:
    """A fresh in-process AWS; nothing leaves the process."""
    if str(LAYER) not in sys.path:
        sys.path.insert(0, str(LAYER))
    with mock.patch.dict(os.environ, environment()), mock_aws():
        for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
            os.environ.pop(name, None)
        yield World()


def _client(service: str) -> Any:
    return botocore.session.get_session().create_client(service, region_name=REGION)


def _fresh(name: str) -> Any:
    for loaded in [m for m in sys.modules if m.startswith("bench.naive.")]:
        del sys.modules[loaded]
    return importlib.import_module(name)


def _app(folder: str) -> Any:
    path = ROOT / "functions" / folder / "app.py"
    spec = importlib.util.spec_from_file_location(f"bench_function_{folder}", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _table(name: str, keys: tuple[str, ...], indexes: dict[str, str]) -> dict[str, Any]:
    attributes = [*keys, *" ".join(indexes.values()).split()]
    description: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": a, "AttributeType": "S"} for a in attributes],
        "KeySchema": _schema(keys),
    }
    if indexes:
        description["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index,
                "KeySchema": _schema(tuple(key.split())),
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, key in indexes.items()
        ]
    return description


def _schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        {"AttributeName": key, "KeyType": kind}
        for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
    ]
