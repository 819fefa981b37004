"""Tokens of the links in messages: who holds one got a message at that address.

A token names an address by its key, what may be done, and the message it came with; it is
authenticated, so nobody can make one for an address that they do not read. It never
expires: an unsubscribe link in an old message must still work. Keys are versioned, so a
new one can be taken into use while the old ones are still read.

Source: RFC 8058, section 3.1 (the link must identify recipient and list, and be hard to
forge); RFC 2104 (HMAC).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass

from enlace.errors import InvalidPayload

ACTIONS = ("unsubscribe", "preferences", "confirm")
_MAC_BYTES = 16
_MAX_CHARACTERS = 800


@dataclass(frozen=True, slots=True)
class Link:
    """What a link stands for; ids and keys, no clear address."""

    action: str
    kind: str
    key: str
    purpose: str = ""
    channel: str = ""
    message_id: str = ""
    language: str = ""


class LinkTokens:
    """Makes and reads tokens.

    Parameters
    ----------
    keys : mapping of version to bytes
        All that tokens may have been made with.
    current : str
        The version that new ones are made with.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str):
        self._keys = keys
        self._current = current

    def mint(self, link: Link) -> str:
        """The token of a link: letters, digits, ``-``, ``_`` and ``.``."""
        payload = _encode(json.dumps(astuple(link), separators=(",", ":")).encode())
        signed = f"{self._current}.{payload}"
        return f"{signed}.{_encode(self._mac(self._current, signed))}"

    def read(self, token: str) -> Link:
        """The link of a token.

        Raises
        ------
        InvalidPayload
            If it is not one of ours.
        """
        try:
            if len(token) > _MAX_CHARACTERS:
                raise ValueError
            version, payload, mac = token.split(".")
            if version not in self._keys:
                raise ValueError
            wanted = _encode(self._mac(version, f"{version}.{payload}"))
            if not hmac.compare_digest(wanted.encode(), mac.encode()):
                raise ValueError
            link = Link(*json.loads(_decode(payload)))
        except (TypeError, ValueError):
            # `from None`: the cause may quote the token.
            raise InvalidPayload("not a link of ours") from None
        if link.action not in ACTIONS:
            raise InvalidPayload("not a link of ours")
        return link

    def _mac(self, version: str, text: str) -> bytes:
        return hmac.digest(self._keys[version], text.encode(), hashlib.sha256)[:_MAC_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
