"""What is on record of data subjects' requests.

``request#<id>``/``request`` is the request, its address sealed; ``subject#<key>``/
``open#<type>`` finds the one that an address made last; ``requests#<month>`` lists them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from enlace.domain.erasure import SubjectIdentifier
from enlace.domain.interaction import Identifier, utc_text
from enlace.domain.privacy_request import CANCELLED, CLOSED, RECEIVED, REJECTED
from enlace.errors import Conflict, NotFound, TemporaryFailure
from enlace.usecases.erasure_ports import ErasureRequest, Seal
from enlace.usecases.erasure_rows import pk_of
from enlace.usecases.rows import Row, Rows

REQUEST, CODE = "request", "code"
#: Index partition of open requests, by their next alert.
QUEUE = "requests"
#: All requests by when they came, for lists: one partition a month.
LIST = "requests#"
_ATTEMPTS = 6


class RequestRows:
    """Implements :class:`enlace.usecases.erasure_ports.Requests`.

    Parameters
    ----------
    rows : Rows
    seal : Seal
    now : callable
        The current time, with a zone.
    """

    def __init__(self, rows: Rows, seal: Seal, *, now: Callable[[], datetime]):
        self._rows = rows
        self._seal = seal
        self._now = now

    def advance(self, request_id: str, state: str, *, reason: str = "") -> None:
        """See :class:`enlace.usecases.erasure_ports.Requests`."""
        at = utc_text(self._now())

        def change(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
            if body["state"] == state:
                return None
            return moved(body, state, at, reason)

        self.change(request_id, change)

    def forget(self, request_id: str) -> None:
        """See :class:`enlace.usecases.erasure_ports.Requests`."""

        def change(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
            return {**body, "sealed": "", "changes": ""} if body["sealed"] else None

        self.change(request_id, change)

    def erasure(self, request_id: str) -> ErasureRequest:
        """See :class:`enlace.usecases.erasure_ports.Requests`."""
        row = self.known(request_id)
        body = row.body
        if body["type"] != "erasure" or not body["verified_at"]:
            raise NotFound("no verified erasure of this id")
        if body["state"] in (REJECTED, CANCELLED):
            raise NotFound(f"the erasure was {body['state']}")
        named = self.identifier(request_id) if body["sealed"] else None
        return ErasureRequest(
            request_id,
            SubjectIdentifier(body["key"], body["kind"], named.value if named else ""),
            bool(body["whole_customer"]),
            body["language"],
        )

    def identifier(self, request_id: str) -> Identifier:
        """The identifier that a request is about, while it is open.

        Raises
        ------
        NotFound
            If there is no such request, or it is over.
        """
        body = self.known(request_id).body
        if not body["sealed"]:
            raise NotFound("the request is over")
        kind, value = json.loads(self._seal.open(body["sealed"], request_id))
        return Identifier(kind, value, "proven")

    def changes(self, request_id: str) -> Mapping[str, Any]:
        """What a rectification is to put right."""
        sealed = self.known(request_id).body["changes"]
        found: Mapping[str, Any] = json.loads(self._seal.open(sealed, request_id)) if sealed else {}
        return found

    def shown(self, request_id: str) -> dict[str, Any]:
        """A request as whoever may see it sees it; nothing in clear.

        Raises
        ------
        NotFound
            If there is no such request.
        """
        row = self.known(request_id)
        hidden = ("sealed", "changes", "key", "caller")
        body = {name: value for name, value in row.body.items() if name not in hidden}
        code = self._rows.get(row.pk, CODE) if body["state"] == RECEIVED else None
        return {**body, "code_sent": code is not None}

    def certificate_facts(self, request_id: str) -> Mapping[str, Any]:
        """What a certificate says of a request."""
        return self.known(request_id).body

    def listed(self, month: str, limit: int, after: str = "") -> list[dict[str, Any]]:
        """The requests that came in a month (``YYYY-MM``), newest first.

        Parameters
        ----------
        after : str
            A request id: those that came before it.
        """
        ids = [row.body["request_id"] for row in reversed(self._rows.under(f"{LIST}{month}", ""))]
        if after in ids:
            ids = ids[ids.index(after) + 1 :]
        return [self.shown(id_) for id_ in ids[:limit]]

    def find(self, request_id: str) -> Row | None:
        """The row of a request, if there is one."""
        return self._rows.get(pk_of(request_id), REQUEST)

    def known(self, request_id: str) -> Row:
        """The row of a request; raises ``NotFound``."""
        row = self.find(request_id)
        if row is None:
            raise NotFound("no such request")
        return row

    def change(
        self,
        request_id: str,
        change: Callable[[Mapping[str, Any]], Mapping[str, Any] | None],
        *,
        next_at: str = "",
    ) -> Row:
        """Change a request by what it says; None leaves it as it is. Gives it as it is then.

        Parameters
        ----------
        next_at : str
            Contract time by which the clock is to look at it; "" as before.

        Raises
        ------
        NotFound, TemporaryFailure
        """
        for _ in range(_ATTEMPTS):
            row = self.known(request_id)
            body = change(row.body)
            if body is None:
                return row
            due = "" if body["state"] in CLOSED else next_at or row.next_at
            try:
                return self._rows.put([replace(row, body=body, next_at=due)])[0]
            except Conflict:
                continue
        raise TemporaryFailure("others kept changing the same request")


def moved(body: Mapping[str, Any], state: str, at: str, reason: str) -> dict[str, Any]:
    """A request in another state, with the step in its history."""
    entry = {"at": at, "state": state, "reason": reason}
    history: Sequence[Any] = [*body["history"], entry][-50:]
    after = {**body, "state": state, "reason": reason, "completed_at": "", "history": history}
    # In one write: of what is over nothing in clear is left, whoever crashes when.
    return {**after, "completed_at": at, "sealed": "", "changes": ""} if state in CLOSED else after
