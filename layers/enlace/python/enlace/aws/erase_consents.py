"""The consent table as a place of erasure: records are reduced, and every no stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from enlace.aws.dynamodb import Item
from enlace.aws.partitions import Partitions
from enlace.domain.component import etag_of
from enlace.domain.consent_document import from_document, to_document
from enlace.domain.erasure import Census, Kept, Subject
from enlace.domain.interaction import utc_text
from enlace.domain.reduced_consent import (
    GROUND,
    KEPT_YEARS,
    is_reduced,
    reduced_consent,
    reduced_entry,
)
from enlace.errors import Conflict, TemporaryFailure

RECORDS = "records of consent, pseudonymous: purpose, channel, what was said, when"
STOPS = "that the address must not be written to, pseudonymous"
STOP_GROUND = "GDPR art. 21(3); LGPD art. 18 §2"
_ATTEMPTS = 6


class ConsentPlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place` and ``Collecting``.

    What is to be reduced counts once more than what stays of it, until it is.

    Parameters
    ----------
    consents : Partitions
        Of the consent table.
    """

    name = "consents"
    method = "redact"

    def __init__(self, consents: Partitions):
        self._table = consents

    def census(self, subject: Subject) -> Census:
        """Count records and states, of which the reduced ones stay."""
        found = records = states = 0
        for key in subject.keys:
            for item, entry in self._entries(key, subject.erased_before):
                records += 1
                found += 1 + (not is_reduced(entry) and bool(item))
            for state in self._states(key):
                states += 1
                found += 1 + self._is_more(state, subject.erased_before)
        until = _years_after(subject.erased_before)
        kept = [Kept(RECORDS, records, GROUND, until), Kept(STOPS, states, STOP_GROUND)]
        return Census(found, tuple(one for one in kept if one.count))

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Reduce every record and the state."""
        for key in subject.keys:
            for item, entry in self._entries(key, subject.erased_before):
                if is_reduced(entry):
                    continue
                if not time_left():
                    return False
                body = _dump(reduced_entry(entry, subject.erased_before))
                self._table.put([{**item, "body": {"S": body}}])
            self._reduce_state(key, subject.erased_before)
        return True

    def collect(self, subject: Subject) -> Iterator[dict[str, Any]]:
        """Every record as it was made, and what stops messages to the address."""
        for identifier in subject.identifiers:
            about = {"kind": identifier.kind, "value": identifier.value}
            for item in self._table.items(identifier.key, first="ledger#", last="ledger#~"):
                entry = json.loads(item["body"]["S"])
                hidden = ("address_key", "hash", "previous_hash")
                said = {name: value for name, value in entry.items() if name not in hidden}
                yield {"record": "consent", "address": about, **said}
            for item in self._states(identifier.key):
                for scope, stop in sorted(_consent(item).suppressions.items()):
                    yield {
                        "record": "suppression",
                        "address": about,
                        "scope": scope,
                        "reason": stop.reason,
                        "since": stop.since.occurred_at,
                    }

    def _entries(self, key: str, before: str) -> Iterator[tuple[Item, dict[str, Any]]]:
        for item in self._table.items(key, first="ledger#", last="ledger#~"):
            entry = json.loads(item["body"]["S"])
            # Somebody new at the address has said things of their own.
            if entry["received_at"] <= before:
                yield item, entry

    def _states(self, key: str) -> Iterator[Item]:
        return self._table.items(key, first="state", last="state")

    def _is_more(self, item: Item, before: str) -> bool:
        consent = _consent(item)
        return "claims" in item or reduced_consent(consent, before) != consent

    def _reduce_state(self, key: str, before: str) -> None:
        for _ in range(_ATTEMPTS):
            item = next(iter(self._states(key)), None)
            if item is None or not self._is_more(item, before):
                return
            body = _dump(to_document(reduced_consent(_consent(item), before)))
            last_hash = item["last_hash"]["S"] if "last_hash" in item else ""
            values = {
                ":body": {"S": body},
                ":last_hash": {"S": last_hash},
                ":new": {"S": etag_of(body + last_hash)},
            }
            condition = "attribute_not_exists(etag)"
            if "etag" in item:
                condition, values[":etag"] = "etag = :etag", item["etag"]
            try:
                self._table.call(
                    "update_item",
                    Key={"pk": item["pk"], "sk": item["sk"]},
                    UpdateExpression=(
                        "SET body = :body, last_hash = :last_hash, etag = :new REMOVE claims"
                    ),
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                )
            except Conflict:
                continue
            return
        raise TemporaryFailure("others kept changing the same consent")


def _consent(item: Item) -> Any:
    return from_document(json.loads(item["body"]["S"] if "body" in item else "{}"))


def _years_after(moment: str) -> str:
    if not moment:
        return ""
    then = datetime.fromisoformat(moment)
    # The 29th of February has no anniversary in three years of four.
    day = min(then.day, 28) if then.month == 2 else then.day
    return utc_text(then.replace(year=then.year + KEPT_YEARS, day=day))


def _dump(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
