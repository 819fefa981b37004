"""Access tokens by OAuth 2.0's client credentials grant, kept until they are refused.

The grant needs nothing but a client's id and secret. A JWT bearer, the other way of
servers, would need an RSA signature, which the standard library does not make.

Source: RFC 6749, section 4.4.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from enlace.errors import Misconfigured, ProviderRejected
from enlace.senders.http_json import JsonHttp

FORM = {"content-type": "application/x-www-form-urlencoded"}


class ClientCredentials:
    """The token of one client, shared by the calls of one function instance.

    Parameters
    ----------
    http : JsonHttp
        To the authorization server; no headers of its own.
    path : str
        Of the token endpoint.
    client_id, client_secret : callable
        Asked anew for each token: secrets rotate.
    """

    def __init__(
        self,
        http: JsonHttp,
        path: str,
        client_id: Callable[[], str],
        client_secret: Callable[[], str],
    ):
        self._http = http
        self._path = path
        self._client_id = client_id
        self._client_secret = client_secret
        self._token = ""

    def __call__(self) -> str:
        """The token, fetched at the first need.

        Raises
        ------
        Misconfigured
            If the server does not know the client, or refuses it the grant.
        TemporaryFailure
            If the server does not answer.
        """
        if not self._token:
            form = {
                "grant_type": "client_credentials",
                "client_id": self._client_id(),
                "client_secret": self._client_secret(),
            }
            body = urlencode(form).encode()
            refused = frozenset({400, 401, 403})
            answer = self._http("POST", self._path, body, headers=FORM, expected=refused)
            if answer.status in refused:
                raise Misconfigured(f"the client is refused: {error_code(answer.body)}")
            token = answer.body.get("access_token")
            if not isinstance(token, str) or not token:
                raise ProviderRejected("the token endpoint gave no token")
            self._token = token
        return self._token

    def drop(self) -> None:
        """Forget the token: it was refused."""
        self._token = ""


def error_code(body: dict[str, object]) -> str:
    """OAuth's code of the error, which is safe to log; its description may not be."""
    code = body.get("error")
    return code if isinstance(code, str) and code.replace("_", "").isalpha() else "no code"
