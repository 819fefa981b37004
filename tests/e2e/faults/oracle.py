"""What must have come of the events: the same use case, one event at a time, in memory."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from enlace.aws.identity_table import record_of
from enlace.channels import (
    generic,
    instagram,
    messenger,
    segment,
    ses_inbound,
    twilio_sms,
    twilio_voice,
    whatsapp,
    x,
)
from enlace.domain.address_key import AddressKeys
from enlace.domain.http import Request
from enlace.domain.interaction import Interaction
from enlace.domain.records import IdentifierRecord
from enlace.rules import default_rules
from enlace.usecases.follow_crm import ACTIVITY_TYPES
from enlace.usecases.resolve import Resolver
from local import stack as local_stack
from local.memory_store import MemoryStore
from local.sign import sign
from tests.e2e.faults.people import Happening

NOW = "2026-11-22T12:00:00.000Z"
CHANNELS = {
    "whatsapp": whatsapp,
    "messenger": messenger,
    "instagram": instagram,
    "x": x,
    "twilio/sms": twilio_sms,
    "twilio/voice": twilio_voice,
    "segment": segment,
    "generic": generic,
}

#: A state that can be compared: who is one customer, their histories, totals and traits.
State = dict[str, Any]


class Oracle:
    """The state that the events lead to without a fault."""

    def __init__(self, document: Mapping[str, Any], happenings: Iterable[Happening]):
        self._secrets = document["webhook_secrets"]
        self._store = MemoryStore()
        keys = address_keys(document["endpoint_url"])
        resolver = Resolver(
            self._store, keys, default_rules(), today=lambda: NOW[:10], sleep=lambda _: None
        )
        self.interactions = [item for each in happenings for item in self._read(each)]
        for interaction in self.interactions:
            resolver.resolve(interaction)

    def state(self) -> State:
        """As :func:`stored` gives it for the stack."""
        documents = {key: each.body for key, each in self._store.documents.items()}
        rows = [(pk, sk) for pk, items in self._store.timelines.items() for sk in items]
        return _state(self._store.records.values(), rows, documents)

    def points(self) -> set[str]:
        """Address keys of everybody in it."""
        return set(self._store.records)

    def activities(self) -> set[str]:
        """Interactions that the CRM has to show."""
        return {i.id for i in self.interactions if i.type in ACTIVITY_TYPES}

    def _read(self, happening: Happening) -> list[Interaction]:
        if happening.channel == "email":
            action = {"type": "S3", "bucketName": "any", "objectKey": "any"}
            notice = happening.payload
            notice = {**notice, "receipt": {**notice["receipt"], "action": action}}
            return ses_inbound.parse(notice, happening.raw, NOW)
        method, path, headers, body = sign(happening.channel, happening.payload, self._secrets)
        name, _, source = happening.channel.partition("/")
        channel: Any = CHANNELS.get(happening.channel) or CHANNELS[name]
        request = Request(method, path, "", headers, body, NOW, {"source": source})
        found = channel.parse(request, self._secrets[name])
        assert all(isinstance(item, Interaction) for item in found)
        return list(found)


def address_keys(endpoint_url: str) -> AddressKeys:
    """The stack's own, so that both states have the same keys."""
    vault = local_stack.client("secretsmanager", endpoint_url=endpoint_url)
    (name,) = (
        secret["Name"]
        for secret in vault.list_secrets(MaxResults=100)["SecretList"]
        if "AddressKeySecret" in secret["Name"]
    )
    value = json.loads(vault.get_secret_value(SecretId=name)["SecretString"])
    return AddressKeys(base64.b64decode(value["keys"][value["version"]]))


def stored(document: Mapping[str, Any], points: set[str]) -> State:
    """What the stack's tables hold about these address keys, and about what they came with."""
    tables = document["table_names"]
    dynamodb = local_stack.client("dynamodb", endpoint_url=document["endpoint_url"])

    def items(table: str) -> Iterable[dict[str, Any]]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=tables[table]):
            yield from (item for item in page["Items"] if item["pk"]["S"] in points)

    rows, documents = [], {}
    for item in items("timeline"):
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if sk[0].isdigit():
            # What we sent is no event of the vendors'; it has a test of its own.
            if json.loads(item["body"]["S"])["direction"] == "inbound":
                rows.append((pk, sk))
        elif not sk.startswith("pin#"):
            documents[pk, sk] = json.loads(item["body"]["S"])
    return _state([record_of(item) for item in items("identity")], rows, documents)


def _state(
    records: Iterable[IdentifierRecord],
    rows: Iterable[tuple[str, str]],
    documents: Mapping[tuple[str, str], Any],
) -> State:
    customers: dict[str, set[str]] = {}
    histories: dict[str, set[str]] = {}
    traits = {}
    for record in records:
        customers.setdefault(record.customer_id, set()).add(record.key)
        traits[record.key] = record.traits
    for pk, sk in rows:
        histories.setdefault(pk, set()).add(sk)
    return {
        "customers": sorted(sorted(keys) for keys in customers.values()),
        "histories": histories,
        "documents": dict(documents),
        "traits": traits,
    }


def without_receipts(state: State, pinned: set[str]) -> State:
    """The state with only the ids of what has no vendor's time: each run receives it at its own."""
    return {
        **state,
        "histories": {
            pk: {sk.partition("#")[2] if sk.partition("#")[2] in pinned else sk for sk in sks}
            for pk, sks in state["histories"].items()
        },
    }
