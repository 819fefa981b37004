"""Messages as a place of erasure: records, reservations, files that went along, schedules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.aws.delivery_items import dynamo_call, to_record
from enlace.aws.dynamodb import batch_get
from enlace.aws.erased_objects import ErasedObjects
from enlace.domain.erasure import Census, Subject
from enlace.domain.reservations import load
from enlace.errors import TemporaryFailure

#: Of the delivery table: messages that wait, by the address that they are about.
INDEX = "about"


class DeliveryPlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place` and ``Collecting``.

    Messages that went out, or failed to, are known from the timeline, which is counted
    before; those that still wait from the index.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
        The delivery table.
    objects : ErasedObjects, optional
        Of the bucket of attachments, where the function may reach it.
    scheduler, group : optional
        A botocore Scheduler client, and the group of the messages' schedules.
    """

    name = "messages"
    method = "delete"

    def __init__(
        self,
        client: Any,
        table: str,
        *,
        objects: ErasedObjects | None = None,
        scheduler: Any = None,
        group: str = "",
    ):
        self._client = client
        self._table = table
        self._objects = objects
        self._scheduler = scheduler
        self._group = group

    def census(self, subject: Subject) -> Census:
        """Count records, reservations, files and schedules."""
        own = self._own(subject)
        found = len(own) + len(self._reservations(subject))
        found += sum(len(self._schedules(id_)) for id_ in own)
        if self._objects is not None:
            found += sum(self._objects.count(_folder(id_)) for id_ in own)
        return Census(found, (), {"messages": tuple(own)} if own else {})

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Cancel what waits, then delete files, records and reservations.

        Records last: they tell whose the rest is.
        """
        own = self._own(subject)
        for id_ in own:
            if not time_left():
                return False
            for name in self._schedules(id_):
                self._cancel(name)
            if self._objects is not None:
                self._objects.erase(_folder(id_))
        # Of the reservations some records are known: those go first.
        for item in (*own.values(), *self._reservations(subject)):
            if not time_left():
                return False
            dynamo_call(self._client, "delete_item", TableName=self._table, Key={"pk": item["pk"]})
        return True

    def collect(self, subject: Subject) -> Iterator[dict[str, Any]]:
        """Every message that the company wrote, or meant to."""
        for item in self._own(subject).values():
            record = to_record(item)
            yield {
                "record": "message",
                "message_id": record.message_id,
                "status": str(record.state),
                "template": record.template,
                "purpose": record.purpose,
                "channel": record.channel,
                "accepted_at": record.accepted_at,
                "settled_at": record.settled_at,
                "read_at": record.read_at,
                "data": dict(record.request.data) if record.request else {},
            }

    def _own(self, subject: Subject) -> dict[str, dict[str, Any]]:
        """Their messages' records, by id."""
        known = (*subject.ids("messages"), *self._waiting(subject), *self._reserved(subject))
        ids = tuple(dict.fromkeys(known))
        # A hundred at a time: of thousands one by one, a copy would not be made within its call.
        wanted = ({"pk": {"S": f"message#{id_}"}} for id_ in ids)
        items = {
            item["pk"]["S"].partition("#")[2]: item
            for item in batch_get(self._client, self._table, wanted, consistent=True)
        }
        # An id that somebody made up in an interaction is not theirs for that.
        return {
            id_: items[id_] for id_ in ids if id_ in items and self._is_theirs(items[id_], subject)
        }

    def _reservations(self, subject: Subject) -> list[dict[str, Any]]:
        return [item for id_ in subject.customer_ids if (item := self._get(f"person#{id_}"))]

    def _reserved(self, subject: Subject) -> Iterator[str]:
        """What is handed to its sender and told of by no timeline yet, as it rests on consent."""
        for item in self._reservations(subject):
            for one in load(item["reserved"]["S"]):
                yield one.message_id

    def _waiting(self, subject: Subject) -> list[str]:
        ids: list[str] = []
        for key in subject.keys:
            arguments: dict[str, Any] = {
                "TableName": self._table,
                "IndexName": INDEX,
                "KeyConditionExpression": "about = :key",
                "ExpressionAttributeValues": {":key": {"S": key}},
            }
            while True:
                answer = dynamo_call(self._client, "query", **arguments)
                ids += [item["pk"]["S"].partition("#")[2] for item in answer["Items"]]
                if "LastEvaluatedKey" not in answer:
                    break
                arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return ids

    def _is_theirs(self, item: dict[str, Any], subject: Subject) -> bool:
        record = to_record(item)
        if subject.erased_before and record.accepted_at > subject.erased_before:
            return False
        about = record.request.to_key if record.request else ""
        return (
            record.contact_key in subject.keys
            or about in subject.keys
            or record.customer_id in subject.customer_ids
        )

    def _get(self, pk: str) -> dict[str, Any] | None:
        item: dict[str, Any] | None = dynamo_call(
            self._client,
            "get_item",
            TableName=self._table,
            Key={"pk": {"S": pk}},
            ConsistentRead=True,
        ).get("Item")
        return item

    def _schedules(self, message_id: str) -> list[str]:
        if self._scheduler is None:
            return []
        try:
            answer = self._scheduler.list_schedules(GroupName=self._group, NamePrefix=message_id)
        except (BotoCoreError, ClientError) as error:
            raise TemporaryFailure(f"scheduler.list_schedules: {type(error).__name__}") from error
        return [schedule["Name"] for schedule in answer["Schedules"]]

    def _cancel(self, name: str) -> None:
        try:
            self._scheduler.delete_schedule(GroupName=self._group, Name=name)
        except self._scheduler.exceptions.ResourceNotFoundException:
            return
        except (BotoCoreError, ClientError) as error:
            raise TemporaryFailure(f"scheduler.delete_schedule: {type(error).__name__}") from error


def _folder(message_id: str) -> str:
    return f"attachments/{message_id}/"
