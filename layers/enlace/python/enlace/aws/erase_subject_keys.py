"""The table of subjects' keys as a place of erasure: what backups hold becomes unreadable."""

from __future__ import annotations

from collections.abc import Callable

from enlace.aws.partitions import Partitions
from enlace.aws.subject_keys import SubjectKeys
from enlace.domain.erasure import Census, Subject


class SubjectKeyPlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place`.

    The keys of the subject's contact points were retired with the fence, so what is written
    since is under other ones. What a legal hold keeps is sealed under keys of its own, which
    go when nothing is held there any more.

    Parameters
    ----------
    keys : SubjectKeys
    timeline : Partitions
        Of the timeline table.
    held : callable
        Gives the partition of what is held of a contact point.
    """

    name = "subject_keys"
    method = "crypto-shred"

    def __init__(self, keys: SubjectKeys, timeline: Partitions, held: Callable[[str], str]):
        self._keys = keys
        self._timeline = timeline
        self._held = held

    def census(self, subject: Subject) -> Census:
        """Count the retired keys, and those that nothing is held under any more."""
        retired = sum(self._keys.count(key)[1] for key in subject.keys)
        return Census(retired + sum(self._keys.count(name)[0] for name in self._empty(subject)))

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Shred them."""
        empty = self._empty(subject)
        # Nobody writes there but the erasure of this subject, so nobody remembers them.
        self._keys.retire(empty)
        for name in (*subject.keys, *empty):
            if not time_left():
                return False
            self._keys.shred(name)
        return True

    def _empty(self, subject: Subject) -> list[str]:
        held = (self._held(key) for key in subject.keys)
        return [name for name in held if next(self._timeline.items(name), None) is None]
