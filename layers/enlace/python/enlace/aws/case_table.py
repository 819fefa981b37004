"""Service cases in DynamoDB; the items are described in :mod:`enlace.aws.case_items`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from enlace.aws.case_items import (
    Item,
    attributes,
    case_key,
    contact_key,
    done_key,
    key_of,
    record_of,
)
from enlace.aws.case_writes import changing, opening
from enlace.aws.delivery_items import ConditionFailed, dynamo_call
from enlace.aws.dynamodb import batch_get
from enlace.domain.case import Case, Change, Contact, changed
from enlace.domain.protocol import make_protocol
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.case_ports import Known

#: A number is taken with a chance of 1 in 10**8 for each other case of the day.
_ATTEMPTS = 8
#: Open cases looked at of one contact point, newest first.
_MAX_OPEN = 20
_NEW = "attribute_not_exists(pk)"

Parallel = Callable[[Sequence[Callable[[], Any]]], list[Any]]


def _one_by_one(reads: Sequence[Callable[[], Any]]) -> list[Any]:
    return [read() for read in reads]


class CaseTable:
    """The cases; implements :class:`enlace.usecases.case_ports.Cases`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    parallel : callable, optional
        Runs reads of several contact points side by side.
    """

    def __init__(self, client: Any, table: str, *, parallel: Parallel = _one_by_one):
        self._client = client
        self._table = table
        self._parallel = parallel

    def find(self, protocol: str) -> Case | None:
        """The case of a protocol number, read consistently."""
        item = self._get(case_key(protocol))
        return record_of(Case, item) if item else None

    def open_of(self, contact_keys: Sequence[str]) -> list[Case]:
        """The open cases that these contact points opened, newest first."""
        found = self._parallel([partial(self._open_at, key) for key in contact_keys])
        keys = [case_key(protocol) for protocols in found for protocol in protocols]
        if not keys:
            return []
        items = batch_get(self._client, self._table, keys, consistent=True)
        cases = [record_of(Case, item) for item in items]
        return sorted(
            (case for case in cases if case.is_open), key=lambda c: c.protocol, reverse=True
        )

    def look_up(self, interaction_id: str, references: Sequence[str]) -> Known:
        """What an interaction belongs to already, and what its references name."""
        own = f"interaction#{interaction_id}"
        pks = [own, *(f"ref#{reference}" for reference in references)]
        keys = [key_of(pk, "case") for pk in dict.fromkeys(pks)]
        found = {
            item["pk"]["S"]: item
            for item in batch_get(self._client, self._table, keys, consistent=True)
        }
        mine = found.pop(own, None)
        referred = [found[pk]["protocol"]["S"] for pk in pks if pk in found]
        contact = record_of(Contact, mine) if mine else None
        return Known(contact, tuple(dict.fromkeys(referred)))

    def opened_last(self, contact_key: str) -> str:
        """The number of the case that a contact point opened last, or ""."""
        item = self._get(key_of(contact_key, "cases"))
        return str(item["protocol"]["S"]) if item else ""

    def open(
        self,
        *,
        contact_key: str,
        contact_kind: str,
        interaction_id: str,
        customer_id: str,
        nature: str,
        opened_at: str,
        level: str = "",
        channel: str = "",
        type_: str = "complaint.opened",
        direction: str = "inbound",
        follows: str = "",
        related: Sequence[str] = (),
        references: Sequence[str] = (),
        opened_last: str | None = None,
    ) -> Case:
        """Open the case of an interaction, or find the one that it opened before.

        See :meth:`enlace.usecases.case_ports.Cases.open`.

        Raises
        ------
        Conflict
            If the contact point opened another case since ``opened_last`` was read.
        TemporaryFailure
            If the table did not do its part, or every number tried is taken.
        """
        for attempt in range(_ATTEMPTS):
            protocol = make_protocol(interaction_id, opened_at, attempt)
            case = Case(
                protocol=protocol,
                contact_key=contact_key,
                contact_kind=contact_kind,
                interaction_id=interaction_id,
                customer_id=customer_id,
                nature=nature,
                opened_at=opened_at,
                level=level,
                channel=channel,
                last_contact_at=opened_at,
                follows=follows,
                related=tuple(related),
            )
            contact = Contact(
                protocol=protocol,
                interaction_id=interaction_id,
                occurred_at=opened_at,
                contact_key=contact_key,
                contact_kind=contact_kind,
                customer_id=customer_id,
                channel=channel,
                type=type_,
                direction=direction,
                how="opened",
            )
            try:
                self.transact(opening(case, contact, opened_last))
            except ConditionFailed:
                known = self.look_up(interaction_id, ()).contact
                if known is not None:
                    return self._existing(known.protocol)
                if self.find(protocol) is None:
                    raise Conflict("another case was opened meanwhile") from None
                continue
            self._refer_all(references, protocol)
            return case
        raise TemporaryFailure("no free protocol number")

    def join(self, contact: Contact, references: Sequence[str] = ()) -> Contact:
        """Put an interaction into a case's thread, once; see the port."""
        try:
            self._call(
                "put_item",
                # Which case it is, is decided here; the rest may be repeated.
                Item={
                    **key_of(f"interaction#{contact.interaction_id}", "case"),
                    **attributes(contact),
                },
                ConditionExpression=_NEW,
            )
        except ConditionFailed:
            known = self.look_up(contact.interaction_id, ()).contact
            if known is None:
                raise TemporaryFailure("a contact that is gone") from None
            contact = known
        self._call("put_item", Item={**contact_key(contact), **attributes(contact)})
        self._refer_all(references, contact.protocol)
        if contact.direction == "inbound":
            self._heard(contact)
        return contact

    def change(self, case: Case, change: Change) -> Case:
        """Enter a change, once; see the port.

        Raises
        ------
        Conflict
            If the case is no longer as it was read.
        """
        # Whether it was entered before is asked first: a repetition finds another version.
        if self._get(done_key(case.protocol, change)):
            return self._existing(case.protocol)
        after = changed(case, change)
        try:
            self.transact(changing(case, after, change))
        except ConditionFailed:
            raise Conflict("the case is no longer as it was read") from None
        return after

    def told(self, protocol: str, contact_key: str, message_id: str) -> str:
        """Which message told a contact point the number first; see the port."""
        key = key_of(f"protocol#{protocol}", f"told#{contact_key}")
        try:
            self._call(
                "put_item",
                Item={**key, "message_id": {"S": message_id}},
                ConditionExpression=_NEW,
            )
        except ConditionFailed:
            item = self._get(key)
            if item and item["message_id"]["S"] != message_id:
                return str(item["message_id"]["S"])
        pointer = key_of(f"message#{message_id}", "case")
        self._call("put_item", Item={**pointer, "protocol": {"S": protocol}})
        return message_id

    def case_of_message(self, message_id: str) -> str | None:
        """The number of the case that a message of ours was about."""
        item = self._get(key_of(f"message#{message_id}", "case"))
        return str(item["protocol"]["S"]) if item else None

    def refer(self, reference: str, protocol: str) -> None:
        """Let a reference lead to a case; the latest one counts."""
        item = {**key_of(f"ref#{reference}", "case"), "protocol": {"S": protocol}}
        self._call("put_item", Item=item)

    def _open_at(self, contact_key: str) -> list[str]:
        answer = self._call(
            "query",
            KeyConditionExpression="pk = :pk AND begins_with(sk, :case)",
            ExpressionAttributeValues={":pk": {"S": contact_key}, ":case": {"S": "case#"}},
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=_MAX_OPEN,
        )
        return [item["protocol"]["S"] for item in answer["Items"]]

    def _heard(self, contact: Contact) -> None:
        try:
            self._call(
                "update_item",
                Key=case_key(contact.protocol),
                UpdateExpression="SET last_contact_at = :at",
                ConditionExpression="attribute_exists(pk) AND last_contact_at < :at",
                ExpressionAttributeValues={":at": {"S": contact.occurred_at}},
            )
        except ConditionFailed:
            return  # A later contact came before this one.

    def _refer_all(self, references: Sequence[str], protocol: str) -> None:
        for reference in references:
            self.refer(reference, protocol)

    def _existing(self, protocol: str) -> Case:
        case = self.find(protocol)
        if case is None:
            raise TemporaryFailure("a case that is gone")
        return case

    def _get(self, key: Item) -> Item | None:
        item: Item | None = self._call("get_item", Key=key, ConsistentRead=True).get("Item")
        return item

    def transact(self, writes: list[dict[str, Any]]) -> None:
        named = [
            {operation: {"TableName": self._table, **arguments}}
            for write in writes
            for operation, arguments in write.items()
        ]
        dynamo_call(self._client, "transact_write_items", TransactItems=named)

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        return dynamo_call(self._client, operation, TableName=self._table, **arguments)
