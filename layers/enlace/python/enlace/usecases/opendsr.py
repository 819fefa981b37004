"""Requests that controllers send by OpenDSR: taken once each, shown, taken back, told of.

``opendsr#<controller>``/``<subject_request_id>`` leads from their id to ours, and knows which
of their addresses has been told what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from enlace.domain.interaction import utc_text
from enlace.domain.opendsr import API_VERSION, CANCELLED, DONE, DsrRequest, status_of
from enlace.errors import Conflict, EnlaceError, NotFound
from enlace.usecases.privacy_requests import Asked, PrivacyRequests
from enlace.usecases.request_ends import RequestEnds, WrongState
from enlace.usecases.request_rows import RequestRows
from enlace.usecases.rows import Row, Rows

#: Index partition of requests whose controllers are still to be told something.
QUEUE = "opendsr"
#: How often a request is looked at for something new.
LOOK_AGAIN = timedelta(minutes=15)
#: After that many failures in a row nobody is called any more; somebody is told instead.
MAX_FAILURES = 12
_PAGE = 50


@dataclass(frozen=True, slots=True)
class Controller:
    """Somebody whose requests are taken.

    Parameters
    ----------
    id : str
    verifies : bool
        Whether they have verified who asks; else the address gets a code from us.
    callback_hosts : frozenset of str
    """

    id: str
    verifies: bool = False
    callback_hosts: frozenset[str] = frozenset()


class Call(Protocol):
    """Makes a signed call to an address of a controller."""

    def __call__(self, url: str, body: Mapping[str, Any]) -> None:
        """Raises one of ours if it was not taken."""


class OpenDsr:
    """The use case.

    Parameters
    ----------
    rows : Rows
    requests : PrivacyRequests
    on_record : RequestRows
    ends : RequestEnds
    domain : str
        Ours, as processor.
    now : callable
        The current time, with a zone.
    """

    def __init__(
        self,
        rows: Rows,
        requests: PrivacyRequests,
        on_record: RequestRows,
        *,
        ends: RequestEnds,
        domain: str,
        now: Callable[[], datetime],
    ):
        self._rows = rows
        self._requests = requests
        self._ends = ends
        self._on_record = on_record
        self._domain = domain
        self._now = now

    def take(self, controller: Controller, wanted: DsrRequest) -> dict[str, Any]:
        """Take a request; one of the same id is the same one. Gives its status.

        Raises
        ------
        InvalidPayload
            If its identity cannot be used.
        TemporaryFailure
            If a service did not do its part; the same again then goes on.
        """
        if self._rows.get(_pk(controller), wanted.id) is None:
            asked = Asked(
                wanted.type,
                wanted.identifier,
                wanted.regulation,
                source="opendsr",
                vouched_by=controller.id if controller.verifies else "",
            )
            shown = self._requests.ask(asked, caller=_caller(controller))
            body = {
                "request_id": shown["request_id"],
                "controller": controller.id,
                "subject_request_id": wanted.id,
                "callbacks": list(wanted.callbacks),
                "told": {},
                "failures": 0,
            }
            queue = QUEUE if wanted.callbacks else ""
            next_at = utc_text(self._now()) if wanted.callbacks else ""
            row = Row(_pk(controller), wanted.id, body, queue=queue, next_at=next_at)
            # The same, sent twice at once: whichever was first stands.
            with suppress(Conflict):
                self._rows.put([row])
        return self.status(controller, wanted.id)

    def status(self, controller: Controller, id_: str) -> dict[str, Any]:
        """Where a request is.

        Raises
        ------
        NotFound
            If this controller made none of this id.
        """
        return status_body(self._known(controller, id_), self._on_record, self._domain)

    def cancel(self, controller: Controller, id_: str) -> dict[str, Any]:
        """Take a request back, which is possible while it is pending.

        Raises
        ------
        NotFound, WrongState
        """
        row = self._known(controller, id_)
        known = self._on_record.known(row.body["request_id"]).body
        if known["caller"] != _caller(controller):
            raise WrongState("somebody else asked for the same before: it goes on")
        self._ends.cancel(row.body["request_id"], "taken back by the controller")
        return status_body(row, self._on_record, self._domain)

    def _known(self, controller: Controller, id_: str) -> Row:
        row = self._rows.get(_pk(controller), id_)
        if row is None:
            raise NotFound("no such request")
        return row


class TellControllers:
    """Calls the controllers' addresses when a request has another status.

    Parameters
    ----------
    rows : Rows
    on_record : RequestRows
    call : Call
    domain : str
    now : callable
        The current time, with a zone.

    Attributes
    ----------
    counts : Counter
        For metrics: ``callbacks``, ``callbacks_failed``, ``callbacks_given_up``.
    """

    def __init__(
        self,
        rows: Rows,
        on_record: RequestRows,
        *,
        call: Call,
        domain: str,
        now: Callable[[], datetime],
    ):
        self._rows = rows
        self._on_record = on_record
        self._call = call
        self._domain = domain
        self._now = now
        self.counts: Counter[str] = Counter()

    def run(self, time_left: Callable[[], bool] = lambda: True) -> int:
        """Look at whatever is due; gives how many there were.

        Raises
        ------
        TemporaryFailure
            If the table did not do its part; the next run goes on.
        """
        done = 0
        for listed in self._rows.due(QUEUE, utc_text(self._now()), _PAGE):
            if not time_left():
                break
            # The index may lag behind.
            row = self._rows.get(listed.pk, listed.sk)
            if row is not None and row.queue:
                self._tell(row)
                done += 1
        return done

    def _tell(self, row: Row) -> None:
        body = status_body(row, self._on_record, self._domain)
        status, told, failed = body["request_status"], dict(row.body["told"]), False
        said = f"{status}:{body['extensions'][self._domain]['status']}"
        for url in row.body["callbacks"]:
            if told.get(url) == said:
                continue
            try:
                self._call(url, {**body, "status_callback_url": url})
            except EnlaceError:
                self.counts["callbacks_failed"] += 1
                failed = True
                continue
            self.counts["callbacks"] += 1
            told[url] = said
        failures = row.body["failures"] + 1 if failed else 0
        wait = LOOK_AGAIN * 2 ** min(failures, 6)
        over = status in (DONE, CANCELLED) and not failed
        if failures >= MAX_FAILURES:
            self.counts["callbacks_given_up"] += 1
            over = True
        queue, next_at = ("", "") if over else (QUEUE, utc_text(self._now() + wait))
        after = row.with_body(told=told, failures=failures)
        try:
            self._rows.put([replace(after, queue=queue, next_at=next_at)])
        except Conflict:
            # Another run told them as well, which a callback bears.
            return


def status_body(row: Row, on_record: RequestRows, domain: str) -> dict[str, Any]:
    """A request in OpenDSR's words; nothing in clear."""
    known = on_record.known(row.body["request_id"]).body
    return {
        "controller_id": row.body["controller"],
        "subject_request_id": row.body["subject_request_id"],
        "request_status": status_of(known["state"]),
        "expected_completion_time": known["deadline"],
        "received_time": known["received_at"],
        "api_version": API_VERSION,
        # What is held leaves the house by an officer, never by a link in a callback.
        "results_url": None,
        "extensions": {domain: {"status": known["state"], "request_id": known["request_id"]}},
    }


def _pk(controller: Controller) -> str:
    return f"opendsr#{controller.id}"


def _caller(controller: Controller) -> str:
    return f"opendsr:{controller.id}"
