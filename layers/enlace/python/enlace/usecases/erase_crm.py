"""The company's CRM as a place of erasure.

The identity goes first: from then on no sender finds anybody, so that none writes the
customer again. One that had looked before may still be writing; so nothing is erased until
it must have ended. A contact that shows other people's identifiers too stays, without what
was the subject's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from enlace.domain.erasure import Census, Kept, Subject
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.crm_contacts import CrmContacts
from enlace.usecases.crm_hold import CrmHold
from enlace.usecases.crm_ports import Crm, Identities, Mapping, Mappings, Timeline
from enlace.usecases.erasure_ports import NotYet
from enlace.usecases.settle_crm import SettleCrm

#: Longer than a sender may run.
SETTLE_SECONDS = 75.0
BY_HAND = "contacts and deals, emptied and marked as erased"
BY_HAND_GROUND = "the vendor's API deletes nothing: to be deleted there by hand"


class ErasingCrm(Crm, Protocol):
    """An adapter that can erase. Every call is the same when made twice.

    Attributes
    ----------
    method : str
        For certificates.
    batch : int
        Interactions that one call takes.
    leaves : bool
        What is erased stays behind, empty, for people to delete.
    """

    method: str
    batch: int
    leaves: bool

    def count_activities(self, points: Sequence[str], interaction_ids: Sequence[str]) -> int:
        """Activities, or what holds those of a contact point, that are there."""

    def erase_activities(self, points: Sequence[str], interaction_ids: Sequence[str]) -> None:
        """Erase them."""

    def erase_contact(self, contact_id: str, customer_id: str) -> None:
        """Erase a contact with all that is in it."""

    def by_hand(self, points: Sequence[str], customer_ids: Sequence[str]) -> int:
        """What was erased as far as the API allows, and people have to delete."""


class ErasableMappings(Mappings, Protocol):
    """The stored mappings of one CRM, as an erasure needs them."""

    def delete(self, customer_id: str) -> None:
        """Forget a customer."""

    def showing(self, key: str) -> list[str]:
        """The customers whose contacts have shown an identifier."""

    def hide(self, key: str, customer_id: str) -> None:
        """Take back that one has."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A customer whose contact has shown some of the subject's identifiers.

    Parameters
    ----------
    keys : list of str
        Those.
    remaining : dict of address key to customer id
        Other people's identifiers on it, and whose they are now.
    """

    customer_id: str
    mapping: Mapping
    keys: list[str]
    remaining: dict[str, str]


class CrmPlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place`.

    Parameters
    ----------
    clock : callable
        Seconds since 1970.
    settle_seconds : float
        How long a sender may still be at work after the identity is gone.

    Attributes
    ----------
    mappings : ErasableMappings
    """

    def __init__(
        self,
        crm: ErasingCrm,
        *,
        identities: Identities,
        timeline: Timeline,
        mappings: ErasableMappings,
        clock: Callable[[], float],
        settle_seconds: float = SETTLE_SECONDS,
    ):
        self.name = f"crm:{crm.name}"
        self.method = crm.method
        self._crm = crm
        self._identities = identities
        self._timeline = timeline
        self.mappings = self._mappings = mappings
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._contacts = CrmContacts(crm, identities, mappings, clock)
        self._holds = CrmHold(mappings, clock)

    def census(self, subject: Subject) -> Census:
        """Count contacts and activities, and what people will have to delete."""
        shown = list(self.shown(subject))
        points = sorted({key for one in shown for key in one.keys})
        whole = [one.customer_id for one in shown if not one.remaining]
        activities = sum(self._crm.count_activities(points, ids) for ids in self._batches(subject))
        found = len(shown) + activities
        left = self._crm.by_hand(subject.keys, self._customers(subject))
        if self._crm.leaves:
            left += len(whole) + activities
        kept = (Kept(BY_HAND, left, BY_HAND_GROUND),) if left else ()
        return Census(found + left, kept, {"customers": tuple(whole)} if whole else {})

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Erase activities, then contacts, then what is remembered of them."""
        ended = datetime.fromisoformat(subject.erased_before).timestamp() + self._settle_seconds
        if (left := ended - self._clock()) > 0:
            raise NotYet("a sender may still be at work", left)
        self._crm.begin(subject.request_id)
        shown = list(self.shown(subject))
        points = sorted({key for one in shown for key in one.keys})
        for ids in self._batches(subject):
            if not time_left():
                return False
            if points or self._crm.count_activities(points, ids):
                self._crm.erase_activities(points, ids)
        for one in shown:
            if not time_left():
                return False
            if one.remaining:
                self._take_out(one, subject, time_left)
            else:
                self._erase_contact(one.mapping)
            # Last: it is what finds the contact.
            for key in one.keys:
                self._mappings.hide(key, one.customer_id)
        return True

    def _erase_contact(self, mapping: Mapping) -> None:
        self._holds.require_free(mapping)
        contact_id = self._contacts.own(mapping)
        if contact_id is not None:
            self._crm.erase_contact(contact_id, mapping.customer_id)
        self._mappings.delete(mapping.customer_id)

    def _take_out(self, one: Shown, subject: Subject, time_left: Callable[[], bool]) -> None:
        """Leave a contact to those who remain on it."""
        if one.customer_id not in one.remaining.values():
            settle = SettleCrm(
                self._crm,
                contacts=self._contacts,
                timeline=self._timeline,
                mappings=self._mappings,
                time_left=time_left,
                holds=self._holds,
            )
            settle(f"erasure-{subject.request_id}", one.customer_id, one.remaining)
        for owner in sorted(set(one.remaining.values())):
            self._contacts.write(owner, {}, exact=True, erased=True)
            try:
                self._contacts.moved(owner, one.keys)
            except Conflict:
                raise TemporaryFailure("a sender wrote the same customer") from None
            # A merge has just noted them with whoever has the contact now.
            for key in one.keys:
                self._mappings.hide(key, owner)

    def shown(self, subject: Subject) -> Iterator[Shown]:
        """Customers whose contacts have shown the subject's identifiers; no newcomers."""
        keys: dict[str, list[str]] = {}
        for key in subject.keys:
            for customer_id in self._mappings.showing(key):
                keys.setdefault(customer_id, []).append(key)
        for customer_id, own in sorted(keys.items()):
            mapping = self._mappings.get(customer_id)
            on_it = {*mapping.levels, *mapping.points, *own}
            records = self._contacts.owners(sorted(on_it))
            # Whoever is known by the address now came after the erasure, or came back.
            if any(records[key].customer_id == customer_id for key in own if key in records):
                continue
            remaining = {
                key: record.customer_id
                for key, record in sorted(records.items())
                if key not in subject.keys
            }
            yield Shown(customer_id, mapping, own, remaining)

    def _batches(self, subject: Subject) -> Iterator[Sequence[str]]:
        ids, size = subject.ids("interactions"), self._crm.batch
        # One at least: some CRMs find what is theirs by contact points.
        for start in range(0, max(len(ids), 1), size):
            yield ids[start : start + size]

    def _customers(self, subject: Subject) -> list[str]:
        return sorted({*subject.customer_ids, *subject.ids("customers")})
