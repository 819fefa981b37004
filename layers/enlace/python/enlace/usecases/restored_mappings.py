"""What a restored table remembers of the contacts that erased people had in the CRM.

The CRM was not restored: their contacts are gone there, and it need not be asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from enlace.domain.erasure import Census, Subject
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.erase_crm import CrmPlace


class RestoredMappings:
    """Implements :class:`enlace.usecases.erasure_ports.Place`, after a restore.

    Parameters
    ----------
    crm : CrmPlace
        Whose mappings they are.
    """

    method = "delete"

    def __init__(self, crm: CrmPlace):
        self.name = f"mappings:{crm.name}"
        self._crm = crm
        self._mappings = crm.mappings

    def census(self, subject: Subject) -> Census:
        """Count the customers whose mappings have shown the subject's identifiers."""
        return Census(sum(1 for _ in self._crm.shown(subject)))

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Delete mappings; of one that is others' too, the subject's part."""
        for one in list(self._crm.shown(subject)):
            if not time_left():
                return False
            if one.remaining:
                levels = {k: v for k, v in one.mapping.levels.items() if k not in one.keys}
                points = frozenset(one.mapping.points) - set(one.keys)
                try:
                    self._mappings.save(replace(one.mapping, levels=levels, points=points))
                except Conflict:
                    raise TemporaryFailure("a sender wrote the same customer") from None
            else:
                self._mappings.delete(one.customer_id)
            # Last: it is what finds the mapping.
            for key in one.keys:
                self._mappings.hide(key, one.customer_id)
        return True
