"""Raw mail as a place of erasure: the objects that the timeline's interactions came from."""

from __future__ import annotations

from collections.abc import Callable

from enlace.aws.erased_objects import ErasedObjects
from enlace.domain.erasure import Census, Subject


class MailPlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place`.

    Parameters
    ----------
    objects : ErasedObjects
        Of the bucket that SES puts mail into.
    """

    name = "mail"
    method = "delete"

    def __init__(self, objects: ErasedObjects):
        self._objects = objects

    def census(self, subject: Subject) -> Census:
        """Count the objects, with every version and marker of them."""
        return Census(sum(self._objects.count(key) for key in subject.ids("mails")))

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Delete them."""
        for key in subject.ids("mails"):
            if not time_left():
                return False
            self._objects.erase(key)
        return True
