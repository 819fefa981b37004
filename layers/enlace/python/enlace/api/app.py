"""From a request to an answer: route, caller, role, then one use case.

API Gateway has matched the route already and says which (``routeKey``), so there
is no second router here. Powertools' resolver was measured instead: 0.4 of the CPU
of ``import boto3`` at each cold start, and 80 microseconds a request (docs/api.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from enlace.api.callers import Caller, Callers, require
from enlace.api.problems import Refused, problem, problem_of, status_of
from enlace.channels.base import load_json
from enlace.domain.http import Request, Response
from enlace.errors import EnlaceError, PayloadTooLarge

#: Enough for every body but a list of interactions.
SMALL_BODY_BYTES = 16 * 1024

Handler = Callable[["Call"], Response]


class Log(Protocol):
    """Where the log goes; fields are ids, counts and reasons."""

    @property
    def info(self) -> Callable[..., None]: ...

    @property
    def error(self) -> Callable[..., None]: ...


class Hold(Protocol):
    """See :class:`enlace.usecases.restore_hold.RestoreHold`."""

    def check(self) -> None:
        """Return where calls may be answered; raises TemporaryFailure (503) where not."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request by a caller who may make it."""

    request: Request
    caller: Caller | None

    @property
    def id(self) -> str:
        """The ``{id}`` of the path."""
        return self.request.path_parameters.get("id", "")

    def body(self) -> Any:
        """The JSON body.

        Raises
        ------
        InvalidPayload
            If it is not JSON in UTF-8, or nests too deep.
        """
        return load_json(self.request.body)


@dataclass(frozen=True, slots=True)
class Route:
    """One route.

    Parameters
    ----------
    key : str
        As in API Gateway: ``GET /v1/customers/{id}``.
    roles : frozenset of str
        Any of which will do; empty for a public route.
    """

    key: str
    roles: frozenset[str]
    handle: Handler
    max_body_bytes: int = SMALL_BODY_BYTES


class Api:
    """The routes of one function.

    Parameters
    ----------
    routes : sequence of Route
    callers : Callers
    log : Log
    hold : Hold, optional
        Asked before every call of a route that is not public.
    """

    def __init__(
        self, routes: Sequence[Route], callers: Callers, log: Log, *, hold: Hold | None = None
    ):
        self._hold = hold
        self._routes = {route.key: route for route in routes}
        self._callers = callers
        self._log = log

    def handle(
        self, route_key: str, request: Request, claims: Mapping[str, Any] | None = None
    ) -> Response:
        """Answer a request; whatever goes wrong is a problem document.

        Parameters
        ----------
        route_key : str
            The route that API Gateway matched.
        claims : mapping or None
            The verified token's.
        """
        try:
            route = self._route(route_key)
            caller = None
            if route.roles:
                caller = self._callers.identify(request, claims)
                require(caller, route.roles)
                if self._hold is not None:
                    self._hold.check()
            if len(request.body) > route.max_body_bytes:
                raise PayloadTooLarge(f"the body is over {route.max_body_bytes} bytes")
            response = route.handle(Call(request, caller))
        except EnlaceError as error:
            status = status_of(error)
            log = self._log.error if status >= 500 else self._log.info
            log("not answered", route=route_key, status=status, reason=str(error))
            return problem_of(error)
        except Exception as error:
            # Neither its text nor its traceback: both may quote somebody's data.
            where = error.__traceback__
            while where and where.tb_next:
                where = where.tb_next
            self._log.error(
                "a defect",
                route=route_key,
                error=type(error).__name__,
                file=where.tb_frame.f_code.co_filename if where else "",
                line=where.tb_lineno if where else 0,
            )
            return problem(500, "an error of ours; it is in the log")
        self._log.info("answered", route=route_key, status=response.status)
        return response

    def _route(self, key: str) -> Route:
        # API Gateway answers unknown routes itself; this is for a route that the
        # template knows and the function does not.
        if key not in self._routes:
            raise Refused(404, "no such route")
        return self._routes[key]
