"""Keyed pseudonyms: what stands in table keys instead of an e-mail or a CPF.

Keys of tables leak into trails, metrics and logs, and plain hashes of phone
numbers can be enumerated in minutes; an HMAC under a secret key cannot.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from enlace.domain.rules import root

_DIGEST_BYTES = 16
_NONCE_BYTES = 8
_PAD = {0: "", 2: "======", 4: "====", 5: "===", 7: "="}


class AddressKeys:
    """Makes address keys, and customer ids that lead back to them.

    Parameters
    ----------
    secret : bytes
        At least 32 random bytes, the same for the life of the tables.
    """

    def __init__(self, secret: bytes):
        if len(secret) < 32:
            raise ValueError("the address key secret needs at least 32 bytes")
        # Copying a keyed HMAC is several times cheaper than keying a new one.
        self._mac = hmac.new(secret, digestmod=hashlib.sha256)
        self._seal = hmac.new(secret, b"customer-id", hashlib.sha256).digest()

    def key(self, kind: str, match_value: str) -> str:
        """``<kind root>#<22 characters>``, the same for the same identifier always."""
        mac = self._mac.copy()
        mac.update(f"{kind}\x1f{match_value}".encode())
        return f"{root(kind)}#{_text(mac.digest()[:_DIGEST_BYTES])}"

    def mint_customer_id(self, address_key: str) -> str:
        """A new random id that only holders of the secret can lead back to ``address_key``.

        So a former id stays resolvable for ever without an item of its own
        (docs/adr/0003): the random nonce makes it unlinkable and never the same
        twice, the sealed part is the address key under a keyed stream.
        """
        base, _, digest = address_key.partition("#")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._stream(nonce, base64.urlsafe_b64decode(digest + "==") + base.encode())
        return "c" + base64.b32encode(nonce + sealed).rstrip(b"=").decode().lower()

    def address_of(self, customer_id: str) -> str | None:
        """The address key inside a customer id, or None if it never was one of ours."""
        text = customer_id[1:].upper()
        if customer_id[:1] != "c" or len(text) % 8 not in _PAD or len(text) > 160:
            return None
        try:
            body = base64.b32decode(text + _PAD[len(text) % 8])
            opened = self._stream(body[:_NONCE_BYTES], body[_NONCE_BYTES:])
            base = opened[_DIGEST_BYTES:].decode("ascii")
        except ValueError:
            return None
        return f"{base}#{_text(opened[:_DIGEST_BYTES])}" if base.isidentifier() else None

    def _stream(self, nonce: bytes, body: bytes) -> bytes:
        pad = b""
        while len(pad) < len(body):
            pad += hmac.digest(self._seal, nonce + bytes([len(pad) // 32]), "sha256")
        return bytes(a ^ b for a, b in zip(body, pad, strict=False))


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
