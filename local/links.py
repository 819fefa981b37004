"""Links of the running stack, as its messages carry them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.interaction import Identifier
from enlace.domain.link_tokens import Link, LinkTokens
from enlace.rules import default_rules
from enlace.usecases.consents import consent_key
from local import stack


def address_key(kind: str, value: str) -> str:
    """The key of an address in the running stack's tables."""
    keys = AddressKeys(base64.b64decode(_current("address_key_secret")))
    return consent_key(Identifier(kind, value), keys, default_rules())


def token(
    action: str,
    kind: str,
    value: str,
    *,
    purpose: str = "marketing",
    channel: str,
    message_id: str = "sample",
    language: str = "",
) -> str:
    """The token of a link; parameters as :class:`enlace.domain.link_tokens.Link`."""
    secret = _secret("link_secret")
    keys = {version: base64.b64decode(key) for version, key in secret["keys"].items()}
    key = address_key(kind, value)
    link = Link(action, kind, key, purpose, channel, message_id, language)
    return LinkTokens(keys, secret["version"]).mint(link)


def _current(name: str) -> str:
    secret = _secret(name)
    return str(secret["keys"][secret["version"]])


def _secret(name: str) -> Mapping[str, Any]:
    vault = stack.client("secretsmanager")
    text = vault.get_secret_value(SecretId=stack.load()[name])["SecretString"]
    return dict(json.loads(text))
