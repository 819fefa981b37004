"""Keep a customer's contact in the CRM what the identifiers say it is."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import replace

from enlace.domain.crm import Contact
from enlace.domain.interaction import LEVELS
from enlace.domain.records import IdentifierRecord
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.crm_ports import Crm, Identities, Mapping, Mappings

_ATTEMPTS = 3


class CrmContacts:
    """Writes contacts, and merges those whose customers have become one.

    Parameters
    ----------
    crm : Crm
    identities : Identities
        Say whose an identifier is now; events only say whose it was.
    mappings : Mappings
    """

    def __init__(self, crm: Crm, identities: Identities, mappings: Mappings):
        self._crm = crm
        self._identities = identities
        self._mappings = mappings

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
        exact: bool = False,
    ) -> str:
        """Create or update the contact of a customer that exists now.

        Parameters
        ----------
        levels : mapping of address key to level
            Identifiers that an interaction showed; those of other customers are
            left out.
        exact : bool
            Take addresses away that are not this customer's any more (after a
            split), rather than leaving what the CRM has.

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
            known = highest(mapping.levels, levels)
            records = self.owners(known)
            own = {
                key: level
                for key, level in known.items()
                if key in records and records[key].customer_id == customer_id
            }
            # A contact that was merged away is not to be written by its old id:
            # the customer lives again (a split), and gets a contact of its own.
            current = mapping.contact_id if not mapping.merged_into else ""
            if current and own == mapping.levels and not name and not exact:
                return current
            contact_id = self._crm.upsert_contact(
                _contact(customer_id, name, own, records, exact=exact)
            )
            try:
                self._mappings.save(
                    replace(mapping, contact_id=contact_id, merged_into="", levels=own)
                )
            except Conflict:
                continue
            return contact_id
        raise TemporaryFailure("others kept writing the same customer's CRM contact")

    def forget(self, customer_id: str) -> None:
        """Drop a contact's id that the CRM does not know any more."""
        mapping = self._mappings.get(customer_id)
        try:
            self._mappings.save(replace(mapping, contact_id="", levels={}))
        except Conflict:
            raise TemporaryFailure("another sender wrote the same customer") from None

    def retire(self, former: str, keys: list[str]) -> str:
        """Merge the contact of a former customer into that of who has its identifiers now.

        Parameters
        ----------
        keys : list of str
            Address keys that belonged to it.

        Returns
        -------
        str
            What was done, for the log.
        """
        mapping = self._mappings.get(former)
        if mapping.merged_into and not mapping.contact_id:
            return "nothing: no contact"
        records = self.owners([*keys, *(k for k in mapping.levels if k not in keys)])
        owners = {record.customer_id for record in records.values()}
        if former in owners:
            # Split since; this news is old, and a merge in the CRM cannot be undone.
            return "nothing: it exists again"
        if len(owners) != 1:
            return "nothing: its identifiers went different ways"
        (survivor,) = owners
        # Before the merge, so that a sender that still writes the old contact
        # meets a conflict.
        mapping = self._save(replace(mapping, merged_into=survivor))
        if not mapping.contact_id:
            return "nothing: no contact"
        contact_id = self.write(survivor, mapping.levels)
        primary = self._crm.current_contact(contact_id)
        other = self._crm.current_contact(mapping.contact_id)
        if primary is None:
            self.forget(survivor)
            raise TemporaryFailure("the CRM lost the surviving contact")
        if other is not None and other != primary:
            primary = self._crm.merge_contacts(primary, other)
        survivors = self._mappings.get(survivor)
        if survivors.contact_id != primary:
            self._save(replace(survivors, contact_id=primary))
        return "merged"

    def _save(self, mapping: Mapping) -> Mapping:
        try:
            self._mappings.save(mapping)
        except Conflict:
            raise TemporaryFailure("another sender wrote the same customer") from None
        return replace(mapping, version=mapping.version + 1)


def highest(a: Dict[str, str], b: Dict[str, str]) -> dict[str, str]:
    """Both, each key at its highest level."""
    result = dict(a)
    for key, level in b.items():
        known = result.get(key)
        if known is None or LEVELS.index(known) < LEVELS.index(level):
            result[key] = level
    return result


def _contact(
    customer_id: str,
    name: str,
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
