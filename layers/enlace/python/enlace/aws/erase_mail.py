"""Raw mail as a place of erasure: the objects that the timeline's interactions came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from enlace.aws.erased_objects import ErasedObjects
from enlace.domain.erasure import Census, Kept, Subject


class MailPlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place`.

    The keys come from the timeline, and from announcements of mail in dead-letter queues. A
    legal hold's record id is the object's key.

    Parameters
    ----------
    objects : ErasedObjects
        Of the bucket that SES puts mail into, by whole keys.
    """

    name = "mail"
    method = "delete"

    def __init__(self, objects: ErasedObjects):
        self._objects = objects

    def census(self, subject: Subject) -> Census:
        """Count the objects, with every version and marker of them."""
        found, held = 0, Counter[str]()
        for key in subject.ids("mails"):
            count = self._objects.count(key)
            found += count
            if hold := subject.holds.get((self.name, key)):
                held[hold] += count
        kept = (Kept("raw mail", count, f"legal hold {id_}") for id_, count in sorted(held.items()))
        return Census(found, tuple(kept))

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Delete them, but for those that are held."""
        for key in subject.ids("mails"):
            if not time_left():
                return False
            if (self.name, key) not in subject.holds:
                self._objects.erase(key)
        return True
