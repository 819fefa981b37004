"""Routes by which data subjects' requests are taken, verified and answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from enlace.api.app import Call, Route
from enlace.api.callers import ADMIN, PRIVACY
from enlace.api.fields import flag_of, identifier_of, object_of, one_of, query_of, text_of
from enlace.api.problems import Refused, answer
from enlace.domain.http import Response
from enlace.domain.interaction import parse_time, utc_text
from enlace.domain.privacy_request import COMPLETED, RUNNING, TYPES
from enlace.errors import InvalidPayload, NotFound
from enlace.usecases.certify_erasure import certificate_key
from enlace.usecases.copy_forms import CSV, FORMS, JSON
from enlace.usecases.erasure_rows import pk_of
from enlace.usecases.legal_holds import LegalHolds
from enlace.usecases.privacy_requests import Asked, PrivacyRequests
from enlace.usecases.request_codes import NotVerified
from enlace.usecases.request_ends import RequestEnds, WrongState
from enlace.usecases.request_rows import RequestRows
from enlace.usecases.rows import Rows
from enlace.usecases.subject_copies import Link, SubjectCopies

#: Who answers to data subjects.
OFFICERS = frozenset({PRIVACY, ADMIN})
LANGUAGES = ("pt-BR", "es", "en")
MAX_ROUNDS = 99

_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_CODE = re.compile(r"[0-9]{4,12}\Z")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])\Z")


@dataclass(frozen=True, slots=True)
class PrivacyDesk:
    """What the routes need.

    Parameters
    ----------
    recipients : tuple of str
        Who gets personal data from the company (GDPR art. 15(1)(c), LGPD art. 18 VII).
    now : callable
        The current time, with a zone.
    """

    requests: PrivacyRequests
    ends: RequestEnds
    on_record: RequestRows
    copies: SubjectCopies
    holds: LegalHolds
    rows: Rows
    recipients: tuple[str, ...]
    now: Callable[[], datetime]


def privacy_routes(desk: PrivacyDesk) -> list[Route]:
    """The routes."""

    def ask(call: Call) -> Response:
        body = _known_fields(call.body(), "type", "identifier", "regulation", "language", "changes")
        asked = Asked(
            one_of(body, "type", TYPES),
            identifier_of(body, "identifier"),
            one_of(body, "regulation", ("gdpr", "lgpd")),
            one_of(body, "language", LANGUAGES, LANGUAGES[0]),
            _changes(body.get("changes")),
        )
        return answer(201, shown(desk.requests.ask(asked, caller=_caller(call))))

    def verify(call: Call) -> Response:
        body = _known_fields(call.body(), "code", "operator_reason", "whole_customer")
        if ("code" in body) == ("operator_reason" in body):
            raise InvalidPayload("must have either code or operator_reason")
        try:
            if "code" in body:
                code = text_of(body, "code", 12)
                if not _CODE.match(code):
                    raise NotVerified("the code is not right")
                return answer(200, shown(desk.requests.verify_by_code(call.id, code)))
            verified = desk.requests.verify_by_operator(
                call.id,
                text_of(body, "operator_reason", 1000),
                caller=_caller(call),
                whole_customer=flag_of({"whole_customer": True, **body}, "whole_customer"),
            )
        except NotVerified as error:
            raise Refused(403, str(error)) from error
        return answer(200, shown(verified))

    def show(call: Call) -> Response:
        body = desk.on_record.shown(call.id)
        if body["type"] in ("access", "information") and body["state"] in (RUNNING, COMPLETED):
            # The simplified answer is owed at once (LGPD art. 19 I).
            body["summary"] = _summary(call.id)
        if body["type"] == "erasure":
            body["held"] = desk.holds.kept_from(call.id)
        return answer(200, shown(body))

    def _summary(request_id: str) -> Mapping[str, Any] | None:
        try:
            return desk.copies.summary(request_id, desk.recipients)
        except NotFound:
            # It is over, and its address forgotten.
            return None

    def export(call: Call) -> Response:
        form = one_of(query_of(call.request.query, ("format",)), "format", FORMS, JSON)
        body = desk.on_record.known(call.id).body
        if body["type"] not in ("access", "portability") or not body["verified_at"]:
            raise Refused(409, "only a verified request for access or portability has a copy")
        try:
            copy = desk.copies.make(call.id, form)
        except NotFound:
            raise Refused(409, "the request is over: ask for a new one") from None
        except WrongState as error:
            raise Refused(409, str(error)) from error
        if isinstance(copy, Link):
            return answer(200, _link_shown(copy))
        return Response(200, copy, "text/csv; charset=utf-8" if form == CSV else "application/json")

    def ending(do: Callable[[str, str], Mapping[str, Any]]) -> Callable[[Call], Response]:
        def end(call: Call) -> Response:
            body = _known_fields(call.body(), "reason")
            try:
                return answer(200, shown(do(call.id, text_of(body, "reason", 1000))))
            except WrongState as error:
                raise Refused(409, str(error)) from error

        return end

    def listed(call: Call) -> Response:
        query = query_of(call.request.query, ("month", "limit", "cursor"))
        month = query.get("month", utc_text(desk.now())[:7])
        if not _MONTH.match(month):
            raise InvalidPayload("month: must be like 2026-11")
        limit = query.get("limit", "20")
        if not limit.isdigit() or not 1 <= int(limit) <= 100:
            raise InvalidPayload("limit: must be 1 to 100")
        items = desk.on_record.listed(month, int(limit), query.get("cursor", ""))
        more = items[-1]["request_id"] if len(items) == int(limit) else None
        return answer(200, {"items": [shown(item) for item in items], "next_cursor": more})

    def certificate(call: Call) -> Response:
        desk.on_record.known(call.id)
        rows = desk.rows.under(pk_of(call.id), certificate_key(0)[:-2])
        if not rows:
            raise Refused(404, "no certificate: the erasure is not completed")
        bodies = [dict(row.body) for row in rows]
        # The last one is what holds; those before it are of what a legal hold kept then.
        return answer(200, {**bodies[-1], "earlier": bodies[:-1]} if bodies[:-1] else bodies[-1])

    def hold(call: Call) -> Response:
        body = _known_fields(call.body(), "records", "ground", "authority", "until")
        until = body.get("until")
        placed = desk.holds.place(
            _records(body.get("records")),
            ground=text_of(body, "ground", 500),
            authority=text_of(body, "authority", 200),
            until="" if until is None else parse_time(until, "until"),
            caller=_caller(call),
        )
        return answer(201, _hold_shown(placed))

    def holds(call: Call) -> Response:
        return answer(200, {"items": [_hold_shown(one) for one in desk.holds.all()]})

    def release(call: Call) -> Response:
        return answer(200, _hold_shown(desk.holds.release(call.id, caller=_caller(call))))

    requests, one = "/v1/privacy/requests", "/v1/privacy/requests/{id}"
    return [
        Route(f"POST {requests}", OFFICERS, ask),
        Route(f"GET {requests}", OFFICERS, listed),
        Route(f"GET {one}", OFFICERS, show),
        Route(f"POST {one}/verify", OFFICERS, verify),
        Route(f"GET {one}/export", OFFICERS, export),
        Route(f"GET {one}/certificate", OFFICERS, certificate),
        Route(f"POST {one}/cancel", OFFICERS, ending(desk.ends.cancel)),
        Route(f"POST {one}/reject", OFFICERS, ending(desk.ends.reject)),
        Route(f"POST {one}/fulfil", OFFICERS, ending(desk.ends.fulfil)),
        Route(f"POST {one}/extend", OFFICERS, ending(desk.ends.extend)),
        Route("POST /v1/privacy/holds", OFFICERS, hold),
        Route("GET /v1/privacy/holds", OFFICERS, holds),
        Route("DELETE /v1/privacy/holds/{id}", OFFICERS, release),
    ]


def shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """A request as the API shows it: nothing in clear."""
    return {
        "request_id": body["request_id"],
        "type": body["type"],
        "regulation": body["regulation"],
        "status": body["state"],
        "reason": body["reason"] or None,
        "identifier": {"kind": body["kind"]},
        "received_at": body["received_at"],
        "deadline": body["deadline"],
        "extended": body["extended"],
        "code_sent": body["code_sent"],
        "verified_at": body["verified_at"] or None,
        "verified_by": body["verified_by"].partition(":")[0] or None,
        "whole_customer": body["whole_customer"],
        "duplicate_of": body["duplicate_of"] or None,
        "completed_at": body["completed_at"] or None,
        "alerts": body["alerts"],
        "summary": body.get("summary"),
        "held": body.get("held"),
        "history": [
            {"at": step["at"], "status": step["state"], "reason": step["reason"] or None}
            for step in body["history"]
        ],
    }


def _link_shown(link: Link) -> dict[str, Any]:
    return {
        "download_url": link.url,
        "expires_at": link.expires_at,
        "file_name": link.file_name,
        "bytes": link.stored.size,
        "sha256": link.stored.sha256,
    }


def _hold_shown(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hold_id": body["hold_id"],
        "records": [{"place": place, "id": id_} for place, id_ in body["records"]],
        "places": body["places"],
        "ground": body["ground"],
        "authority": body["authority"],
        "until": body["until"] or None,
        "placed_at": body["placed_at"],
        "released_at": body["released_at"] or None,
    }


def _caller(call: Call) -> str:
    return call.caller.id if call.caller else ""


def _known_fields(body: Any, *names: str) -> Mapping[str, Any]:
    found = object_of(body)
    unknown = sorted(set(found) - set(names))
    if unknown:
        # A name that is no word may be a value that went astray: it is not repeated.
        raise InvalidPayload(f"{next(filter(_WORD.match, unknown), '?')}: no such field")
    return found


def _changes(body: Any) -> Mapping[str, Any] | None:
    if body is None:
        return None
    if not isinstance(body, dict) or not 1 <= len(body) <= 20:
        raise InvalidPayload("changes: must be an object of 1 to 20 traits")
    for name, value in body.items():
        if not _WORD.match(name) or not isinstance(value, str) or not 0 < len(value) <= 500:
            raise InvalidPayload("changes: must be texts of 1 to 500 characters by trait")
    return body


def _records(body: Any) -> list[tuple[str, str]]:
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise InvalidPayload("records: must be a list of objects")
    return [(text_of(one, "place", 32), text_of(one, "id", 200)) for one in body]
