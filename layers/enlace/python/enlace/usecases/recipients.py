"""Whom a message means: the addresses of one proven circle, with what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from enlace.domain.circle import circle, circles
from enlace.domain.delivery import Request
from enlace.domain.records import IdentifierRecord
from enlace.domain.send_plan import Address, person_of
from enlace.domain.sender_channel import SenderChannels
from enlace.domain.traits import surviving_traits
from enlace.usecases.consent_ports import StoredConsent
from enlace.usecases.find_customer import Customer, Parallel
from enlace.usecases.message_templates import language_of
from enlace.usecases.read_history import Newest

#: Of each address, to know by which channel it was last used.
_NEWEST = 5


class Memberships(Protocol):
    """Whose an address is."""

    def of(self, key: str) -> Customer | None:
        """The customer of an identifier; None where it is not known."""


class Identities(Protocol):
    """Look-up of identifiers."""

    def get_identifiers(
        self, keys: Collection[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord]:
        """Known identifiers by address key."""


class Histories(Protocol):
    """What came through addresses."""

    def newest(self, pk: str, limit: int) -> Newest:
        """The newest interactions of one contact point."""


class Consents(Protocol):
    """What addresses said, and what they lately got."""

    def stored(self, keys: Collection[str], *, consistent: bool = True) -> dict[str, StoredConsent]:
        """Consents and claims by address key, where there are any."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person, as far as a message may know them.

    Parameters
    ----------
    records : dict of address key to IdentifierRecord
        The proven circle.
    addresses : sequence of Address
        Those of it that a sender reaches.
    consents : mapping of address key to StoredConsent
        Where anything is on record.
    """

    records: Mapping[str, IdentifierRecord]
    addresses: Sequence[Address]
    consents: Mapping[str, StoredConsent]


class Recipients:
    """Finds recipients.

    Parameters
    ----------
    channels : mapping
        The channels that there are senders for.
    parallel : callable
        Runs reads side by side.
    """

    def __init__(
        self,
        *,
        memberships: Memberships,
        identities: Identities,
        histories: Histories,
        consents: Consents,
        channels: SenderChannels,
        parallel: Parallel,
    ):
        self._memberships = memberships
        self._identities = identities
        self._histories = histories
        self._consents = consents
        self._channels = channels
        self._parallel = parallel

    def of(self, request: Request) -> Recipient | str:
        """Whom a request means, with what is known of them; or why nobody.

        Raises
        ------
        TemporaryFailure
            If a store did not do its part.
        """
        customer = self._memberships.of(request.to_key)
        if customer is None:
            return "nobody is known by that identifier"
        inside = circle(customer.ties, request.to_key)
        divided = circles(customer.ties, customer.members) if request.by_customer else [inside]
        wanted = sorted({key for part in divided for key in part})
        everyone = self._identities.get_identifiers(wanted, consistent=True)
        kinds = {
            key: record
            for key, record in everyone.items()
            if not record.blocked and any(c.reaches(record.kind) for c in self._channels.values())
        }
        if not kinds:
            return "no address that a sender reaches"
        keys = sorted(kinds)
        reads: list[Callable[[], Any]] = [
            partial(self._histories.newest, key, _NEWEST) for key in keys
        ]
        *newest, consents = self._parallel([*reads, partial(self._consents.stored, keys)])
        known = {key: _address(kinds[key], found) for key, found in zip(keys, newest, strict=True)}
        parts = [[known[key] for key in sorted(part) if key in known] for part in divided]
        chosen, why = person_of([part for part in parts if part])
        if chosen is None:
            return why
        within = next(part for part in divided if chosen[0].key in part)
        records = {key: everyone[key] for key in sorted(within) if key in everyone}
        return Recipient(records, chosen, consents)

    def language(self, key: str) -> str:
        """The language of an address's own traits, else the default."""
        record = self._identities.get_identifiers([key], consistent=True).get(key)
        traits = surviving_traits([record], least_level="stated") if record else {}
        return language_of({name: trait["value"] for name, trait in traits.items()})


def _address(record: IdentifierRecord, newest: Newest) -> Address:
    items = [item for item in newest.items if item.body.get("direction") == "inbound"]
    inbound = [item.body for item in items]
    return Address(
        record.key,
        record.kind,
        # Of the key: a network that tells no time leaves it out of the body.
        items[0].sk.partition("#")[0] if items else "",
        frozenset(body["channel"] for body in inbound),
        inbound[0]["channel"] if inbound else "",
        any(body["contact_point"]["level"] == "proven" for body in inbound),
    )
