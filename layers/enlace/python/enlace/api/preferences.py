"""The pages that messages link to: unsubscribe, preferences, confirmation.

GET shows and changes nothing: scanners open every link in a mail. POST needs no login and
no cookie: the token is the capability, and no other site knows it. RFC 8058: a POST with
``List-Unsubscribe=One-Click``, as a form or multipart, unsubscribes by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email import policy
from email.parser import BytesParser
from typing import Protocol
from urllib.parse import parse_qs

from enlace.domain.http import Request, Response
from enlace.domain.link_tokens import Link, LinkTokens
from enlace.errors import EnlaceError, InvalidPayload
from enlace.pages.languages import language_of
from enlace.pages.views import Views
from enlace.usecases.link_choices import Shown
from enlace.usecases.preferences import Preferences, Saved

MAX_BODY_BYTES = 16 * 1024
_MAX_FIELDS = 200
#: RFC 8058, section 3.2.
_ONE_CLICK = ("List-Unsubscribe", "One-Click")

Fields = dict[str, list[str]]


class Log(Protocol):
    """Where the log goes; fields are route keys, statuses and reasons, never a path."""

    def __call__(self, level: str, message: str, **fields: str | int | float | None) -> None: ...


class PreferencePages:
    """The routes.

    Parameters
    ----------
    preferences : Preferences
    tokens : LinkTokens
    company : str
        Named on every page; "" for nobody.
    """

    def __init__(self, preferences: Preferences, tokens: LinkTokens, log: Log, company: str = ""):
        self._preferences = preferences
        self._tokens = tokens
        self._log = log
        self._company = company
        self._routes: dict[str, Callable[[Request, Link, str, Views], Response]] = {
            "GET /unsubscribe/{token}": self._ask_unsubscribe,
            "POST /unsubscribe/{token}": self._unsubscribe,
            "GET /preferences/{token}": self._show,
            "POST /preferences/{token}": self._save,
        }

    def handle(self, route_key: str, request: Request) -> Response:
        """Answer a request; whatever goes wrong is a page too.

        Parameters
        ----------
        route_key : str
            The route that API Gateway matched. Logs name it instead of the path, which holds
            the token.
        """
        language = self._language(request)
        views = Views(language, self._company)
        try:
            link = self._tokens.read(request.path_parameters.get("token", ""))
            language = self._language(request, link.language)
            views = Views(language, self._company)
            response = self._routes[route_key](request, link, language, views)
        except (InvalidPayload, KeyError):
            response = views.unknown()
        except _Unclear:
            response = views.unclear()
        except EnlaceError as error:
            self._log("error", "not answered", route=route_key, status=503, reason=str(error))
            return views.later()
        self._log("info", "answered", route=route_key, status=response.status)
        return response

    def _ask_unsubscribe(
        self, request: Request, link: Link, language: str, views: Views
    ) -> Response:
        _only(link, "unsubscribe")
        return views.unsubscribe(*self._preferences.subject_of(link))

    def _unsubscribe(self, request: Request, link: Link, language: str, views: Views) -> Response:
        _only(link, "unsubscribe")
        fields = fields_of(request)
        one_click = _ONE_CLICK[1] in fields.get(_ONE_CLICK[0], ())
        if not one_click and fields.get("do") != ["unsubscribe"]:
            raise _Unclear("not what the page sends")
        self._preferences.unsubscribe(link, language, one_click=one_click)
        token = self._tokens.mint(replace(link, action="preferences"))
        preferences = f"../preferences/{token}?lang={language}"
        return views.unsubscribed(*self._preferences.subject_of(link), preferences)

    def _show(self, request: Request, link: Link, language: str, views: Views) -> Response:
        _only(link, "preferences", "confirm")
        if link.action == "confirm":
            return views.confirm(*self._preferences.subject_of(link))
        return _choices(views, self._preferences.show(link))

    def _save(self, request: Request, link: Link, language: str, views: Views) -> Response:
        _only(link, "preferences", "confirm")
        fields = fields_of(request)
        do = fields.get("do", [""])[0]
        if link.action == "confirm":
            if do != "confirm":
                raise _Unclear("not what the page sends")
            confirmed = self._preferences.confirm(link, language)
            about = self._preferences.subject_of(link)
            return views.confirmed(*about) if confirmed else views.not_waiting()
        if do == "stop_all":
            return _choices(views, self._preferences.stop_all(link, language).shown, "stopped")
        if do != "save":
            raise _Unclear("not what the page sends")
        wanted = set()
        for value in fields.get("on", ()):
            purpose, _, channel = value.partition("|")
            wanted.add((purpose, channel))
        saved = self._preferences.save(link, wanted, fields.get("seen", [""])[0], language)
        return _choices(views, saved.shown, _outcome(saved))

    def _language(self, request: Request, link: str = "") -> str:
        asked = parse_qs(request.query[:400]).get("lang", [""])[0]
        return language_of(asked, link, request.headers.get("accept-language", ""))


class _Unclear(EnlaceError):
    """A POST that no page of ours sends, nor a mail client after RFC 8058."""


def fields_of(request: Request) -> Fields:
    """The fields of a form, urlencoded or multipart (RFC 8058 allows both).

    Raises
    ------
    _Unclear
        If it is neither.
    """
    if len(request.body) > MAX_BODY_BYTES:
        raise _Unclear("too large")
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            text = request.body.decode("utf-8")
            return parse_qs(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
        if kind == "multipart/form-data":
            return _multipart(content_type, request.body)
    except ValueError:
        raise _Unclear("not a form") from None
    raise _Unclear("not a form")


def _multipart(content_type: str, body: bytes) -> Fields:
    # A header of the request becomes one of the parsed message: it must be one line.
    head = f"Content-Type: {' '.join(content_type.split())}\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    found: Fields = {}
    if not message.is_multipart():
        raise ValueError
    for part in list(message.iter_parts())[:_MAX_FIELDS]:
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            found.setdefault(name, []).append(payload.decode("utf-8"))
    return found


def _only(link: Link, *actions: str) -> None:
    if link.action not in actions:
        raise InvalidPayload("a link to another page")


def _choices(views: Views, shown: Shown, said: str = "") -> Response:
    return views.preferences(shown.choices, shown.seen, said)


def _outcome(saved: Saved) -> str:
    if saved.stale:
        return "stale"
    return "barred" if saved.barred else "saved"
