"""The fence of an erasure: one transaction over what the resolver and what senders ask.

From it on the resolver drops what is older (``erased_before`` in the identifier's item), and
senders deny (``erasing`` and the suppression in the item of the address's consent).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from enlace.aws.consent_table import ConsentTable
from enlace.aws.dynamodb import batch_get, translated
from enlace.domain.component import etag_of
from enlace.domain.consent import MARKETING_ONLY, AddressConsent, Moment, Suppression
from enlace.domain.consent_document import to_document
from enlace.domain.erasure import ERASURE
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.consent_ports import StoredConsent

#: Two items each in a transaction of 100.
_KEYS_AT_ONCE = 45
_ATTEMPTS = 8


class ErasureFence:
    """Implements :class:`enlace.usecases.erase_subject.Fence`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    identity_table, consent_table : str
    sleep : callable
        Waits some seconds between attempts.
    """

    def __init__(
        self,
        client: Any,
        identity_table: str,
        consent_table: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self._client = client
        self._identity = identity_table
        self._consent = consent_table
        self._consents = ConsentTable(client, consent_table)
        self._sleep = sleep

    def raise_at(self, keys: Sequence[str], at: str, request_id: str) -> None:
        """Put the fence up for all keys; repeated, it moves to the later moment.

        Raises
        ------
        TemporaryFailure
            If the service did not answer, or the items kept changing.
        """
        for batch in _batches(sorted(set(keys))):
            self._repeat(lambda batch=batch: self._raise(batch, at, request_id))  # type: ignore[misc]

    def lower(self, keys: Sequence[str]) -> None:
        """Say that the erasure is over; the suppression stays.

        Raises
        ------
        TemporaryFailure
            As :meth:`raise_at`.
        """
        for key in sorted(set(keys)):
            self._repeat(lambda key=key: self._lower(key))  # type: ignore[misc]

    def _raise(self, keys: Sequence[str], at: str, request_id: str) -> None:
        wanted = ({"pk": {"S": key}} for key in keys)
        items = {
            item["pk"]["S"]: item
            for item in batch_get(self._client, self._identity, wanted, consistent=True)
        }
        stored = self._consents.stored(keys)
        stop = Suppression(ERASURE, Moment(at, at, request_id))
        updates = []
        for key in keys:
            known = items.get(key, {}).get("erased_before", {}).get("S", "")
            if known < at:
                updates.append(self._moved(key, at))
            before = stored.get(key, StoredConsent(AddressConsent()))
            after = replace(before.consent.with_suppression(MARKETING_ONLY, stop), erasing=True)
            if after != before.consent:
                updates.append(self._said(key, before, after))
        self._write(updates)

    def _lower(self, key: str) -> None:
        before = self._consents.stored([key]).get(key)
        if before is not None and before.consent.erasing:
            self._write([self._said(key, before, replace(before.consent, erasing=False))])

    def _moved(self, key: str, at: str) -> dict[str, Any]:
        # An address that nobody is known by gets its fence as well: something may be on its way.
        return {
            "TableName": self._identity,
            "Key": {"pk": {"S": key}},
            "UpdateExpression": "SET erased_before = :at",
            "ConditionExpression": "attribute_not_exists(erased_before) OR erased_before < :at",
            "ExpressionAttributeValues": {":at": {"S": at}},
        }

    def _said(self, key: str, before: StoredConsent, after: AddressConsent) -> dict[str, Any]:
        body = json.dumps(
            to_document(after), separators=(",", ":"), sort_keys=True, ensure_ascii=False
        )
        values = {
            ":body": {"S": body},
            ":last_hash": {"S": before.last_hash},
            ":new": {"S": etag_of(body + before.last_hash)},
        }
        condition = "attribute_not_exists(etag)"
        if before.etag:
            condition = "etag = :etag"
            values[":etag"] = {"S": before.etag}
        return {
            "TableName": self._consent,
            "Key": {"pk": {"S": key}, "sk": {"S": "state"}},
            "UpdateExpression": "SET body = :body, last_hash = :last_hash, etag = :new",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }

    def _write(self, updates: Sequence[dict[str, Any]]) -> None:
        if not updates:
            return
        with translated():
            try:
                self._client.transact_write_items(
                    TransactItems=[{"Update": update} for update in updates]
                )
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code")
                if code in ("TransactionCanceledException", "TransactionConflictException"):
                    raise Conflict("not as it was read") from error
                raise

    def _repeat(self, attempt: Callable[[], None]) -> None:
        for number in range(_ATTEMPTS):
            if number:
                self._sleep(random.uniform(0, 0.02 * 2**number))
            try:
                return attempt()
            except Conflict:
                continue
        raise TemporaryFailure("the fence's items kept changing")


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(keys), _KEYS_AT_ONCE):
        yield keys[at : at + _KEYS_AT_ONCE]
