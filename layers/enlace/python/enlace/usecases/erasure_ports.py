"""What the erasure saga needs of every place that can hold personal data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from enlace.domain.erasure import Census, Subject, SubjectIdentifier
from enlace.errors import TemporaryFailure


class NotYet(TemporaryFailure):
    """A place cannot begin before something else has ended.

    Parameters
    ----------
    seconds : float
        After which it can.
    """

    def __init__(self, reason: str, seconds: float):
        super().__init__(reason)
        self.seconds = seconds


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


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """A verified request, as the saga needs it.

    Parameters
    ----------
    identifier : SubjectIdentifier
        The one that was named, in clear.
    whole_customer : bool
        Not only what that identifier has proven.
    """

    request_id: str
    identifier: SubjectIdentifier
    whole_customer: bool
    language: str = ""


class Requests(Protocol):
    """The requests that data subjects made."""

    def erasure(self, request_id: str) -> ErasureRequest:
        """A verified erasure; raises ``NotFound`` if there is none of this id."""

    def advance(self, request_id: str, state: str, *, reason: str = "") -> None:
        """Enter its state; the same again changes nothing."""

    def forget(self, request_id: str) -> None:
        """Take everything in clear out of it."""


class Found(Protocol):
    """Whom an identifier leads to."""

    @property
    def identifiers(self) -> tuple[SubjectIdentifier, ...]: ...

    @property
    def customer_ids(self) -> tuple[str, ...]: ...


class Fence(Protocol):
    """See :class:`enlace.aws.erasure_fence.ErasureFence`."""

    def raise_at(self, keys: Sequence[str], at: str, request_id: str) -> None: ...

    def lower(self, keys: Sequence[str]) -> None: ...


class Seal(Protocol):
    """See :class:`enlace.aws.kms_keys.Sealer`."""

    def seal(self, text: str, purpose: str) -> str: ...

    def open(self, sealed: str, purpose: str) -> str: ...
