"""A secret whose tokens its users renew, one at a time.

The claim is an item of the delivery table, ``crm#<provider>#token``; the tokens
themselves are never there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.aws.delivery_items import ConditionFailed, dynamo_call
from enlace.errors import Misconfigured, TemporaryFailure

#: Longer than a renewal may take; who is cut off in it blocks others no longer.
CLAIM_SECONDS = 30


class TokenSecret:
    """See :class:`enlace.senders.rd_tokens.TokenStore`.

    Parameters
    ----------
    secrets, dynamodb
        Botocore clients; the first as a callable that makes it at the first need.
    clock : callable
        Unix seconds.
    """

    def __init__(
        self,
        secrets: Callable[[], Any],
        secret_id: str,
        *,
        dynamodb: Any,
        table: str,
        provider: str,
        clock: Callable[[], float],
    ):
        self._secrets = secrets
        self._secret_id = secret_id
        self._dynamodb = dynamodb
        self._table = table
        self._key = {"pk": {"S": f"crm#{provider}#token"}}
        self._clock = clock
        self._client: Any = None

    def read(self) -> Mapping[str, Any]:
        """The secret as it is now: another sender may just have renewed it.

        Raises
        ------
        TemporaryFailure
            If the store does not answer.
        Misconfigured
            If it is no JSON object.
        """
        try:
            text = self._call("get_secret_value")["SecretString"]
            value = json.loads(text)
        except (KeyError, ValueError):
            value = None
        if not isinstance(value, dict):
            raise Misconfigured("the CRM's secret is not a JSON object")
        return value

    def claim(self) -> bool:
        """Whether nobody else is renewing."""
        now = self._clock()
        try:
            dynamo_call(
                self._dynamodb,
                "put_item",
                TableName=self._table,
                Item={**self._key, "lease_until": {"N": str(int(now + CLAIM_SECONDS))}},
                ConditionExpression="attribute_not_exists(pk) OR lease_until < :now",
                ExpressionAttributeValues={":now": {"N": str(int(now))}},
            )
        except ConditionFailed:
            return False
        return True

    def save(self, tokens: Mapping[str, Any]) -> None:
        """Put the new tokens into the secret, leaving what else it holds.

        Raises
        ------
        TemporaryFailure
            If that failed. The tokens are lost then, and a person has to authorize
            Enlace again.
        """
        self._call("put_secret_value", SecretString=json.dumps({**self.read(), **tokens}))
        item = {**self._key, "lease_until": {"N": "0"}}
        dynamo_call(self._dynamodb, "put_item", TableName=self._table, Item=item)

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        if self._client is None:
            self._client = self._secrets()
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(
                SecretId=self._secret_id, **parameters
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise TemporaryFailure(f"the CRM's secret: {operation} {code}") from error
        except BotoCoreError as error:
            raise TemporaryFailure(f"the CRM's secret: {type(error).__name__}") from error
        return answer
