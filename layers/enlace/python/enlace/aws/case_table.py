"""Service cases: found by their contact point and by their protocol number.

Two items a case, written in one transaction: ``pk = <address key>,
sk = case#<protocol>`` lists a contact point's cases, and ``pk = protocol#<protocol>,
sk = case`` makes the number unique and finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from enlace.aws.delivery_items import ConditionFailed, dynamo_call
from enlace.domain.protocol import make_protocol
from enlace.errors import TemporaryFailure

#: A number is taken with a chance of 1 in 10**8 for each other case of the day.
_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Case:
    """One service case.

    Parameters
    ----------
    opened_at : str
        Contract time of the interaction that opened it.
    state : str
        ``open``; later ones come with the handling of cases.
    """

    protocol: str
    contact_key: str
    contact_kind: str
    interaction_id: str
    customer_id: str
    nature: str
    opened_at: str
    state: str = "open"


class CaseTable:
    """The cases.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    """

    def __init__(self, client: Any, table: str):
        self._client = client
        self._table = table

    def open(
        self,
        *,
        contact_key: str,
        contact_kind: str,
        interaction_id: str,
        customer_id: str,
        nature: str,
        opened_at: str,
    ) -> Case:
        """Open the case of an interaction, or find the one that it opened before.

        Raises
        ------
        TemporaryFailure
            If the table did not do its part, or every number tried is taken.
        """
        for attempt in range(_ATTEMPTS):
            case = Case(
                make_protocol(interaction_id, opened_at, attempt),
                contact_key,
                contact_kind,
                interaction_id,
                customer_id,
                nature,
                opened_at,
            )
            try:
                self._put(case)
            except ConditionFailed:
                known = self.find(case.protocol)
                # Numbers come from the interaction's id, so its own case is
                # among the numbers tried: no third item is needed to find it.
                if known is not None and known.interaction_id == interaction_id:
                    return known
                continue
            return case
        raise TemporaryFailure("no free protocol number")

    def find(self, protocol: str) -> Case | None:
        """The case of a protocol number, read consistently."""
        answer = dynamo_call(
            self._client,
            "get_item",
            TableName=self._table,
            Key={"pk": {"S": f"protocol#{protocol}"}, "sk": {"S": "case"}},
            ConsistentRead=True,
        )
        item = answer.get("Item")
        if item is None:
            return None
        return Case(**{name: item[name]["S"] for name in Case.__slots__})

    def _put(self, case: Case) -> None:
        values = {name: {"S": getattr(case, name)} for name in Case.__slots__}
        keys = (
            (f"protocol#{case.protocol}", "case"),
            (case.contact_key, f"case#{case.protocol}"),
        )
        dynamo_call(
            self._client,
            "transact_write_items",
            TransactItems=[
                {
                    "Put": {
                        "TableName": self._table,
                        "Item": {"pk": {"S": pk}, "sk": {"S": sk}, **values},
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                }
                for pk, sk in keys
            ],
        )
