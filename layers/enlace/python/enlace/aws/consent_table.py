"""The consent table: state and ledger of every address.

``pk = <address key>``; ``sk = state`` is the one item that a sender checks, and
``sk = ledger#<event id>`` one record each, for ever. Keys hold no clear address.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from enlace.aws.consent_ends import index_change
from enlace.aws.dynamodb import batch_get, translated
from enlace.domain import send_claims
from enlace.domain.component import etag_of
from enlace.domain.consent import AddressConsent
from enlace.domain.consent_document import from_document, to_document
from enlace.domain.consent_ends import next_end
from enlace.domain.send_claims import SendClaim
from enlace.errors import AlreadyRecorded, Conflict, TemporaryFailure
from enlace.usecases.consent_ports import StoredConsent


class ConsentTable:
    """Implements :class:`enlace.usecases.consent_ports.ConsentStore`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    """

    def __init__(self, client: Any, table: str):
        self._client = client
        self._table = table

    def get(self, key: str) -> StoredConsent:
        """The consent of an address, read consistently.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        return _stored(self._item(key, "state") or {})

    def states(self, keys: Collection[str]) -> dict[str, AddressConsent]:
        """The consents of several addresses, where anything is on record, in one request.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        found = self.stored(keys, consistent=False)
        return {key: stored.consent for key, stored in found.items() if stored.etag}

    def stored(self, keys: Collection[str], *, consistent: bool = True) -> dict[str, StoredConsent]:
        """Consents and claims of several addresses, where there are any, in one request.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        wanted = [{"pk": {"S": key}, "sk": {"S": "state"}} for key in sorted(keys)]
        items = batch_get(self._client, self._table, wanted, consistent=consistent)
        return {item["pk"]["S"]: _stored(item) for item in items}

    def entry(self, key: str, event_id: str) -> dict[str, Any] | None:
        """One entry of the ledger.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        item = self._item(key, f"ledger#{event_id}")
        return json.loads(item["body"]["S"]) if item else None

    def commit(
        self, key: str, before: StoredConsent, after: AddressConsent, entry: Mapping[str, Any]
    ) -> None:
        """See :class:`enlace.usecases.consent_ports.ConsentStore`."""
        body = _dump(to_document(after))
        values = {
            ":body": {"S": body},
            ":last_hash": {"S": entry["hash"]},
            # The ledger moves with it, so equal states differ by their last entry.
            ":new": {"S": etag_of(body + entry["hash"])},
        }
        ends, indexed = index_change(next_end(after))
        values |= indexed
        if before.etag:
            values[":etag"] = {"S": before.etag}
        # An update, which leaves the claims of senders as they are.
        state: dict[str, Any] = {
            "TableName": self._table,
            "Key": {"pk": {"S": key}, "sk": {"S": "state"}},
            "UpdateExpression": f"SET body = :body, last_hash = :last_hash, etag = :new{ends}",
            "ConditionExpression": _as_read(before),
            "ExpressionAttributeValues": values,
        }
        ledger = {
            "TableName": self._table,
            "Item": {
                "pk": {"S": key},
                "sk": {"S": f"ledger#{entry['event_id']}"},
                "body": {"S": _dump(dict(entry))},
            },
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        with translated():
            try:
                self._client.transact_write_items(
                    TransactItems=[{"Put": ledger}, {"Update": state}]
                )
            except ClientError as error:
                _raise_cause(error)
                raise

    def put_claims(self, key: str, before: StoredConsent, claims: Iterable[SendClaim]) -> None:
        """See :class:`enlace.usecases.send_gate.Claims`; one conditional write."""
        text, values = send_claims.dump(claims), {}
        if text:
            values[":claims"] = {"S": text}
        condition = f"{_as_read(before)} AND attribute_not_exists(claims)"
        if before.etag:
            values[":etag"] = {"S": before.etag}
        if before.claims:
            condition = f"{_as_read(before)} AND claims = :before"
            values[":before"] = {"S": send_claims.dump(before.claims)}
        with translated():
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": key}, "sk": {"S": "state"}},
                UpdateExpression="SET claims = :claims" if text else "REMOVE claims",
                ConditionExpression=condition,
                **({"ExpressionAttributeValues": values} if values else {}),
            )

    def _item(self, key: str, sk: str) -> dict[str, Any] | None:
        with translated():
            answer = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": key}, "sk": {"S": sk}},
                ConsistentRead=True,
            )
        item: dict[str, Any] | None = answer.get("Item")
        return item


def _as_read(before: StoredConsent) -> str:
    return "etag = :etag" if before.etag else "attribute_not_exists(etag)"


def _stored(item: Mapping[str, Any]) -> StoredConsent:
    claims = send_claims.load(item["claims"]["S"]) if "claims" in item else ()
    # A claim may stand where nobody has said anything yet.
    if "etag" not in item:
        return StoredConsent(AddressConsent(), claims=claims)
    body = from_document(json.loads(item["body"]["S"]))
    return StoredConsent(body, item["etag"]["S"], item["last_hash"]["S"], claims)


def _raise_cause(error: ClientError) -> None:
    response: dict[str, Any] = {**error.response}
    code = response.get("Error", {}).get("Code")
    if code in ("TransactionConflictException", "TransactionInProgressException"):
        raise Conflict("another transaction is under way") from error
    if code != "TransactionCanceledException":
        return
    codes = [reason.get("Code") for reason in response.get("CancellationReasons", [])]
    if codes[:1] == ["ConditionalCheckFailed"]:
        raise AlreadyRecorded([]) from error
    if {"ConditionalCheckFailed", "TransactionConflict"}.intersection(codes):
        raise Conflict("not as it was read") from error
    raise TemporaryFailure(f"DynamoDB cancelled: {', '.join(sorted(map(str, codes)))}") from error


def _dump(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
