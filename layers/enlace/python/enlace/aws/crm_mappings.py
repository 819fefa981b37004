"""Which CRM contact a customer has: items ``crm#<provider>#<customer_id>``.

And back, for erasures: ``crm#<provider>#shown#<address key>`` lists the customers whose
contacts have shown an identifier.

In the delivery table, as all that senders remember. Written under a version, so
that two senders that work on one customer notice each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from enlace.aws.delivery_items import ConditionFailed, dynamo_call
from enlace.errors import Conflict
from enlace.usecases.crm_ports import Mapping


class CrmMappings:
    """The mappings of one CRM provider.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table, provider : str
    """

    def __init__(self, client: Any, table: str, provider: str):
        self._client = client
        self._table = table
        self._prefix = f"crm#{provider}#"

    def get(self, customer_id: str) -> Mapping:
        """A customer's mapping, read consistently; an empty one where there is none."""
        item = self._item(customer_id)
        if item is None:
            return Mapping(customer_id)
        return Mapping(
            customer_id,
            contact_id=item["contact_id"]["S"],
            merged_into=item["merged_into"]["S"],
            levels=json.loads(item["levels"]["S"]),
            points=frozenset(json.loads(item["points"]["S"])),
            version=int(item["version"]["N"]),
            holder=item["holder"]["S"] if "holder" in item else "",
            held_until=float(item["held_until"]["N"]) if "holder" in item else 0.0,
        )

    def save(self, mapping: Mapping) -> None:
        """Write a mapping, if it is still at its version.

        Raises
        ------
        Conflict
            If another sender wrote it meanwhile.
        """
        version = mapping.version + 1
        condition = "version = :before" if mapping.version else "attribute_not_exists(pk)"
        values = {":before": {"N": str(mapping.version)}} if mapping.version else {}
        held = {
            "holder": {"S": mapping.holder},
            "held_until": {"N": f"{mapping.held_until:.3f}"},
        }
        try:
            dynamo_call(
                self._client,
                "put_item",
                TableName=self._table,
                Item={
                    "pk": {"S": self._prefix + mapping.customer_id},
                    "contact_id": {"S": mapping.contact_id},
                    "merged_into": {"S": mapping.merged_into},
                    "levels": {"S": json.dumps(mapping.levels)},
                    "points": {"S": json.dumps(sorted(mapping.points))},
                    "version": {"N": str(version)},
                    **(held if mapping.holder else {}),
                },
                ConditionExpression=condition,
                **({"ExpressionAttributeValues": values} if values else {}),
            )
        except ConditionFailed:
            raise Conflict("another sender wrote this customer's CRM mapping") from None

    def delete(self, customer_id: str) -> None:
        """Forget a customer."""
        self._call("delete_item", customer_id)

    def show(self, keys: Iterable[str], customer_id: str) -> None:
        """Note that a customer's contact shows, or is about to show, these identifiers."""
        for key in sorted(keys):
            self._change("ADD", key, customer_id)

    def showing(self, key: str) -> list[str]:
        """The customers whose contacts have shown an identifier."""
        item = self._item(f"shown#{key}")
        return sorted(item["customers"]["SS"]) if item else []

    def hide(self, key: str, customer_id: str) -> None:
        """Take back what :meth:`show` noted."""
        self._change("DELETE", key, customer_id)
        with suppress(ConditionFailed):  # others show it
            self._call(
                "delete_item",
                f"shown#{key}",
                ConditionExpression="attribute_not_exists(customers)",
            )

    def progress(self, event_id: str) -> str:
        """How far moving a split's activities has come; "" at the beginning."""
        item = self._item(f"split#{event_id}")
        return item["cursor"]["S"] if item else ""

    def save_progress(self, event_id: str, cursor: str) -> None:
        """Remember how far it has come."""
        item = {"pk": {"S": f"{self._prefix}split#{event_id}"}, "cursor": {"S": cursor}}
        dynamo_call(self._client, "put_item", TableName=self._table, Item=item)

    def _change(self, action: str, key: str, customer_id: str) -> None:
        self._call(
            "update_item",
            f"shown#{key}",
            UpdateExpression=f"{action} customers :one",
            ExpressionAttributeValues={":one": {"SS": [customer_id]}},
        )

    def _call(self, operation: str, name: str, **arguments: Any) -> None:
        key = {"pk": {"S": self._prefix + name}}
        dynamo_call(self._client, operation, TableName=self._table, Key=key, **arguments)

    def _item(self, name: str) -> dict[str, Any] | None:
        answer = dynamo_call(
            self._client,
            "get_item",
            TableName=self._table,
            Key={"pk": {"S": self._prefix + name}},
            ConsistentRead=True,
        )
        item: dict[str, Any] | None = answer.get("Item")
        return item
