"""What the erasure saga needs of every place that can hold personal data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from enlace.domain.erasure import Census, Subject


class Place(Protocol):
    """One store, queue, bucket or processor.

    Every method may be repeated at any point, by anybody, after any crash.
    """

    #: For certificates and logs: ``timeline``, ``cases``, ``crm:hubspot`` …
    name: str
    #: How it deletes, for the certificate: ``delete``, ``redact``, ``crypto-shred`` …
    method: str

    def census(self, subject: Subject) -> Census:
        """Count what is held of the subject, and what of it must stay; changes nothing.

        After :meth:`erase` has said that it is done, ``found`` equals what is kept.

        Raises
        ------
        TemporaryFailure
            If the store did not answer.
        """

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Delete, or make anonymous, all that is not kept, while there is time.

        Returns
        -------
        bool
            Whether nothing is left; False where time ran out first.

        Raises
        ------
        TemporaryFailure
            If the store did not do its part; it is called again later.
        """


class Collecting(Protocol):
    """A place that an access request can be answered from."""

    name: str

    def collect(self, subject: Subject) -> Iterator[dict[str, Any]]:
        """All that is held of the subject, as JSON objects that people can read.

        Each has ``record`` (its sort) and the fields of that sort, in clear.
        """
