"""A webhook as plain values: what came, what to answer, and what was unusable.

Neither AWS nor a vendor is visible here, so the channels, the flow and their
tests need no Lambda event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as the vendor sent it.

    Parameters
    ----------
    method, path : str
        The method in capitals; the path without stage and query.
    query : str
        The raw query string, undecoded: Twilio signs exactly these characters.
    headers : mapping of str to str
        With lower-case names.
    body : bytes
        Exactly the bytes that were sent: signatures are computed over them.
    received_at : str
        Contract time of the receipt.
    path_parameters : mapping of str to str
        What the route's ``{name}`` parts matched.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    received_at: str
    path_parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """What the vendor gets."""

    status: int
    body: str = ""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Rejected:
    """One unusable item of a payload whose other items are fine.

    Parameters
    ----------
    reason : str
        Which field is wrong and why; never a value, which may be personal data.
    raw : Any
        The item as it came, for the dead-letter queue.
    """

    reason: str
    raw: Any
