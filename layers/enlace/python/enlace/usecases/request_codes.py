"""Codes that verify an address: sent to it, kept as a hash, tried a few times."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from enlace.domain.interaction import Identifier
from enlace.domain.privacy_request import PrivacyPolicy
from enlace.errors import Conflict, EnlaceError, TemporaryFailure
from enlace.usecases.request_rows import CODE
from enlace.usecases.rows import Row, Rows

_ATTEMPTS = 6


class NotVerified(EnlaceError):
    """A code is wrong, too old, or was tried too often (answer 403)."""


class Post(Protocol):
    """Writes to an address about a request."""

    def __call__(
        self, to: Identifier, template: str, language: str, data: Mapping[str, Any]
    ) -> bool:
        """Whether it could be written to; repeated, it may be written to again."""


class RequestCodes:
    """The codes of requests.

    Parameters
    ----------
    rows : Rows
    policy : PrivacyPolicy
    post : Post
    now : callable
        The current time, with a zone.
    """

    def __init__(
        self, rows: Rows, *, policy: PrivacyPolicy, post: Post, now: Callable[[], datetime]
    ):
        self._rows = rows
        self._policy = policy
        self._post = post
        self._now = now

    def send(self, row: Row, to: Identifier, *, renew: bool) -> None:
        """Send a code about a request to its address.

        Parameters
        ----------
        renew : bool
            Also where the last one can still be told.

        Raises
        ------
        Conflict, TemporaryFailure
        """
        known = self._rows.get(row.pk, CODE)
        now = self._now().timestamp()
        if known is not None and not renew and known.body["until"] > now:
            return
        code = "".join(secrets.choice("0123456789") for _ in range(self._policy.code_digits))
        data = {"code": code, "minutes": str(self._policy.code_seconds // 60)}
        if not self._post(to, "dsr_code", row.body["language"], data):
            return
        until = int(now) + self._policy.code_seconds
        body = {"hash": _hash(row.body["request_id"], code), "until": until, "tries": 0}
        version = known.version if known else 0
        self._rows.put([Row(row.pk, CODE, body, version, expires_at=until)])

    def check(self, row: Row, code: str) -> None:
        """Return where it is the code that was sent.

        Raises
        ------
        NotVerified
            If it is wrong, too old, or was tried too often.
        TemporaryFailure
            If others keep trying at the same moment.
        """
        for _ in range(_ATTEMPTS):
            known = self._rows.get(row.pk, CODE)
            if known is None or known.body["until"] <= self._now().timestamp():
                raise NotVerified("the code has run out: ask again for another one")
            if known.body["tries"] >= self._policy.code_tries:
                raise NotVerified("the code was tried too often: ask again for another one")
            try:
                # Counted before it is compared, so that guessing in parallel gains nothing.
                self._rows.put([known.with_body(tries=known.body["tries"] + 1)])
            except Conflict:
                continue
            if not hmac.compare_digest(known.body["hash"], _hash(row.body["request_id"], code)):
                raise NotVerified("the code is not right")
            return
        raise TemporaryFailure("the code is being tried by others")


def _hash(request_id: str, code: str) -> str:
    return hashlib.sha256(f"{request_id}\x1f{code}".encode()).hexdigest()
