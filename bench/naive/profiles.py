"""The baseline's storage: profiles with embedded identifiers, and their history."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.conditions import Key

from bench.naive.models import Identifier, Interaction, Profile

INDEXED = ("email", "phone")


@dataclass
class Outcome:
    """What recording an interaction did."""

    profile_id: str
    created: bool = False
    merged: list[str] = field(default_factory=list)


class Profiles:
    """Profiles and history in two tables.

    Parameters
    ----------
    dynamodb : boto3 resource
    profiles_table, history_table : str
        Table names; the profiles table has an index ``by_<kind>`` per indexed kind.
    """

    def __init__(self, dynamodb: Any, profiles_table: str, history_table: str):
        self._client = dynamodb.meta.client
        self._profiles = dynamodb.Table(profiles_table)
        self._history = dynamodb.Table(history_table)

    def record(self, interaction: Interaction) -> Outcome:
        """Find or make the profile, merge where several match, and add to the history."""
        identifiers = [interaction.contact_point, *interaction.identifiers]
        found = sorted(self._find(identifiers), key=lambda profile: profile.created_at)
        if not found:
            return self._create(interaction, identifiers)
        winner, losers = found[0], found[1:]
        for loser in losers:
            self._move_history(loser.profile_id, winner.profile_id)
        self._save(interaction, winner, losers, identifiers)
        return Outcome(winner.profile_id, merged=[loser.profile_id for loser in losers])

    def _find(self, identifiers: list[Identifier]) -> list[Profile]:
        found: dict[str, Profile] = {}
        for identifier in identifiers:
            if identifier.kind in INDEXED:
                answer = self._profiles.query(
                    IndexName=f"by_{identifier.kind}",
                    KeyConditionExpression=Key(identifier.kind).eq(identifier.value),
                )
                for item in answer["Items"]:
                    profile = Profile.model_validate(item)
                    found[profile.profile_id] = profile
        return list(found.values())

    def _create(self, interaction: Interaction, identifiers: list[Identifier]) -> Outcome:
        profile = Profile(
            profile_id=str(uuid.uuid4()),
            identifiers=identifiers,
            traits=interaction.traits,
            created_at=interaction.received_at,
            last_seen_at=interaction.received_at,
            interaction_count=1,
            **_indexed(identifiers),
        )
        put = {
            "TableName": self._profiles.name,
            "Item": profile.model_dump(mode="json", exclude_none=True),
            "ConditionExpression": "attribute_not_exists(profile_id)",
        }
        self._client.transact_write_items(
            TransactItems=[{"Put": put}, self._put_history(interaction, profile.profile_id)]
        )
        return Outcome(profile.profile_id, created=True)

    def _save(
        self,
        interaction: Interaction,
        winner: Profile,
        losers: list[Profile],
        identifiers: list[Identifier],
    ) -> None:
        everything = [*winner.identifiers, *(i for p in losers for i in p.identifiers)]
        merged = {(i.kind, i.value): i for i in [*everything, *identifiers]}
        traits: dict[str, Any] = {}
        for profile in (*reversed(losers), winner):
            traits |= profile.traits
        values: dict[str, Any] = {
            ":identifiers": [i.model_dump() for i in merged.values()],
            ":traits": traits | interaction.traits,
            ":seen": interaction.model_dump(mode="json")["received_at"],
            ":count": 1 + sum(loser.interaction_count for loser in losers),
        }
        expression = "SET identifiers = :identifiers, traits = :traits, last_seen_at = :seen"
        for kind, value in _indexed(list(merged.values())).items():
            if getattr(winner, kind) is None:
                expression += f", {kind} = :{kind}"
                values[f":{kind}"] = value
        update = {
            "TableName": self._profiles.name,
            "Key": {"profile_id": winner.profile_id},
            "UpdateExpression": expression + " ADD interaction_count :count",
            "ConditionExpression": "attribute_exists(profile_id)",
            "ExpressionAttributeValues": values,
        }
        deletes = [
            {"Delete": {"TableName": self._profiles.name, "Key": {"profile_id": p.profile_id}}}
            for p in losers
        ]
        self._client.transact_write_items(
            TransactItems=[
                {"Update": update},
                *deletes,
                self._put_history(interaction, winner.profile_id),
            ]
        )

    def _put_history(self, interaction: Interaction, profile_id: str) -> dict[str, Any]:
        item = interaction.model_dump(mode="json", exclude_none=True)
        item["profile_id"] = profile_id
        item["sk"] = f"{item['occurred_at']}#{interaction.id}"
        return {"Put": {"TableName": self._history.name, "Item": item}}

    def _move_history(self, loser_id: str, winner_id: str) -> None:
        with self._history.batch_writer() as batch:
            for item in self._history_of(loser_id):
                batch.put_item(Item={**item, "profile_id": winner_id})
                batch.delete_item(Key={"profile_id": loser_id, "sk": item["sk"]})

    def _history_of(self, profile_id: str) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"KeyConditionExpression": Key("profile_id").eq(profile_id)}
        while True:
            answer = self._history.query(**query)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _indexed(identifiers: list[Identifier]) -> dict[str, Any]:
    first: dict[str, Any] = {}
    for identifier in identifiers:
        if identifier.kind in INDEXED:
            first.setdefault(identifier.kind, identifier.value)
    return first
