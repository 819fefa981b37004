"""The address keys from their secret, fetched once and computed with locally."""

from __future__ import annotations

import base64

from enlace.aws.secrets import CachedSecret
from enlace.domain.address_key import AddressKeys
from enlace.errors import Misconfigured


def address_keys(secret: CachedSecret) -> AddressKeys:
    """Address keys under the current version of the secret.

    Parameters
    ----------
    secret : CachedSecret
        ``{"version": "1", "keys": {"1": "<base64 of 32 bytes or more>"}}``

    Raises
    ------
    Misconfigured
        If the secret has another shape.
    TemporaryFailure
        If it cannot be read.
    """
    value = secret.get()
    try:
        return AddressKeys(base64.b64decode(value["keys"][value["version"]], validate=True))
    except (KeyError, TypeError, ValueError):
        raise Misconfigured("the address key's secret needs a version and its key") from None
