"""Messages in the delivery table: one item each, ``message#<id>``.

Every write is conditional on the state before, so redeliveries, crashed senders and the
provider's own events may come in any order. Items hold ids, address keys and the
template's variables; no address.

What goes to one person and counts for caps stands in ``person#<customer id>``: the place
where two messages to one person at the same moment see each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from enlace.aws.delivery_items import ConditionFailed, dynamo_call, steps_value, to_item, to_record
from enlace.domain.delivery import Choice, MessageRecord, State, Step
from enlace.domain.message_policy import Cap
from enlace.domain.reservations import Reservation, choice_of, load, reserved
from enlace.errors import TemporaryFailure

_STATE = {"#state": "state"}
_ATTEMPTS = 8


class DeliveryTable:
    """The records of messages.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    """

    def __init__(self, client: Any, table: str):
        self._client = client
        self._table = table

    def get(self, message_id: str) -> MessageRecord | None:
        """A message's record, read consistently."""
        item = self._get(_key(message_id))
        return to_record(item) if item else None

    def accept(self, message: MessageRecord) -> bool:
        """Enter a message that was asked for, or denied at once; known ones stay as they are.

        Returns
        -------
        bool
            False if it was known.
        """
        item = {**_key(message.message_id), **to_item(message)}
        condition = "attribute_not_exists(pk)"
        return self._try("put_item", Item=item, ConditionExpression=condition) is not None

    def decide(self, message_id: str, choice: Choice, steps: Sequence[Step]) -> Choice:
        """Enter where an attempt goes, once; gives what stands there."""
        answer = self._update(
            message_id,
            "SET #state = :accepted, attempt = :attempt, channel = :channel,"
            " contact_kind = :kind, contact_key = :key, steps = list_append("
            "if_not_exists(steps, :none), :steps) REMOVE due_at",
            "attribute_exists(pk) AND (attempt = :before OR (attribute_not_exists(attempt)"
            " AND :before = :zero))",
            {
                ":accepted": {"S": State.ACCEPTED},
                ":before": {"N": str(choice.attempt - 1)},
                ":zero": {"N": "0"},
                ":none": {"L": []},
                ":steps": steps_value(steps),
                **_choice_values(choice),
            },
        )
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
    ) -> bool:
        """Enter that nothing goes out now (``deferred``), or at all (``denied``, ``failed``).

        Returns
        -------
        bool
            False if the message has moved on since ``attempt``.
        """
        answer = self._update(
            message_id,
            "SET #state = :state, reason = :reason, due_at = :due, settled_at = :at,"
            " steps = list_append(if_not_exists(steps, :none), :steps)",
            "attribute_exists(pk) AND #state IN (:accepted, :deferred)"
            " AND (attempt = :attempt OR (attribute_not_exists(attempt) AND :attempt = :zero))",
            {
                ":state": {"S": state},
                ":reason": {"S": reason},
                ":due": {"S": due_at},
                ":at": {"S": "" if state == State.DEFERRED else at},
                ":none": {"L": []},
                ":steps": steps_value(steps),
                ":accepted": {"S": State.ACCEPTED},
                ":deferred": {"S": State.DEFERRED},
                ":attempt": {"N": str(attempt)},
                ":zero": {"N": "0"},
            },
        )
        return answer is not None

    def settle(self, message: MessageRecord) -> MessageRecord:
        """Enter how an attempt ended; gives what the record says now.

        What the provider's own events said already stands.
        """
        once = ("template", "purpose", "customer_id")
        values = {
            ":state": {"S": message.state},
            ":reason": {"S": message.reason},
            ":provider": {"S": message.provider},
            ":id": {"S": message.provider_message_id},
            ":at": {"S": message.settled_at},
            ":none": {"L": []},
            ":steps": steps_value(message.steps),
            ":accepted": {"S": State.ACCEPTED},
            ":deferred": {"S": State.DEFERRED},
            ":one": {"N": "1"},
            **_choice_values(_choice(message)),
            **{f":{name}": {"S": getattr(message, name)} for name in once},
        }
        answer = self._update(
            message.message_id,
            "SET #state = :state, reason = :reason, provider = :provider,"
            " provider_message_id = :id, settled_at = :at, attempt = :attempt,"
            " channel = :channel, contact_kind = :kind, contact_key = :key,"
            " steps = list_append(if_not_exists(steps, :none), :steps), "
            + ", ".join(f"{name} = if_not_exists({name}, :{name})" for name in once)
            + " REMOVE due_at",
            # A later attempt overwrites an earlier one; the provider's word is never overwritten.
            "attribute_not_exists(pk) OR (attempt < :attempt AND attempt >= :one)"
            " OR ((attribute_not_exists(attempt) OR attempt = :attempt)"
            " AND #state IN (:accepted, :deferred))",
            values,
        )
        if answer is not None:
            return message
        # The provider's report came first, and does not know which channel it was.
        self._update(
            message.message_id,
            "SET attempt = :attempt, channel = :channel, contact_kind = :kind, contact_key = :key",
            "attribute_not_exists(attempt)",
            _choice_values(_choice(message)),
            names=False,
        )
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
        if read:
            update += ", read_at = if_not_exists(read_at, :at)"
        if state == State.SENT:
            condition = "#state = :accepted"
            values[":accepted"] = {"S": State.ACCEPTED}
        else:
            condition = (
                "attribute_exists(pk) AND #state <> :denied"
                " AND (attribute_not_exists(reported_at) OR reported_at < :at)"
            )
            values[":denied"] = {"S": State.DENIED}
        if state == State.FAILED and channel:
            condition += " AND (attribute_not_exists(channel) OR channel = :channel)"
            values[":channel"] = {"S": channel}
        return self._update(message_id, update, condition, values) is not None

    def _get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        item: dict[str, Any] | None = self._call("get_item", Key=key, ConsistentRead=True).get(
            "Item"
        )
        return item

    def _update(
        self,
        message_id: str,
        update: str,
        condition: str,
        values: dict[str, Any],
        *,
        names: bool = True,
    ) -> dict[str, Any] | None:
        return self._try(
            "update_item",
            Key=_key(message_id),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
            **({"ExpressionAttributeNames": _STATE} if names else {}),
        )

    def _try(self, operation: str, **parameters: Any) -> dict[str, Any] | None:
        # None where the condition does not hold.
        try:
            return self._call(operation, **parameters)
        except ConditionFailed:
            return None

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return dynamo_call(self._client, operation, TableName=self._table, **parameters)


def _choice(message: MessageRecord) -> Choice:
    return Choice(message.attempt, message.channel, message.contact_kind, message.contact_key)


def _choice_values(choice: Choice) -> dict[str, Any]:
    return {
        ":attempt": {"N": str(choice.attempt)},
        ":channel": {"S": choice.channel},
        ":kind": {"S": choice.contact_kind},
        ":key": {"S": choice.contact_key},
    }


def _key(message_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"message#{message_id}"}}
