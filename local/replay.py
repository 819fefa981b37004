"""Replays interactions from a file through the real resolve use case.

The memory store answers what customers a file of history would give, in
seconds; moto and a running stack take the same file through DynamoDB.
"""

from __future__ import annotations

import base64
import csv
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.interaction import Interaction, parse_interaction, utc_text
from enlace.domain.records import IdentifierRecord
from enlace.domain.rules import Rules
from enlace.errors import EnlaceError, Fenced, InvalidInteraction
from enlace.usecases.observe import observe
from enlace.usecases.resolve import Resolver
from local.memory_store import MemoryStore
from local.settings import REGION, LocalError

BATCH = 10
#: The same on every run, so that two replays of one file can be compared byte by byte.
_MEMORY_SECRET = b"no secret: nothing of a replay in memory is kept"


@dataclass(slots=True)
class Replay:
    """What a replay did.

    Parameters
    ----------
    counts : dict
        The numbers of ``--json``.
    invalid : list of (line number, reason)
        Lines that are no interactions; all the others were replayed.
    customer_of : dict of (kind, value) to customer id
        Every identifier seen, normalised.
    refused : dict of two (kind, value) to the reason
        Ties that join nobody; those to hubs, which are cut off, are left out.
    """

    counts: dict[str, int]
    invalid: list[tuple[int, str]] = field(default_factory=list)
    customer_of: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: dict[tuple[tuple[str, str], tuple[str, str]], str] = field(default_factory=dict)


def replay(
    path: Path,
    rules: Rules,
    store_name: str = "memory",
    on_progress: Callable[[int], None] = lambda bytes_read: None,
) -> Replay:
    """Replay a file.

    Parameters
    ----------
    path : Path
        One interaction a line, as ``docs/events.md`` has it.
    store_name : str
        ``memory``, ``moto``, or the URL of a running stack's emulator.
    on_progress : callable
        Gets the number of bytes read with every batch.

    Raises
    ------
    LocalError
        If the file or the store cannot be used.
    """
    with ExitStack() as stack:
        store, keys = _open_store(store_name, stack)
        return _replay(path, rules, store, keys, on_progress)


def replay_records(
    path: Path, rules: Rules, on_progress: Callable[[int], None] = lambda bytes_read: None
) -> tuple[list[IdentifierRecord], list[tuple[int, str]]]:
    """The records that a file leaves in memory, and the lines that were no interactions.

    Raises
    ------
    LocalError
        If the file cannot be read.
    """
    store = MemoryStore()
    result = _replay(path, rules, store, AddressKeys(_MEMORY_SECRET), on_progress)
    return list(store.records.values()), result.invalid


def _replay(
    path: Path,
    rules: Rules,
    store: Any,
    keys: AddressKeys,
    on_progress: Callable[[int], None],
) -> Replay:
    now = utc_text(datetime.now(UTC))
    resolver = Resolver(store, keys, rules, today=lambda: now[:10], sleep=time.sleep)
    counts = dict.fromkeys(
        ("interactions", "duplicates", "identifiers", "customers", "merges", "splits", "refused"), 0
    )
    result = Replay(counts)
    seen: set[str] = set()
    for batch in _batches(path, now, result, on_progress):
        for interaction, outcome in zip(batch, resolver.resolve_batch(batch), strict=True):
            if isinstance(outcome, InvalidInteraction | Fenced):
                result.invalid.append((0, str(outcome)))
                continue
            if isinstance(outcome, EnlaceError):
                raise LocalError(f"the store failed: {outcome}")
            counts["interactions"] += 1
            counts["duplicates"] += outcome.duplicate
            if not outcome.duplicate:
                for effect in outcome.effects:
                    counts["merges"] += effect["effect"] == "merged"
                    counts["splits"] += effect["effect"] == "split"
            observation = observe(interaction, outcome.occurred_at, keys, rules)
            seen.update(sighting.key for sighting in observation.sightings())

    components: set[str] = set()
    named: dict[str, tuple[str, str]] = {}
    for record in store.get_identifiers(seen, consistent=True).values():
        named[record.key] = (record.kind, record.value)
        result.customer_of[record.kind, record.value] = record.customer_id
        if record.pointer.component:
            components.add(record.pointer.component)
    for component in store.get_components(components, consistent=True).values():
        refused = component.partition(rules, now[:10]).refused
        counts["refused"] += len(refused)
        for (a, b), reason in refused.items():
            if a in named and b in named:
                result.refused[named[a], named[b]] = reason
    counts["identifiers"] = len(result.customer_of)
    counts["customers"] = len(set(result.customer_of.values()))
    return result


def _batches(
    path: Path, now: str, result: Replay, on_progress: Callable[[int], None]
) -> Iterator[list[Interaction]]:
    batch: list[Interaction] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    batch.append(parse_interaction(json.loads(line), received_at=now))
                except InvalidInteraction as error:
                    result.invalid.append((number, error.reason))
                except (ValueError, RecursionError):
                    result.invalid.append((number, "not JSON in UTF-8"))
                if len(batch) == BATCH:
                    yield batch
                    batch = []
                    on_progress(lines.tell())
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}") from error
    if batch:
        yield batch


def write_clusters(result: Replay, path: Path) -> None:
    """Write ``kind,value,customer_id``, a row per identifier, sorted.

    Raises
    ------
    LocalError
        If the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["kind", "value", "customer_id"])
            for (kind, value), customer_id in sorted(result.customer_of.items()):
                writer.writerow([kind, value, customer_id])
    except OSError as error:
        raise LocalError(f"cannot write {path}: {error.strerror}") from error


def _open_store(name: str, stack: ExitStack) -> tuple[Any, AddressKeys]:
    if name == "memory":
        return MemoryStore(), AddressKeys(_MEMORY_SECRET)
    from enlace.aws.store import DynamoStore

    if name == "moto":
        from moto import mock_aws

        stack.enter_context(mock_aws())
        client = _dynamodb(None)
        for table, keys in (("identity", ["pk"]), ("timeline", ["pk", "sk"])):
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            )
        return DynamoStore(client, "identity", "timeline"), AddressKeys(secrets.token_bytes(32))
    if not name.startswith(("http://", "https://")):
        raise LocalError("--store: must be memory, moto, or the URL of a running stack")
    from local import stack as running

    document = running.load()
    tables = document["table_names"]
    text = running.client("secretsmanager", endpoint_url=name).get_secret_value(
        SecretId=document["address_key_secret"]
    )["SecretString"]
    value = json.loads(text)
    keys_ = AddressKeys(base64.b64decode(value["keys"][value["version"]]))
    return DynamoStore(_dynamodb(name), tables["identity"], tables["timeline"]), keys_


def _dynamodb(endpoint_url: str | None) -> Any:
    import botocore.session

    return botocore.session.get_session().create_client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=endpoint_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulator's, on loopback
    )
