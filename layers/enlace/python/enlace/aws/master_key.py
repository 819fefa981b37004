"""The master key of subjects' data keys: wrapped by KMS, remembered for a while.

KMS is asked once for each function instance and :data:`MAX_AGE_SECONDS`, so whoever disables
its key stops every read within that time; a call for each contact point would cost more than
all else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from enlace.aws.dynamodb import Item, translated
from enlace.errors import Conflict, TemporaryFailure

#: How long an instance remembers a key.
MAX_AGE_SECONDS = 60.0
_KEY: Item = {"pk": {"S": "master"}}
_CONTEXT = {"purpose": "subject keys"}


class MasterKey:
    """Parameters as for :class:`enlace.aws.subject_keys.SubjectKeys`."""

    def __init__(
        self,
        client: Any,
        table: str,
        make_kms: Callable[[], Any],
        kms_key_id: str,
        *,
        max_age_seconds: float = MAX_AGE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._client = client
        self._table = table
        self._make_kms = make_kms
        self._kms: Any = None
        self._kms_key_id = kms_key_id
        self._max_age = max_age_seconds
        self._clock = clock
        self._known: tuple[float, AESGCM] | None = None

    def cipher(self) -> AESGCM:
        """What wraps and unwraps; made at the deployment's first need.

        Raises
        ------
        TemporaryFailure
            If the table or KMS did not answer.
        """
        if self._known is not None and self._clock() < self._known[0]:
            return self._known[1]
        until = self._clock() + self._max_age
        blob = self._read() or self._make()
        plain = self._ask_kms(
            "decrypt", KeyId=self._kms_key_id, CiphertextBlob=blob, EncryptionContext=_CONTEXT
        )["Plaintext"]
        self._known = until, AESGCM(plain)
        return self._known[1]

    def _read(self) -> bytes | None:
        with translated():
            answer = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        return bytes(answer["Item"]["key"]["B"]) if "Item" in answer else None

    def _make(self) -> bytes:
        made = self._ask_kms(
            "generate_data_key_without_plaintext",
            KeyId=self._kms_key_id,
            KeySpec="AES_256",
            EncryptionContext=_CONTEXT,
        )["CiphertextBlob"]
        # Where somebody else was first, it is theirs.
        with suppress(Conflict), translated():
            self._client.put_item(
                TableName=self._table,
                Item={**_KEY, "key": {"B": made}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        blob = self._read()
        if blob is None:
            raise TemporaryFailure("the master key is not there")
        return blob

    def _ask_kms(self, operation: str, **arguments: Any) -> dict[str, Any]:
        if self._kms is None:
            self._kms = self._make_kms()
        try:
            answer: dict[str, Any] = getattr(self._kms, operation)(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise TemporaryFailure(f"KMS: {code}") from error
        except BotoCoreError as error:
            raise TemporaryFailure(f"KMS: {type(error).__name__}") from error
        return answer
