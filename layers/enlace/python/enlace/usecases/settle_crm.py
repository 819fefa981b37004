"""Give what a contact in the CRM shows to those whose it is now.

Two that settle the same customers at the same time would undo each other's work:
the former ids of a merged contact go on resolving, so that taking an activity from
a contact may take it from the one that it was merged into, and a merge is for
ever, so that one which comes late takes what had just been split off. A CRM has
no conditions to write under. So whoever settles holds the customers' mappings
meanwhile, and looks whose the identifiers are only then: of two events about
them, the second to come finds what the first has done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection

from enlace.errors import TemporaryFailure
from enlace.usecases.crm_contacts import CrmContacts
from enlace.usecases.crm_hold import CrmHold, Held
from enlace.usecases.crm_ports import Crm, Mapping, Mappings, Timeline

_PAGE = 100


class SettleCrm:
    """Settles one customer at a time.

    Parameters
    ----------
    time_left : callable
        Whether there is time for another page of activities; the queue delivers the
        event again otherwise, and it goes on from where it was.
    holds : CrmHold
        On the same mappings.
    """

    def __init__(
        self,
        crm: Crm,
        *,
        contacts: CrmContacts,
        timeline: Timeline,
        mappings: Mappings,
        time_left: Callable[[], bool],
        holds: CrmHold,
    ):
        self._crm = crm
        self._contacts = contacts
        self._timeline = timeline
        self._mappings = mappings
        self._time_left = time_left
        self._holds = holds

    def __call__(self, event_id: str, former: str, keys: Collection[str]) -> str:
        """Settle ``former``; gives what was done with its contact, for the log.

        Parameters
        ----------
        event_id : str
        former : str
            The customer that has, or had, the identifiers.
        keys : collection of str
            Address keys of those that the event names.

        Raises
        ------
        TemporaryFailure
            If another sender settles one of the customers, or the time is up.
        """
        mapping = self._mappings.get(former)
        if not mapping.contact_id and (mapping.version == 0 or mapping.merged_into):
            self._holds.require_free(mapping)
            return "nothing: no contact"
        with self._holds.work(former) as held:
            return self._settle(event_id, former, keys, held)

    def _settle(self, event_id: str, former: str, keys: Collection[str], held: Held) -> str:
        mapping = self._mappings.get(former)
        source = self._contacts.own(mapping)
        if source is None:
            return self._without_contact(mapping)
        keys = {*keys, *mapping.levels, *mapping.points}
        for owner in sorted(self._owned(keys)):
            if owner != former:
                held.add(owner)
        # Once more, now that nobody else follows what has just happened to them.
        owned = self._owned(keys)
        if not set(owned) <= set(held.customers):
            raise TemporaryFailure("identifiers changed hands")
        if not owned:
            return "nothing: its identifiers are gone"
        for owner in owned:
            self._contacts.revive(owner)
        return self._share(event_id, former, source, owned, keys)

    def _without_contact(self, mapping: Mapping) -> str:
        if not mapping.contact_id:
            return "nothing: no contact"
        if mapping.merged_into:
            self._contacts.retired(mapping)
            return "was merged"
        self._contacts.forget(mapping.customer_id)
        return "nothing: the contact is gone"

    def _share(
        self,
        event_id: str,
        former: str,
        source: str,
        owned: dict[str, list[str]],
        looked_at: Collection[str],
    ) -> str:
        mapping = self._mappings.get(former)
        shown = mapping.levels
        stays = former in owned
        # Where it exists no more, the merge takes everything to one of them, and
        # only what belongs to others is moved one by one.
        main = former if stays else max(owned, key=lambda id_: (len(owned[id_]), id_))
        others = [id_ for id_ in owned if id_ != main]
        if stays and others:
            # First, so that addresses are free which others now get.
            self._contacts.write(former, {}, exact=True)
        moved = 0
        for owner in others:
            levels = {key: shown[key] for key in owned[owner] if key in shown}
            points = mapping.points.intersection(owned[owner])
            target = self._contacts.write(owner, levels, points=points)
            for key in sorted(points):
                moved += self._move(event_id, key, source, target)
            if points:
                # They may come back to the same contact, and this event with them: then
                # they are to be moved again.
                self._save_progress(event_id, {f"{source}|{key}": None for key in points})
                self._contacts.moved(former, points)
        if not stays:
            # Erased identifiers were looked at as well, and are nobody's.
            self._contacts.retire(former, main, looked_at)
            if others:
                self._contacts.write(main, {}, exact=True)
        return f"{'kept' if stays else 'merged'}, {moved} activities moved"

    def _owned(self, keys: Collection[str]) -> dict[str, list[str]]:
        """Customers that the identifiers belong to now, with theirs of them."""
        owned: dict[str, list[str]] = {}
        for key, record in sorted(self._contacts.owners(sorted(keys)).items()):
            owned.setdefault(record.customer_id, []).append(key)
        return owned

    def _move(self, event_id: str, key: str, source: str, target: str) -> int:
        # The contact's id too: one event may empty several contacts.
        place = f"{source}|{key}"
        before = self._progress(event_id).get(place)
        moved = 0
        while before != "":
            if not self._time_left():
                raise TemporaryFailure("the split goes on in the next run")
            page = self._timeline.page(key, before=before, since=None, limit=_PAGE)
            ids = [item.sk.rpartition("#")[2] for item in page]
            notes = self._crm.find_activities(key, ids)
            if notes:
                self._crm.attach(notes, target)
                self._crm.detach(notes, source)
            moved += len(notes)
            before = page[-1].sk if len(page) == _PAGE else ""
            self._save_progress(event_id, {place: before})
        return moved

    def _progress(self, event_id: str) -> dict[str, str]:
        progress: dict[str, str] = json.loads(self._mappings.progress(event_id) or "{}")
        return progress

    def _save_progress(self, event_id: str, places: dict[str, str | None]) -> None:
        """Note how far places are moved; None for those that need no note any more."""
        after = {**self._progress(event_id), **places}
        left = {place: before for place, before in after.items() if before is not None}
        self._mappings.save_progress(event_id, json.dumps(left))
