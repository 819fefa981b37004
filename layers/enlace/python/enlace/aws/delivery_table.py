"""Messages in the delivery table: one item each, ``message#<id>``.

Every write is conditional on the state before, so redeliveries, crashed senders
and the provider's own events may come in any order. Items hold ids and address
keys; no address, no text.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from enlace.aws.delivery_items import ConditionFailed, dynamo_call, to_item, to_record
from enlace.domain.delivery import Claim, MessageRecord, State
from enlace.domain.interaction import utc_text
from enlace.errors import TemporaryFailure

#: Longer than a sender may run: a lease that ran out belongs to a crashed one.
LEASE_SECONDS = 90
#: How long a provider's own event may take to tell of a lost acknowledgement.
EVIDENCE_SECONDS = 60

_NAMES = {"#state": "state", "#token": "token"}


class DeliveryTable:
    """The records of messages.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    now : callable
        The current time, with a zone.
    """

    def __init__(self, client: Any, table: str, *, now: Callable[[], datetime]):
        self._client = client
        self._table = table
        self._now = now

    def get(self, message_id: str) -> MessageRecord | None:
        """A message's record, read consistently."""
        answer = self._call("get_item", Key=_key(message_id), ConsistentRead=True)
        return to_record(answer["Item"]) if "Item" in answer else None

    def accept(self, message: MessageRecord) -> None:
        """Enter a message that was asked for, or denied at once; known ones stay as they are."""
        if message.state == State.DENIED:
            values = to_item(replace(message, settled_at=utc_text(self._now())))
        else:
            values = to_item(message)
        self._try(
            "put_item",
            Item={**_key(message.message_id), **values},
            ConditionExpression="attribute_not_exists(pk)",
        )

    def claim(self, message: MessageRecord) -> Claim:
        """See :class:`enlace.usecases.deliver_message.Deliveries`."""
        now = self._now()
        token = str(uuid.uuid4())
        until = (now + timedelta(seconds=LEASE_SECONDS)).timestamp()
        once = ("template", "purpose", "channel", "customer_id", "contact_key")
        kept = ", ".join(f"{name} = if_not_exists({name}, :{name})" for name in once)
        answer = self._try(
            "update_item",
            Key=_key(message.message_id),
            UpdateExpression=(
                f"SET #state = :sending, #token = :token, lease_until = :until, {kept}"
                " ADD attempts :one"
            ),
            ConditionExpression=(
                "attribute_not_exists(pk) OR #state = :accepted"
                " OR (#state IN (:sending, :unknown) AND lease_until < :now)"
            ),
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues={
                ":sending": {"S": State.SENDING},
                ":unknown": {"S": State.UNKNOWN},
                ":accepted": {"S": State.ACCEPTED},
                ":token": {"S": token},
                ":until": {"N": str(until)},
                ":now": {"N": str(now.timestamp())},
                ":one": {"N": "1"},
                **{f":{name}": {"S": getattr(message, name)} for name in once},
            },
            ReturnValues="ALL_OLD",
        )
        if answer is None:
            record = self.get(message.message_id)
            if record is None:
                raise TemporaryFailure("the message's record changed while it was read")
            # Taken by this very call, whose acknowledgement was lost before it was repeated.
            # Each attempt that certainly did nothing was taken off again by `release`.
            mine = record.token == token and record.state == State.SENDING
            return Claim(record, mine=mine, doubtful=mine and record.attempts > 1)
        before = to_record(answer["Attributes"]) if "Attributes" in answer else message
        doubtful = "Attributes" in answer and before.state in (State.SENDING, State.UNKNOWN)
        record = replace(
            before,
            state=State.SENDING,
            token=token,
            lease_until=until,
            attempts=before.attempts + 1,
        )
        return Claim(record, mine=True, doubtful=doubtful)

    def release(self, claim: Claim) -> None:
        """See :class:`enlace.usecases.deliver_message.Deliveries`."""
        # After a doubtful attempt it stays doubtful, whatever this one found.
        state = State.UNKNOWN if claim.doubtful else State.ACCEPTED
        self._try(
            "update_item",
            Key=_key(claim.record.message_id),
            UpdateExpression="SET #state = :state, lease_until = :zero ADD attempts :less",
            ConditionExpression="#state = :sending AND #token = :token",
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues={
                ":state": {"S": state},
                ":zero": {"N": "0"},
                ":less": {"N": "-1"},
                ":sending": {"S": State.SENDING},
                ":token": {"S": claim.record.token},
            },
        )

    def settle(
        self,
        claim: Claim,
        state: State,
        *,
        reason: str = "",
        provider: str = "",
        provider_message_id: str = "",
    ) -> MessageRecord:
        """See :class:`enlace.usecases.deliver_message.Deliveries`."""
        now = self._now()
        open_ = state == State.UNKNOWN
        until = (now + timedelta(seconds=EVIDENCE_SECONDS)).timestamp() if open_ else 0
        record = replace(
            claim.record,
            state=state,
            reason=reason,
            provider=provider,
            provider_message_id=provider_message_id,
            settled_at="" if open_ else utc_text(now),
            lease_until=float(until),
        )
        values = {
            ":state": {"S": state},
            ":reason": {"S": reason},
            ":provider": {"S": provider},
            ":provider_message_id": {"S": provider_message_id},
            ":settled_at": {"S": record.settled_at},
            ":until": {"N": str(until)},
            ":sending": {"S": State.SENDING},
        }
        names = dict(_NAMES)
        if state == State.SENT:
            # Known for certain, so it counts even if the lease has passed on.
            condition = "#state IN (:sending, :unknown, :accepted)"
            values[":unknown"] = {"S": State.UNKNOWN}
            values[":accepted"] = {"S": State.ACCEPTED}
            del names["#token"]
        else:
            condition = "#state = :sending AND #token = :token"
            values[":token"] = {"S": claim.record.token}
        answer = self._try(
            "update_item",
            Key=_key(record.message_id),
            UpdateExpression=(
                "SET #state = :state, reason = :reason, provider = :provider,"
                " provider_message_id = :provider_message_id, settled_at = :settled_at,"
                " lease_until = :until"
            ),
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
        if answer is not None:
            return record
        return self.get(record.message_id) or record

    def report(
        self,
        message_id: str,
        state: State,
        *,
        at: str,
        provider_message_id: str = "",
        reason: str = "",
    ) -> bool:
        """Enter what the provider's own events say: sent, delivered or failed.

        Parameters
        ----------
        at : str
            Contract time of the provider's event; of delivered and failed, the
            later one stands (mail can bounce after it was delivered).

        Returns
        -------
        bool
            False if it is not news, or no message of ours.
        """
        values: dict[str, Any] = {
            ":state": {"S": state},
            ":at": {"S": at},
            ":reason": {"S": reason},
            ":yes": {"BOOL": True},
        }
        update = (
            "SET #state = :state, reason = :reason, settled_at = :at, reported_at = :at,"
            " reported = :yes"
        )
        if provider_message_id:
            update += ", provider_message_id = :id"
            values[":id"] = {"S": provider_message_id}
        if state == State.SENT:
            condition = "#state IN (:accepted, :sending, :unknown)"
            values[":accepted"] = {"S": State.ACCEPTED}
            values[":sending"] = {"S": State.SENDING}
            values[":unknown"] = {"S": State.UNKNOWN}
        else:
            condition = (
                "attribute_exists(pk) AND #state <> :denied"
                " AND (attribute_not_exists(reported_at) OR reported_at < :at)"
            )
            values[":denied"] = {"S": State.DENIED}
        answer = self._try(
            "update_item",
            Key=_key(message_id),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues=values,
        )
        return answer is not None

    def _try(self, operation: str, **parameters: Any) -> dict[str, Any] | None:
        # None where the condition does not hold.
        try:
            return self._call(operation, **parameters)
        except ConditionFailed:
            return None

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return dynamo_call(self._client, operation, TableName=self._table, **parameters)


def _key(message_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"message#{message_id}"}}
