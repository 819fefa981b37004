"""Keep a customer's contact in the CRM what the identifiers say it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from collections.abc import Mapping as Dict
from dataclasses import replace

from enlace.domain.crm import Contact
from enlace.domain.interaction import LEVELS
from enlace.domain.records import IdentifierRecord
from enlace.domain.traits import surviving_traits
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.crm_ports import Crm, Identities, Mapping, Mappings

#: Characters of a name; a CRM's own limit may cut it further.
MAX_NAME = 200
_ATTEMPTS = 3


class CrmContacts:
    """Writes contacts, and merges those whose customers have become one.

    Parameters
    ----------
    crm : Crm
    identities : Identities
        Say whose an identifier is now; events only say whose it was.
    mappings : Mappings
    clock : callable
        Seconds since 1970.
    """

    def __init__(
        self,
        crm: Crm,
        identities: Identities,
        mappings: Mappings,
        clock: Callable[[], float],
    ):
        self._crm = crm
        self._identities = identities
        self._mappings = mappings
        self._clock = clock

    def owners(self, keys: Iterable[str]) -> dict[str, IdentifierRecord]:
        """The identifiers of ``keys`` as they are now."""
        wanted = list(keys)
        return self._identities.get_identifiers(wanted, consistent=True) if wanted else {}

    def write(
        self,
        customer_id: str,
        levels: Dict[str, str],
        *,
        name: str = "",
        points: Collection[str] = (),
        exact: bool = False,
        anew: bool = False,
        erased: bool = False,
    ) -> str:
        """Create or update the contact of a customer that exists now.

        Parameters
        ----------
        levels : mapping of address key to level
            Identifiers that an interaction showed; those of other customers are
            left out.
        points : collection of str
            Contact points whose activities the caller is going to show on it.
        exact : bool
            Take addresses away that are not this customer's any more (after a
            split), rather than leaving what the CRM has.
        anew : bool
            Write what is known already, should the CRM have refused some of it before.
        erased : bool
            It has shown somebody who was erased.

        Returns
        -------
        str
            The CRM's id.

        Raises
        ------
        TemporaryFailure
            If other senders kept writing the same customer.
        """
        for _ in range(_ATTEMPTS):
            mapping = self._mappings.get(customer_id)
            if mapping.merged_into and mapping.held_until > self._clock():
                # The old contact would be written, and then merged with the others.
                raise TemporaryFailure("the customer's contact is being merged")
            known = highest(mapping.levels, levels)
            records = self.owners(known)
            own = {
                key: level
                for key, level in known.items()
                if key in records and records[key].customer_id == customer_id
            }
            known_before = mapping.levels.keys() | mapping.points
            # A contact that was merged away is not to be written by its old id:
            # the customer lives again (a split), and gets a contact of its own.
            current = mapping.contact_id if not mapping.merged_into else ""
            shown = mapping.points.union(points)
            same = own == mapping.levels and shown == mapping.points
            if current and same and not name and not exact and not anew:
                return current
            mapping = replace(mapping, contact_id=current, merged_into="", levels=own, points=shown)
            # A contact that is made again has lost its name, and one that was merged
            # shows perhaps somebody else's.
            gone = erased or not known.keys() <= records.keys()
            asked = exact or not current
            shown_name = name or (_name_now(own, records, exact, gone) if asked else None)
            contact = _contact(customer_id, shown_name, own, records, exact=exact)
            try:
                # What is about to exist must be known: were we cut off after the CRM
                # made it, nobody would ever merge or erase it.
                if new := (own.keys() | shown) - known_before:
                    self._mappings.show(new, customer_id)
                if not current:
                    mapping = self._stored(mapping)
                contact_id = self._crm.upsert_contact(contact)
                self._stored(replace(mapping, contact_id=contact_id))
            except Conflict:
                continue
            return contact_id
        raise TemporaryFailure("others kept writing the same customer's CRM contact")

    def forget(self, customer_id: str) -> None:
        """Drop a contact's id that the CRM does not know any more."""
        # Its notes went with it, except for those that other contacts show too.
        self._empty(self._mappings.get(customer_id))

    def own(self, mapping: Mapping) -> str | None:
        """The CRM's id now of the contact in a mapping; None if it is gone or merged away."""
        if mapping.contact_id:
            return self._crm.own_contact(mapping.contact_id, mapping.customer_id)
        if mapping.version == 0 or mapping.merged_into:
            return None
        # Its writer may have been cut off before it knew the id.
        return self._crm.find_contact(mapping.customer_id)

    def keeps(self, customer_id: str, contact_id: str) -> bool:
        """Whether a customer still has the contact that it had."""
        mapping = self._mappings.get(customer_id)
        return mapping.contact_id == contact_id and not mapping.merged_into

    def shows(self, customer_id: str, contact_id: str) -> bool:
        """Whether what was put on a contact is on the customer's now."""
        if self.keeps(customer_id, contact_id):
            return True
        # A merge gives the survivor's contact another id.
        return self._crm.own_contact(contact_id, customer_id) is not None

    def revive(self, customer_id: str) -> None:
        """Enter that a customer exists, whose contact was to be, or has been, merged away.

        Only for who holds the customer (:mod:`enlace.usecases.settle_crm`).
        """
        mapping = self._mappings.get(customer_id)
        if mapping.merged_into:
            own = (
                self._crm.own_contact(mapping.contact_id, customer_id)
                if mapping.contact_id
                else None
            )
            self._save(replace(mapping, contact_id=own or "", merged_into=""))

    def retire(self, former: str, survivor: str, known: Collection[str]) -> None:
        """Merge the contact of a customer that exists no more into another's.

        A merge in a CRM cannot be taken back, so the caller has made sure that it
        still holds, and holds both.

        Parameters
        ----------
        former, survivor : str
        known : collection of str
            Address keys that the caller has looked at.

        Raises
        ------
        TemporaryFailure
            If another sender wrote one of them meanwhile.
        """
        mapping = self._mappings.get(former)
        if not {*mapping.levels, *mapping.points}.issubset(known):
            raise TemporaryFailure("another sender wrote the same customer")
        # Its own id first: after merged_into is set, it is looked for no more.
        other = self.own(mapping)
        # Before the merge, so that a sender that still writes the former contact
        # meets a conflict.
        mapping = self._save(
            replace(mapping, contact_id=other or mapping.contact_id, merged_into=survivor)
        )
        contact_id = self.write(survivor, mapping.levels, points=mapping.points)
        primary = self._crm.own_contact(contact_id, survivor)
        if primary is None:
            self.forget(survivor)
            raise TemporaryFailure("the CRM lost the surviving contact")
        if other is not None:
            primary = self._crm.merge_contacts(primary, other, mapping.points)
        self._finish(survivor, primary)
        self._empty(mapping)

    def retired(self, mapping: Mapping) -> None:
        """Finish what :meth:`retire` had merged when it was cut off."""
        survivor = self._mappings.get(mapping.merged_into)
        contact_id = self.own(survivor)
        if contact_id is not None:
            self._finish(survivor.customer_id, contact_id)
        self._empty(mapping)

    def moved(self, customer_id: str, points: Collection[str]) -> None:
        """Enter that activities of these contact points are no longer on the contact."""
        mapping = self._mappings.get(customer_id)
        self._save(replace(mapping, points=mapping.points.difference(points)))

    def _empty(self, mapping: Mapping) -> None:
        self._save(replace(mapping, contact_id="", levels={}, points=frozenset()))

    def _finish(self, survivor: str, contact_id: str) -> None:
        self._renew(survivor, contact_id)
        # An address that the other contact held is free only now.
        self.write(survivor, {}, anew=True)

    def _renew(self, customer_id: str, contact_id: str) -> None:
        mapping = self._mappings.get(customer_id)
        if mapping.contact_id != contact_id:
            self._save(replace(mapping, contact_id=contact_id))

    def _save(self, mapping: Mapping) -> Mapping:
        try:
            return self._stored(mapping)
        except Conflict:
            raise TemporaryFailure("another sender wrote the same customer") from None

    def _stored(self, mapping: Mapping) -> Mapping:
        self._mappings.save(mapping)
        return replace(mapping, version=mapping.version + 1)


def highest(a: Dict[str, str], b: Dict[str, str]) -> dict[str, str]:
    """Both, each key at its highest level."""
    result = dict(a)
    for key, level in b.items():
        known = result.get(key)
        if known is None or LEVELS.index(known) < LEVELS.index(level):
            result[key] = level
    return result


def _name_now(
    own: Collection[str], records: Dict[str, IdentifierRecord], exact: bool, gone: bool
) -> str | None:
    """The name that came through proven contact points; "" takes another customer's away.

    ``gone``: some of what the contact showed was erased, and the name with it perhaps.
    """
    sides = [[r for k, r in records.items() if (k in own) == mine] for mine in (True, False)]
    mine, theirs = (
        surviving_traits(side, least_level="proven").get("name", {}).get("value") for side in sides
    )
    if isinstance(mine, str) and mine.strip():
        return mine.strip()[:MAX_NAME]
    # One that somebody wrote into the CRM by hand stays, unless it could be theirs.
    return "" if exact and (theirs or gone) else None


def _contact(
    customer_id: str,
    name: str | None,
    own: Dict[str, str],
    records: Dict[str, IdentifierRecord],
    *,
    exact: bool,
) -> Contact:
    shown = sorted((records[key].kind, records[key].value, level) for key, level in own.items())
    nothing = "" if exact else None
    proven = {kind: value for kind, value, level in reversed(shown) if level == "proven"}
    return Contact(
        customer_id,
        email=proven.get("email", nothing),
        phone=proven.get("phone", nothing),
        name=name,
        identifiers=tuple(shown),
    )
