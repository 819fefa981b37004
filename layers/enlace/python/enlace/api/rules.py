"""Routes by which the rules of identity are read, and changed on a running stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from enlace.api.app import Call, Route
from enlace.api.callers import ADMIN, AGENT
from enlace.api.fields import object_of
from enlace.api.problems import Refused, answer
from enlace.domain.envelope import Entry
from enlace.domain.events import rules_activated
from enlace.domain.http import Response
from enlace.errors import InvalidPayload, TemporaryFailure
from enlace.usecases.ports import Store
from enlace.usecases.rules_in_force import ChangeRules, InForce, in_force
from enlace.usecases.rules_job import JOB, state_of

SOURCE = "enlace.api_conciliations"
READERS = frozenset({AGENT, ADMIN})
CHANGERS = frozenset({ADMIN})
#: Every function reads the rules once a minute: they must stay small, lists and all.
MAX_RULES_BYTES = 64 * 1024

_COUNTS = ("pass", "seen", "changed", "merged", "split", "saturated")


class Bus(Protocol):
    """Where events go."""

    def publish_all(self, entries: Sequence[Entry]) -> None:
        """Publish events, all of them."""


def rules_routes(store: Store, bus: Bus, now: Callable[[], str]) -> list[Route]:
    """The routes.

    Parameters
    ----------
    now : callable
        Gives the current contract time.
    """
    change = ChangeRules(store, now=now)

    def show(call: Call) -> Response:
        return answer(200, _described(in_force(store.get_entry), store.get_entry(JOB)))

    def put(call: Call) -> Response:
        if call.caller is None:
            raise Refused(401, "credentials are missing")
        active = change(_text(call), operator=call.caller.id)
        if active.activated_at:
            event = rules_activated(
                version=active.version,
                previous_version=active.previous_version,
                activated_at=active.activated_at,
                recorded_at=now(),
                source=SOURCE,
            )
            try:
                bus.publish_all([event])
            except TemporaryFailure as error:
                # They are in force, and asking again tells of them; a schedule would find them too.
                raise Refused(503, str(error), {"version": active.version}) from error
        return answer(200, _described(active, store.get_entry(JOB)))

    return [
        Route("GET /v1/rules", READERS, show),
        Route("PUT /v1/rules", CHANGERS, put, max_body_bytes=MAX_RULES_BYTES),
    ]


def _text(call: Call) -> str:
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/plain", "application/toml"):
        try:
            return call.request.body.decode()
        except UnicodeDecodeError:
            raise InvalidPayload("the rules must be text in UTF-8") from None
    text = object_of(call.body()).get("text")
    if not isinstance(text, str):
        raise InvalidPayload("text: must be the text of a rules file")
    return text


def _described(active: InForce, job: dict[str, Any] | None) -> dict[str, Any]:
    state = state_of(job, active)
    # What is told of another walk would be taken for this one's.
    told = job if job and state != "pending" else {}
    return {
        "version": active.version,
        "text": active.text,
        "activated_at": active.activated_at or None,
        "activated_by": active.activated_by or None,
        "previous_version": active.previous_version or None,
        "job": {
            "state": state,
            "started_at": told.get("started_at"),
            "finished_at": told.get("finished_at") or None,
            **{name: told.get(name, 0) for name in _COUNTS},
        },
    }
