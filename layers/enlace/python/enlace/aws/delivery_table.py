"""Messages in the delivery table: one item each, ``message#<id>``.

Every write is conditional on the state before, so redeliveries, crashed senders and the
provider's own events may come in any order. Items hold ids, address keys and the
template's variables; no address.

What goes to one person and counts for caps stands in ``person#<customer id>``: the place
where two messages to one person at the same moment see each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from enlace.aws.delivery_items import ConditionFailed, dynamo_call, to_item, to_record
from enlace.aws.delivery_writes import (
    channel_of_report,
    decision,
    forgetting,
    kept_until,
    provider_report,
    putting_off,
    settlement,
)
from enlace.domain.delivery import Choice, MessageRecord, State, Step
from enlace.domain.message_policy import Cap
from enlace.domain.reservations import Reservation, choice_of, load, reserved
from enlace.errors import TemporaryFailure

_ATTEMPTS = 8


class DeliveryTable:
    """The records of messages.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    clock : callable
        Seconds since the epoch.
    """

    def __init__(self, client: Any, table: str, *, clock: Callable[[], float] = time.time):
        self._client = client
        self._table = table
        self._clock = clock

    def get(self, message_id: str) -> MessageRecord | None:
        """A message's record, read consistently; not past the time that it is kept for."""
        item = self._get(_key(message_id))
        if item is None or int(item.get("ttl", {"N": "9" * 12})["N"]) <= self._clock():
            return None
        return to_record(item)

    def accept(self, message: MessageRecord) -> bool:
        """Enter a message that was asked for, or denied at once; known ones stay as they are.

        Returns
        -------
        bool
            False if it was known.
        """
        item = {**_key(message.message_id), **to_item(message)}
        if message.accepted_at:
            item["ttl"] = {"N": str(kept_until(message.accepted_at))}
        entered = self._try(
            "put_item",
            Item=item,
            ConditionExpression="attribute_not_exists(pk) OR #ttl <= :now",
            ExpressionAttributeNames={"#ttl": "ttl"},
            ExpressionAttributeValues={":now": {"N": str(int(self._clock()))}},
        )
        return entered is not None

    def decide(self, message_id: str, choice: Choice, steps: Sequence[Step]) -> Choice:
        """Enter where an attempt goes, once; gives what stands there."""
        answer = self._update(message_id, decision(choice, steps))
        if answer is not None:
            return choice
        record = self.get(message_id)
        if record is None or record.attempt != choice.attempt:
            raise TemporaryFailure("the message has moved on")
        return Choice(record.attempt, record.channel, record.contact_kind, record.contact_key)

    def reserve(
        self,
        person: str,
        message_id: str,
        choice: Choice,
        *,
        caps: Collection[Cap],
        counted: Collection[tuple[str, int]],
        now: int,
    ) -> Choice | None:
        """Enter where an attempt goes, if the person may get one more.

        Parameters
        ----------
        person : str
            The customer id that the message was accepted for.
        counted : collection of (message id, Unix seconds)
            What their addresses got; may name the same messages.
        now : int
            Unix seconds.

        Returns
        -------
        Choice or None
            What stands there for this attempt; None where a cap is reached.
        """
        key = {"pk": {"S": f"person#{person}"}}
        mine = Reservation(message_id, now, choice)
        for _ in range(_ATTEMPTS):
            item = self._get(key)
            text = item["reserved"]["S"] if item else ""
            known = load(text)
            if entered := choice_of(known, message_id, choice.attempt):
                return entered
            after = reserved(known, mine, caps=caps, counted=counted)
            if after is None:
                return None
            values = {":after": {"S": after}, **({":before": {"S": text}} if text else {})}
            done = self._try(
                "update_item",
                Key=key,
                UpdateExpression="SET reserved = :after",
                ConditionExpression="reserved = :before" if text else "attribute_not_exists(pk)",
                ExpressionAttributeValues=values,
            )
            if done is not None:
                return choice
        raise TemporaryFailure("others kept writing to the same person")

    def reserved(self, person: str, message_id: str, attempt: int) -> Choice | None:
        """Where an attempt goes, if that was entered by :meth:`reserve`."""
        item = self._get({"pk": {"S": f"person#{person}"}})
        return choice_of(load(item["reserved"]["S"]) if item else [], message_id, attempt)

    def put_off(
        self,
        message_id: str,
        state: State,
        attempt: int,
        *,
        at: str,
        reason: str,
        steps: Iterable[Step],
        due_at: str = "",
        about: str = "",
    ) -> bool:
        """Enter that nothing goes out now (``deferred``), or at all (``denied``, ``failed``).

        Parameters
        ----------
        about : str
            Address key that the message is found by; "" for none.

        Returns
        -------
        bool
            False if the message has moved on since ``attempt``.
        """
        write = putting_off(
            state, attempt, at=at, reason=reason, steps=steps, due_at=due_at, about=about
        )
        return self._update(message_id, write) is not None

    def forget(self, message_id: str, attempt: int) -> None:
        """Let the data go of a message whose attempt is over, as no other follows."""
        self._update(message_id, forgetting(attempt))

    def settle(self, message: MessageRecord, *, last: bool = False) -> MessageRecord:
        """Enter how an attempt ended; gives what the record says now.

        What the provider's own events said already stands.

        Parameters
        ----------
        last : bool
            No other channel was asked for, so its data goes.
        """
        if self._update(message.message_id, settlement(message, last=last)) is not None:
            return message
        # The provider's report came first, and does not know which channel it was.
        self._update(message.message_id, channel_of_report(message))
        return self.get(message.message_id) or message

    def report(
        self,
        message_id: str,
        state: State,
        *,
        at: str,
        channel: str = "",
        provider_message_id: str = "",
        reason: str = "",
        read: bool = False,
    ) -> bool:
        """Enter what the provider's own events say: sent, delivered, read or failed.

        Parameters
        ----------
        at : str
            Contract time of the provider's event; of delivered and failed, the
            later one stands (mail can bounce after it was delivered).
        channel : str
            Where it happened: what an earlier channel tells late of a failure says nothing
            about the present one.
        read : bool
            It was read, and so delivered.

        Returns
        -------
        bool
            False if it is not news, or no message of ours.
        """
        write = provider_report(
            state,
            at=at,
            channel=channel,
            provider_message_id=provider_message_id,
            reason=reason,
            read=read,
        )
        return self._update(message_id, write) is not None

    def _get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        item: dict[str, Any] | None = self._call("get_item", Key=key, ConsistentRead=True).get(
            "Item"
        )
        return item

    def _update(self, message_id: str, write: dict[str, Any]) -> dict[str, Any] | None:
        return self._try("update_item", Key=_key(message_id), **write)

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
