"""Between API Gateway and the pages: events of the HTTP API, and answers with their headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from enlace.api.preferences import Log, PreferencePages
from enlace.aws.webhook import read_request, write_response
from enlace.domain.http import Response
from enlace.errors import EnlaceError, InvalidPayload
from enlace.pages.languages import language_of
from enlace.pages.layout import HEADERS
from enlace.pages.views import Views


def page_answer(
    event: Mapping[str, Any], make_pages: Callable[[], PreferencePages], log: Log
) -> dict[str, Any]:
    """Answer an event; a person gets a page whatever goes wrong.

    Parameters
    ----------
    make_pages : callable
        May fail where the links' secret cannot be read.
    """
    route = event.get("routeKey", "")
    accepted = (event.get("headers") or {}).get("accept-language", "")
    views = Views(language_of("", "", accepted))
    try:
        return _written(make_pages().handle(route, read_request(event)))
    except InvalidPayload:
        return _written(views.unclear())
    except EnlaceError as error:
        log("error", "not answered", route=route, status=503, reason=str(error))
    except Exception as error:
        # Neither its text nor its traceback: both may quote the link.
        where = error.__traceback__
        while where and where.tb_next:
            where = where.tb_next
        log(
            "error",
            "a defect",
            route=route,
            error=type(error).__name__,
            file=where.tb_frame.f_code.co_filename if where else "",
            line=where.tb_lineno if where else 0,
        )
    return _written(views.later())


def _written(response: Response) -> dict[str, Any]:
    written = write_response(response)
    written["headers"] |= HEADERS
    if response.status == 503:
        written["headers"]["retry-after"] = "2"
    return written
