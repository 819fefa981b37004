"""What KMS does for privacy requests: seals snapshots, signs certificates."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from enlace.errors import TemporaryFailure

_Answer = TypeVar("_Answer")
#: KMS encrypts 4,096 bytes itself; a subject's identifiers are a few such pieces at most, so
#: no data key and no cipher of our own is needed.
_PIECE = 4096
_SIGNING = "ECDSA_SHA_256"
#: What KMS takes as a signature (API reference, Verify; checked 2026-11-23).
_LONGEST_SIGNATURE = 6144


class Sealer:
    """Seals short texts under a key of KMS, bound to what they are for.

    Parameters
    ----------
    client
        A botocore KMS client.
    key_id : str
    """

    def __init__(self, client: Any, key_id: str):
        self._client = client
        self._key_id = key_id

    def seal(self, text: str, purpose: str) -> str:
        """The sealed text; opens for the same purpose only.

        Raises
        ------
        TemporaryFailure
            If KMS did not answer.
        """
        data = zlib.compress(text.encode())
        pieces = [data[at : at + _PIECE] for at in range(0, len(data), _PIECE)]
        sealed = (
            _call(
                lambda piece=piece: self._client.encrypt(  # type: ignore[misc]
                    KeyId=self._key_id,
                    Plaintext=piece,
                    EncryptionContext={"purpose": purpose},
                )["CiphertextBlob"]
            )
            for piece in pieces
        )
        return " ".join(base64.b64encode(blob).decode() for blob in sealed)

    def open(self, sealed: str, purpose: str) -> str:
        """The inverse of :meth:`seal`."""
        pieces = [
            _call(
                lambda piece=piece: self._client.decrypt(  # type: ignore[misc]
                    KeyId=self._key_id,
                    CiphertextBlob=base64.b64decode(piece),
                    EncryptionContext={"purpose": purpose},
                )["Plaintext"]
            )
            for piece in sealed.split()
        ]
        return zlib.decompress(b"".join(pieces)).decode()


class Signer:
    """Signs certificates with an asymmetric key of KMS (P-256, ECDSA over SHA-256).

    Parameters
    ----------
    client
        A botocore KMS client.
    key_id : str
    """

    def __init__(self, client: Any, key_id: str):
        self._client = client
        self._key_id = key_id
        self._public_key = ""

    def sign(self, message: bytes) -> dict[str, str]:
        """The signature of a message of up to 4,096 bytes, with what checks it offline.

        Raises
        ------
        TemporaryFailure
            If KMS did not answer.
        """
        if not self._public_key:
            answer = _call(lambda: self._client.get_public_key(KeyId=self._key_id))
            self._public_key = base64.b64encode(answer["PublicKey"]).decode()
        answer = _call(
            lambda: self._client.sign(
                KeyId=self._key_id,
                Message=message,
                MessageType="RAW",
                SigningAlgorithm=_SIGNING,
            )
        )
        return {
            "algorithm": _SIGNING,
            "key_id": str(answer["KeyId"]),
            "public_key": self._public_key,
            "value": base64.b64encode(answer["Signature"]).decode(),
        }


class Verifier:
    """Checks signatures of :class:`Signer`; may sign nothing.

    Parameters
    ----------
    client
        A botocore KMS client.
    key_id : str
    """

    def __init__(self, client: Any, key_id: str):
        self._client = client
        self._key_id = key_id

    def holds(self, message: bytes, value: str) -> bool:
        """Whether a signature, as :meth:`Signer.sign` gives its ``value``, is of this message.

        Raises
        ------
        TemporaryFailure
            If KMS did not answer.
        """
        try:
            signature = base64.b64decode(value, validate=True)
        except ValueError:
            return False
        if not 0 < len(signature) <= _LONGEST_SIGNATURE:
            return False
        try:
            answer = self._client.verify(
                KeyId=self._key_id,
                Message=message,
                MessageType="RAW",
                Signature=signature,
                SigningAlgorithm=_SIGNING,
            )
            return bool(answer["SignatureValid"])
        except self._client.exceptions.KMSInvalidSignatureException:
            return False
        except (BotoCoreError, ClientError) as error:
            raise _failed(error) from error


def _call(make: Callable[[], _Answer]) -> _Answer:
    try:
        return make()
    except (BotoCoreError, ClientError) as error:
        raise _failed(error) from error


def _failed(error: BotoCoreError | ClientError) -> TemporaryFailure:
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "unknown")
        return TemporaryFailure(f"KMS: {code}")
    return TemporaryFailure(f"KMS: {type(error).__name__}")
