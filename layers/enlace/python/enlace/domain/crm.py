"""What a CRM is told of a customer.

A CRM shows an agent who a customer is and what happened. It is told identifiers
with their levels, but a native address field, from which people send mail, gets
proven addresses only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Contact:
    """A customer as the CRM sees it.

    Parameters
    ----------
    email, phone : str or None
        A proven one; None leaves what the CRM has, "" takes it away.
    name : str or None
        As seen on a proven contact point; None and "" as for addresses.
    identifiers : tuple of (kind, value, level)
        All that is known, sorted.
    """

    customer_id: str
    email: str | None = None
    phone: str | None = None
    name: str | None = None
    identifiers: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Activity:
    """One interaction for the customer's history in the CRM.

    Parameters
    ----------
    occurred_at : str
        Contract time.
    point : str
        Key of the contact point it came through: what moves when that gets another
        customer. A keyed hash, so it says nothing to the CRM.
    lines : tuple of str
        Plain text; the adapter escapes it as its CRM needs.
    """

    interaction_id: str
    occurred_at: str
    type: str
    channel: str
    direction: str
    point: str
    lines: tuple[str, ...]
    data: Mapping[str, Any]


class Refused(NamedTuple):
    """That somebody said no to marketing through an address.

    Parameters
    ----------
    kind, value : str
        Of the address.
    channels : tuple of str
        On which.
    """

    kind: str
    value: str
    channels: tuple[str, ...]
