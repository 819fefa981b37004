"""The keys of link tokens from their secret, fetched once and computed with locally."""

from __future__ import annotations

import base64

from enlace.aws.secrets import CachedSecret
from enlace.domain.link_tokens import LinkTokens
from enlace.errors import Misconfigured


def link_tokens(secret: CachedSecret) -> LinkTokens:
    """Link tokens under the current version of the secret.

    Parameters
    ----------
    secret : CachedSecret
        ``{"version": "1", "keys": {"1": "<base64 of 32 bytes or more>"}}``; keys of earlier
        versions stay in it for as long as messages are kept in mailboxes.

    Raises
    ------
    Misconfigured
        If the secret has another shape.
    TemporaryFailure
        If it cannot be read.
    """
    value = secret.get()
    try:
        keys = {v: base64.b64decode(key, validate=True) for v, key in value["keys"].items()}
        return LinkTokens({v: keys[v] for v in (value["version"], *keys)}, value["version"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Misconfigured("the links' secret needs a version and its key") from None
