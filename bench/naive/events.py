"""The pydantic model of the baseline's bus events."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from bench.naive.models import Interaction


class Metadata(BaseModel):
    """Who, when, why."""

    id: str
    schema_version: str = "1.0"
    occurred_at: datetime
    recorded_at: datetime
    correlation_id: str


class Event(BaseModel):
    """One event of the bus."""

    metadata: Metadata
    data: dict[str, Any]

    @classmethod
    def of(cls, interaction: Interaction, profile_id: str, more: dict[str, Any]) -> Event:
        """The event that an interaction causes."""
        metadata = Metadata(
            id=str(uuid.uuid4()),
            occurred_at=interaction.occurred_at,
            recorded_at=datetime.now(UTC),
            correlation_id=interaction.id,
        )
        data = {
            "interaction_id": interaction.id,
            "customer_id": profile_id,
            "channel": interaction.channel,
            "account": interaction.account,
            "type": interaction.type,
            **more,
        }
        return cls(metadata=metadata, data=data)
