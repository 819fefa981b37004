"""The conditional updates of a message's item, as parameters of ``UpdateItem``.

Each says in its condition what the record must still be; see
:class:`enlace.aws.delivery_table.DeliveryTable` for what each is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from enlace.aws.delivery_items import steps_value
from enlace.domain.delivery import Choice, MessageRecord, State, Step
from enlace.rules import retention_policy

#: Where the policy of retention has no rule for messages: as long as a table can say.
_FOR_EVER = 253_402_300_799


def decision(choice: Choice, steps: Sequence[Step]) -> dict[str, Any]:
    """Where an attempt goes, if the one before it is the last on record."""
    return _update(
        "SET #state = :accepted, attempt = :attempt, channel = :channel,"
        " contact_kind = :kind, contact_key = :key, steps = list_append("
        "if_not_exists(steps, :none), :steps) REMOVE due_at, about",
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


def putting_off(
    state: State,
    attempt: int,
    *,
    at: str,
    reason: str,
    steps: Iterable[Step],
    due_at: str,
    about: str,
) -> dict[str, Any]:
    """That nothing goes out now, or at all, if nothing did since ``attempt``.

    No timeline tells of such a message, so the index ``about`` does.
    """
    found = {":about": {"S": about}} if about else {}
    # Denied is the end: nobody reads the data any more.
    ended = "" if state == State.DEFERRED else " REMOVE template_data"
    return _update(
        "SET #state = :state, reason = :reason, due_at = :due, settled_at = :at,"
        + (" about = :about," if about else "")
        + " steps = list_append(if_not_exists(steps, :none), :steps)"
        + ended,
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
            **found,
        },
    )


def settlement(message: MessageRecord, *, last: bool) -> dict[str, Any]:
    """How an attempt ended, if its provider has not told yet."""
    once = ("template", "purpose", "customer_id")
    # What went out, or failed to, its timeline tells of.
    denied = message.state == State.DENIED
    ended = ", template_data" if denied or last else ""
    update = _update(
        "SET #state = :state, reason = :reason, provider = :provider,"
        " provider_message_id = :id, settled_at = :at, attempt = :attempt,"
        " channel = :channel, contact_kind = :kind, contact_key = :key,"
        " steps = list_append(if_not_exists(steps, :none), :steps), "
        + ", ".join(f"{name} = if_not_exists({name}, :{name})" for name in once)
        + ", #ttl = if_not_exists(#ttl, :ttl)"
        + (", about = :key REMOVE due_at" if denied else " REMOVE due_at, about")
        + ended,
        # A later attempt overwrites an earlier one; the provider's word is never overwritten.
        "attribute_not_exists(pk) OR (attempt < :attempt AND attempt >= :one)"
        " OR ((attribute_not_exists(attempt) OR attempt = :attempt)"
        " AND #state IN (:accepted, :deferred))",
        {
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
            ":ttl": {"N": str(kept_until(message.settled_at))},
        },
    )
    update["ExpressionAttributeNames"]["#ttl"] = "ttl"
    return update


def forgetting(attempt: int) -> dict[str, Any]:
    """That nothing follows on an attempt that is over: its data goes."""
    return _update(
        "REMOVE template_data",
        "attribute_exists(template_data) AND attempt = :attempt"
        " AND #state IN (:sent, :delivered, :failed, :denied)",
        {
            ":attempt": {"N": str(attempt)},
            ":sent": {"S": State.SENT},
            ":delivered": {"S": State.DELIVERED},
            ":failed": {"S": State.FAILED},
            ":denied": {"S": State.DENIED},
        },
    )


def kept_until(moment: str) -> int:
    """Unix seconds from which reads hide a record that was begun at a contract time.

    As in ``rules/retention.toml``, whose job deletes it.
    """
    policy = retention_policy()
    rule = policy.rule_of("messages")
    return int(policy.keep(rule).after(moment).timestamp()) if rule else _FOR_EVER


def channel_of_report(message: MessageRecord) -> dict[str, Any]:
    """The channel of an attempt that is on record by its provider's report only."""
    update = _update(
        "SET attempt = :attempt, channel = :channel, contact_kind = :kind, contact_key = :key",
        "attribute_not_exists(attempt)",
        _choice_values(_choice(message)),
    )
    del update["ExpressionAttributeNames"]  # DynamoDB refuses a name that is not used.
    return update


def provider_report(
    state: State, *, at: str, channel: str, provider_message_id: str, reason: str, read: bool
) -> dict[str, Any]:
    """What the provider's own events say, if it is news."""
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
        update += ", read_at = if_not_exists(read_at, :at) REMOVE template_data"
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
    return _update(update, condition, values)


def _update(update: str, condition: str, values: dict[str, Any]) -> dict[str, Any]:
    return {
        "UpdateExpression": update,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": values,
        "ExpressionAttributeNames": {"#state": "state"},
    }


def _choice(message: MessageRecord) -> Choice:
    return Choice(message.attempt, message.channel, message.contact_kind, message.contact_key)


def _choice_values(choice: Choice) -> dict[str, Any]:
    return {
        ":attempt": {"N": str(choice.attempt)},
        ":channel": {"S": choice.channel},
        ":kind": {"S": choice.contact_kind},
        ":key": {"S": choice.contact_key},
    }
