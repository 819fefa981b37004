"""How requests of data subjects end, but for those that are carried out: by somebody's word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from enlace.domain.interaction import utc_text
from enlace.domain.privacy_request import (
    CANCELLABLE,
    CANCELLED,
    CLOSED,
    COMPLETED,
    REJECTED,
    RUNNING,
    VERIFIED,
    PrivacyPolicy,
)
from enlace.errors import EnlaceError
from enlace.usecases.request_rows import CODE, RequestRows, moved
from enlace.usecases.rows import Rows


class WrongState(EnlaceError):
    """A request is not in a state in which this can be done; the text says which (409)."""


class RequestEnds:
    """The use case.

    Parameters
    ----------
    rows : Rows
    requests : RequestRows
    policy : PrivacyPolicy
    now : callable
        The current time, with a zone.
    """

    def __init__(
        self,
        rows: Rows,
        requests: RequestRows,
        *,
        policy: PrivacyPolicy,
        now: Callable[[], datetime],
    ):
        self._rows = rows
        self._requests = requests
        self._policy = policy
        self._now = now

    def cancel(self, request_id: str, reason: str) -> Mapping[str, Any]:
        """Take a request back, which is possible until its fence is up.

        Raises
        ------
        NotFound, WrongState
        """
        return self._end(request_id, CANCELLED, reason)

    def reject(self, request_id: str, reason: str) -> Mapping[str, Any]:
        """Refuse a request, with the reasons that the law wants to be told.

        Raises
        ------
        NotFound, WrongState
        """
        return self._end(request_id, REJECTED, reason)

    def fulfil(self, request_id: str, reason: str) -> Mapping[str, Any]:
        """Enter that what was asked for was handed over.

        Raises
        ------
        NotFound, WrongState
        """
        body = self._requests.known(request_id).body
        if body["type"] == "erasure":
            raise WrongState("an erasure is completed by itself")
        if body["state"] not in (VERIFIED, RUNNING, COMPLETED):
            raise WrongState(f"the request is {body['state']}")
        self._requests.advance(request_id, COMPLETED, reason=reason)
        return self._requests.shown(request_id)

    def extend(self, request_id: str, reason: str) -> Mapping[str, Any]:
        """Put the deadline off, once, where the regulation allows it.

        Raises
        ------
        NotFound, WrongState
        """

        def change(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
            regulation = self._policy.regulations[body["regulation"]]
            if body["state"] in CLOSED or body["extended"] or not regulation.extension_months:
                raise WrongState("the deadline cannot be put off, or not again")
            later = regulation.deadline(body["received_at"], extended=True)
            at = utc_text(self._now())
            return {**moved(body, body["state"], at, reason), "deadline": later, "extended": True}

        self._requests.change(request_id, change)
        return self._requests.shown(request_id)

    def _end(self, request_id: str, state: str, reason: str) -> Mapping[str, Any]:
        at = utc_text(self._now())

        def change(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
            if body["state"] == state:
                return None
            if body["state"] not in CANCELLABLE:
                raise WrongState(f"the request is {body['state']}")
            return moved(body, state, at, reason)

        row = self._requests.change(request_id, change)
        self._rows.delete(row.pk, CODE)
        return self._requests.shown(request_id)
