"""Data keys of data subjects: whoever deletes one makes all that it sealed unreadable.

A table of its own keeps them, one item for each contact point, without point-in-time
recovery: what is deleted here is in no backup. The keys are wrapped by the deployment's
master key, which KMS wraps in turn (:mod:`enlace.aws.master_key`).

An item holds the keys by their ids, and names the current one. ``retire`` takes the name
away, so that whoever writes next makes a new key; once no instance remembers the old one
(:data:`MAX_AGE_SECONDS`), ``shred`` deletes it. So no newcomer at an erased address writes
under a key that is about to go.

Source: NIST SP 800-88 rev. 2 on cryptographic erase; AWS Encryption SDK developer guide,
"Data key caching" (checked 2026-11-23).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from enlace.aws.dynamodb import Item, translated
from enlace.aws.master_key import MAX_AGE_SECONDS, MasterKey
from enlace.errors import Conflict, TemporaryFailure

_REMEMBERED = 2_000
#: By so much clocks may differ.
_SKEW_SECONDS = 60.0
_KEY_BYTES = 32
NONCE_BYTES = 12
ID_BYTES = 8
_ATTEMPTS = 5
_CURRENT = "current"
_PREFIX = "key_"


@dataclass(frozen=True, slots=True)
class _Known:
    """A subject's keys as they were read.

    Parameters
    ----------
    until : float
    current : str
        The id of the key to seal with; "" for none.
    keys : dict
        By id.
    gone : set of str
        Ids that were looked for after whatever they seal was read: they are shredded.
    """

    until: float
    current: str
    keys: dict[str, AESGCM]
    gone: set[str] = field(default_factory=set)


class SubjectKeys:
    """Makes, gives, retires and shreds them.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    make_kms : callable
        Makes the botocore KMS client at the first need.
    kms_key_id : str
    max_age_seconds : float
    clock : callable
        Monotonic seconds.
    now : callable
        Seconds since the epoch.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        make_kms: Callable[[], Any],
        kms_key_id: str,
        *,
        max_age_seconds: float = MAX_AGE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ):
        self._client = client
        self._table = table
        self._max_age = max_age_seconds
        self._clock = clock
        self._now = now
        self._master = MasterKey(
            client, table, make_kms, kms_key_id, max_age_seconds=max_age_seconds, clock=clock
        )
        self._known: dict[str, _Known] = {}

    def current(self, subject: str) -> tuple[bytes, AESGCM]:
        """The key to seal with, by its id; made where there is none.

        Parameters
        ----------
        subject : str
            A contact point's address key.

        Raises
        ------
        TemporaryFailure
            If the table or KMS did not answer.
        """
        known = self._remembered(subject)
        for _ in range(_ATTEMPTS):
            if known.current:
                return bytes.fromhex(known.current), known.keys[known.current]
            # Retired, or never made.
            try:
                known = self._make(subject, known)
            except Conflict:
                # Somebody else has made one since it was read.
                known = self._read(subject)
        raise TemporaryFailure("a subject's key kept changing")

    def find(self, subject: str, id_: bytes) -> AESGCM | None:
        """The key to open with; None where it is shredded.

        Raises
        ------
        TemporaryFailure
            If the table or KMS did not answer.
        """
        name, known = id_.hex(), self._remembered(subject)
        if name not in known.keys and name not in known.gone:
            # What is remembered may be older than the key.
            known = self._read(subject)
            if name not in known.keys:
                known.gone.add(name)
        return known.keys.get(name)

    def retire(self, subjects: Sequence[str]) -> None:
        """Have whoever writes next make a new key; the old ones still open.

        Raises
        ------
        TemporaryFailure
            If the table did not answer.
        """
        for subject in subjects:
            self._known.pop(subject, None)
            current = self._get(subject).get(_CURRENT)
            if current is None:
                continue
            # Where it is another one by now, somebody else has retired it.
            with suppress(Conflict):
                self._call(
                    "update_item",
                    Key={"pk": {"S": subject}},
                    UpdateExpression="SET retired_at = :now REMOVE #current",
                    ConditionExpression="#current = :was",
                    ExpressionAttributeNames={"#current": _CURRENT},
                    ExpressionAttributeValues={
                        ":was": current,
                        ":now": {"N": f"{self._now():.0f}"},
                    },
                )

    def settled(self, subject: str) -> bool:
        """Whether a subject's keys are all retired, and nobody remembers them any more.

        Raises
        ------
        TemporaryFailure
            If the table did not answer.
        """
        item = self._get(subject)
        if _CURRENT in item:
            return False
        retired_at = float(item["retired_at"]["N"]) if "retired_at" in item else 0.0
        return self._now() > retired_at + self._max_age + _SKEW_SECONDS

    def count(self, subject: str) -> tuple[int, int]:
        """How many keys a subject has, and how many of them are retired.

        Raises
        ------
        TemporaryFailure
            If the table did not answer.
        """
        item = self._get(subject)
        retired = len(_retired(item))
        return retired + (_CURRENT in item), retired

    def shred(self, subject: str) -> None:
        """Delete a subject's retired keys: what they sealed is gone, wherever it stands.

        Raises
        ------
        TemporaryFailure
            If the table did not answer.
        """
        self._known.pop(subject, None)
        item = self._get(subject)
        gone = _retired(item)
        if not gone:
            return
        if _CURRENT not in item:
            # Where somebody new is there by now, the old keys go alone.
            with suppress(Conflict):
                self._call(
                    "delete_item",
                    Key={"pk": {"S": subject}},
                    ConditionExpression="attribute_not_exists(#current)",
                    ExpressionAttributeNames={"#current": _CURRENT},
                )
                return
        names = {f"#k{number}": name for number, name in enumerate(gone)}
        self._call(
            "update_item",
            Key={"pk": {"S": subject}},
            UpdateExpression=f"REMOVE {', '.join(names)}",
            ExpressionAttributeNames=names,
        )

    def _remembered(self, subject: str) -> _Known:
        known = self._known.get(subject)
        if known is not None and self._clock() < known.until:
            return known
        return self._read(subject)

    def _read(self, subject: str) -> _Known:
        until = self._clock() + self._max_age
        item = self._get(subject)
        keys = {
            name.removeprefix(_PREFIX): AESGCM(self._unwrapped(subject, value["B"]))
            for name, value in item.items()
            if name.startswith(_PREFIX)
        }
        known = _Known(until, item.get(_CURRENT, {"S": ""})["S"], keys)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[subject] = known
        return known

    def _make(self, subject: str, known: _Known) -> _Known:
        id_, key = os.urandom(ID_BYTES).hex(), os.urandom(_KEY_BYTES)
        nonce = os.urandom(NONCE_BYTES)
        wrapped = nonce + self._master.cipher().encrypt(nonce, key, subject.encode())
        self._call(
            "update_item",
            Key={"pk": {"S": subject}},
            UpdateExpression="SET #current = :id, #key = :key",
            ConditionExpression="attribute_not_exists(#current)",
            ExpressionAttributeNames={"#current": _CURRENT, "#key": _PREFIX + id_},
            ExpressionAttributeValues={":id": {"S": id_}, ":key": {"B": wrapped}},
        )
        made = _Known(known.until, id_, {**known.keys, id_: AESGCM(key)})
        self._known[subject] = made
        return made

    def _unwrapped(self, subject: str, wrapped: bytes) -> bytes:
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._master.cipher().decrypt(nonce, sealed, subject.encode())
        except InvalidTag:
            raise TemporaryFailure(
                "a subject's key is not of this deployment's master key"
            ) from None

    def _get(self, subject: str) -> Item:
        answer = self._call("get_item", Key={"pk": {"S": subject}}, ConsistentRead=True)
        item: Item = answer.get("Item", {})
        return item

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        with translated():
            answer: dict[str, Any] = getattr(self._client, operation)(
                TableName=self._table, **arguments
            )
        return answer


def _retired(item: Item) -> list[str]:
    current = item.get(_CURRENT, {"S": ""})["S"]
    return sorted(
        name for name in item if name.startswith(_PREFIX) and name != f"{_PREFIX}{current}"
    )
