"""JSON over HTTPS to a provider, with bounded waiting and repeating.

urllib3 comes with botocore. Its own retries are off: which failures may be
repeated is decided here, and only for calls that are the same when made twice.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from enlace.errors import (
    Misconfigured,
    ProviderAmbiguous,
    ProviderRejected,
    ProviderUnavailable,
    TemporaryFailure,
)

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
#: A longer Retry-After is left to the queue's redelivery.
MAX_WAIT_SECONDS = 2.0

#: Set-up that a person can mend: token, rights, paid plan, path.
_MENDABLE = frozenset({401, 402, 403, 404, 405, 407})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Parameters
    ----------
    body : dict
        The JSON object; {} where it is none.
    items : list
        The JSON array; [] where it is none.
    raw : bytes
        As it came, for what is not JSON.
    """

    status: int
    body: dict[str, Any]
    items: list[Any] = field(default_factory=list)
    raw: bytes = b""


def bearer(token: Callable[[], str]) -> Callable[[bytes], Mapping[str, str]]:
    """Headers with a token, read anew for each request."""
    return lambda body: {"authorization": f"Bearer {token()}"}


class JsonHttp:
    """Makes JSON requests to one base address.

    Parameters
    ----------
    name : str
        For error texts.
    base_url : str
        What every path is put behind.
    headers : callable
        Body to headers, asked anew for each attempt (tokens rotate).
    attempts : int
        In all, for throttling, server errors and lost answers.
    renew : callable, optional
        Drops a token that was refused with 401, so that ``headers`` gets another;
        called once a request.
    sleep, uniform : callable
        Waiting (seconds) and the jitter's source.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        headers: Callable[[bytes], Mapping[str, str]],
        *,
        attempts: int = 3,
        renew: Callable[[], None] | None = None,
        pool: urllib3.PoolManager | None = None,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ):
        self._name = name
        self._base_url = base_url
        self._headers = headers
        self._attempts = attempts
        self._renew = renew
        self._pool = pool or urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS), retries=False
        )
        self._sleep = sleep
        self._uniform = uniform

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        expected: frozenset[int] = frozenset(),
        repeatable: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make a request; 2xx and the ``expected`` other statuses come back.

        Parameters
        ----------
        body : Any
            To be sent as JSON; bytes go as they are, with their type in ``headers``.
        repeatable : bool
            Whether making it twice does the same as once.

        Raises
        ------
        ProviderUnavailable
            If it was certainly not done: throttled, not reached, not set up.
        ProviderRejected
            If it was refused for good.
        ProviderAmbiguous
            If the answer was lost or a server error, after all attempts.
        """
        # Not the path: it may hold an id, and the reason is an error text for logs.
        data = _encoded(body)
        renew = self._renew
        failure: ProviderUnavailable | ProviderAmbiguous | None = None
        wait: float | None = None
        for attempt in range(self._attempts):
            if attempt:
                delay = self._uniform(0.05, 0.2 * 2**attempt) if wait is None else wait
                self._sleep(delay)
            wait = None
            try:
                own_headers = self._headers(data)
            except (Misconfigured, TemporaryFailure) as error:
                # No token, no call: nothing was done.
                raise ProviderUnavailable(f"{self._name}: {error}") from error
            try:
                response = self._pool.request(
                    method,
                    self._base_url + path,
                    body=data or None,
                    headers={
                        "accept": "application/json",
                        **({"content-type": "application/json"} if data else {}),
                        **own_headers,
                        **(headers or {}),
                    },
                    redirect=False,
                )
            except (
                urllib3.exceptions.ConnectTimeoutError,
                urllib3.exceptions.NewConnectionError,
                urllib3.exceptions.NameResolutionError,
            ) as error:
                failure = ProviderUnavailable(f"{self._name}: {type(error).__name__}")
                continue
            except urllib3.exceptions.HTTPError as error:
                failure = ProviderAmbiguous(f"{self._name}: {type(error).__name__}")
                if not repeatable:
                    raise failure from None
                continue
            status = response.status
            if status == 401 and renew is not None:
                # An expired token: the vendor did nothing yet.
                renew()
                renew, wait = None, 0.0
                failure = ProviderUnavailable(f"{self._name}: HTTP 401")
                continue
            if 200 <= status < 300 or status in expected:
                return _answer(status, response.data)
            reason = f"{self._name}: HTTP {status}"
            if status == 429:
                failure = ProviderUnavailable(reason)
                wait = _retry_after(response.headers.get("retry-after"))
                if wait is not None and wait > MAX_WAIT_SECONDS:
                    raise failure
            elif status >= 500:
                failure = ProviderAmbiguous(reason)
                if not repeatable:
                    raise failure
            elif status in _MENDABLE:
                raise ProviderUnavailable(reason)
            else:
                raise ProviderRejected(f"{reason} {_category(response.data)}".rstrip())
        assert failure is not None  # noqa: S101 - every way through the loop sets it
        raise failure


def _encoded(body: Any) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    return json.dumps(body, separators=(",", ":")).encode()


def _answer(status: int, data: bytes) -> Answer:
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if isinstance(body, list):
        return Answer(status, {}, body, data)
    return Answer(status, body if isinstance(body, dict) else {}, [], data)


def _object(data: bytes) -> dict[str, Any]:
    return _answer(0, data).body


def _category(data: bytes) -> str:
    # HubSpot's class of error, as VALIDATION_ERROR; its message may quote values.
    category = _object(data).get("category")
    known = isinstance(category, str) and category.replace("_", "").isalpha()
    return str(category)[:40] if known else ""


def _retry_after(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
