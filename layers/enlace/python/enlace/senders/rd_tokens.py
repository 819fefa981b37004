"""RD Station's tokens: an access token for two hours, and a refresh token for one use.

Each renewal gives another refresh token and ends the one before, so the pair is shared
by all senders and kept where the credentials are, and one sender at a time renews it.

Source: developers.rdstation.com, crm-v2-authentication, crm-v2-authentication-step-4
(as of 2025-10-30, checked 2026-11-23): a refresh token ends after 14 days without use;
renewing is advised from five minutes before the access token ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

from enlace.errors import Misconfigured, TemporaryFailure
from enlace.senders.http_json import JsonHttp
from enlace.senders.oauth import FORM, error_code

TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
_EARLY_SECONDS = 300
_LIFE_SECONDS = 7200


class TokenStore(Protocol):
    """Where the pair of tokens is kept."""

    def read(self) -> Mapping[str, Any]:
        """``client_id``, ``client_secret``, ``refresh_token`` and perhaps the access token."""

    def claim(self) -> bool:
        """Whether this sender is the one to renew now."""

    def save(self, tokens: Mapping[str, Any]) -> None:
        """Write the new pair, and let others renew again."""


class RollingTokens:
    """The access token of one account.

    Parameters
    ----------
    http : JsonHttp
        To the authorization server; no headers of its own.
    clock : callable
        Unix seconds.
    """

    def __init__(self, http: JsonHttp, store: TokenStore, clock: Callable[[], float]):
        self._http = http
        self._store = store
        self._clock = clock
        self._token = ""
        self._ends_at = 0.0
        self._refused = ""

    def __call__(self) -> str:
        """The access token, renewed in time.

        Raises
        ------
        Misconfigured
            If a person has to authorize Enlace again.
        TemporaryFailure
            If another sender is renewing it.
        """
        if not self._valid() and not self._taken(self._store.read()):
            if not self._store.claim():
                raise TemporaryFailure("another sender is renewing the token")
            # Whoever had the claim before may have renewed it.
            values = self._store.read()
            if not self._taken(values):
                self._renew(values)
        return self._token

    def drop(self) -> None:
        """Forget the token: it was refused."""
        self._refused, self._token = self._token, ""

    def _valid(self) -> bool:
        return bool(self._token) and self._clock() < self._ends_at - _EARLY_SECONDS

    def _taken(self, values: Mapping[str, Any]) -> bool:
        token, ends_at = values.get("access_token"), values.get("access_token_ends_at")
        if not isinstance(token, str) or token == self._refused:
            return False
        self._token = token
        self._ends_at = float(ends_at) if isinstance(ends_at, int | float) else 0.0
        return self._valid()

    def _renew(self, values: Mapping[str, Any]) -> None:
        names = ("client_id", "client_secret", "refresh_token")
        missing = [name for name in names if not values.get(name)]
        if missing:
            raise Misconfigured(f"the CRM's secret lacks {', '.join(missing)}")
        form = {"grant_type": "refresh_token", **{name: str(values[name]) for name in names}}
        refused = frozenset({400, 401, 403})
        # Not twice by itself: the first may have been carried out.
        answer = self._http(
            "POST",
            TOKEN_PATH,
            urlencode(form).encode(),
            headers=FORM,
            expected=refused,
            repeatable=False,
        )
        body = answer.body
        token, refresh_token = body.get("access_token"), body.get("refresh_token")
        if answer.status in refused or not isinstance(token, str) or not refresh_token:
            code = error_code(body)
            raise Misconfigured(f"RD Station wants a new authorization ({code}): see docs/crm.md")
        life = body.get("expires_in")
        seconds = float(life) if isinstance(life, int | float) else _LIFE_SECONDS
        self._token, self._ends_at = token, self._clock() + seconds
        self._store.save(
            {
                "access_token": token,
                "access_token_ends_at": int(self._ends_at),
                "refresh_token": refresh_token,
            }
        )
