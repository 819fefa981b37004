"""The baseline's resolver: queue to profile and history, then the bus."""

from __future__ import annotations

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from bench.naive.events import Event
from bench.naive.models import Interaction
from bench.naive.profiles import Profiles

logger = Logger(service="resolve_identity")
processor = BatchProcessor(event_type=EventType.SQS)
persistence = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
config = IdempotencyConfig(event_key_jmespath="id", expires_after_seconds=7 * 24 * 3600)
events = boto3.client("events")
profiles = Profiles(
    boto3.resource("dynamodb"), os.environ["PROFILES_TABLE"], os.environ["HISTORY_TABLE"]
)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle a batch of queue messages."""
    config.register_lambda_context(context)
    return process_partial_response(
        event=event, record_handler=record_handler, processor=processor, context=context
    )


def record_handler(record: SQSRecord) -> dict[str, Any]:
    """Handle one queue message."""
    interaction = Interaction.model_validate_json(record.body)
    result: dict[str, Any] = resolve(interaction=interaction.model_dump(mode="json"))
    return result


@idempotent_function(  # type: ignore[untyped-decorator]
    data_keyword_argument="interaction", persistence_store=persistence, config=config
)
def resolve(*, interaction: dict[str, Any]) -> dict[str, Any]:
    """Record one interaction under its profile, and publish what happened."""
    parsed = Interaction.model_validate(interaction)
    outcome = profiles.record(parsed)
    entries = [_entry("interaction.recorded.v1", parsed, outcome.profile_id, {})]
    if outcome.created:
        entries.append(_entry("customer.created.v1", parsed, outcome.profile_id, {}))
    if outcome.merged:
        merged = {"merged": outcome.merged}
        entries.append(_entry("customer.merged.v1", parsed, outcome.profile_id, merged))
    answer = events.put_events(Entries=entries)
    if answer["FailedEntryCount"]:
        raise RuntimeError("the bus refused an event")
    logger.info("resolved", extra={"interaction_id": parsed.id, "profile_id": outcome.profile_id})
    return {"profile_id": outcome.profile_id}


def _entry(name: str, interaction: Interaction, profile_id: str, more: dict[str, Any]) -> Any:
    detail = Event.of(interaction, profile_id, more)
    return {
        "EventBusName": os.environ["BUS_NAME"],
        "Source": "naive.resolve_identity",
        "DetailType": name,
        "Detail": detail.model_dump_json(),
    }
