"""Between API Gateway and the API: HTTP API events (payload format 2.0) and answers.

Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP
APIs" and "Control access to HTTP APIs with JWT authorizers".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from enlace.api.app import Api
from enlace.api.callers import Callers
from enlace.api.problems import problem_of
from enlace.aws.clients import client
from enlace.aws.secrets import CachedSecret
from enlace.aws.webhook import read_request, write_response
from enlace.domain.http import Response
from enlace.errors import InvalidPayload, Misconfigured

_HEADERS = {
    # RFC 9110, 15.5.2: a 401 names the scheme that it asks for.
    401: {"www-authenticate": "Bearer"},
    503: {"retry-after": "1"},
}


def api_handler(api: Api) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What a Lambda handler hands its event to."""

    def handle(event: Mapping[str, Any]) -> dict[str, Any]:
        try:
            request = read_request(event)
        except InvalidPayload as error:
            return _written(problem_of(error))
        authorizer = event["requestContext"].get("authorizer") or {}
        claims = (authorizer.get("jwt") or {}).get("claims")
        return _written(api.handle(event.get("routeKey", ""), request, claims))

    return handle


def callers_of(environment: Mapping[str, str]) -> Callers:
    """Callers by the function's environment.

    Parameters
    ----------
    environment : mapping
        ``API_KEY_SECRET_ID`` on the laptop stack (a JSON secret with ``api_key``);
        optionally ``JWT_ISSUER`` and ``JWT_ROLES_CLAIM``.
    """
    secret_id = environment.get("API_KEY_SECRET_ID")
    return Callers(
        _api_key(secret_id) if secret_id else None,
        issuer=environment.get("JWT_ISSUER"),
        roles_claim=environment.get("JWT_ROLES_CLAIM"),
    )


def _api_key(secret_id: str) -> Callable[[], str]:
    secret = CachedSecret(lambda: client("secretsmanager"), secret_id)

    def api_key() -> str:
        key = secret.get().get("api_key")
        # An empty key would be matched by an empty header.
        if not isinstance(key, str) or len(key) < 16:
            raise Misconfigured("the API key's secret needs api_key, 16 characters or more")
        return key

    return api_key


def _written(response: Response) -> dict[str, Any]:
    written = write_response(response)
    # Answers are about persons: no cache on the way may keep them.
    written["headers"] |= {"cache-control": "no-store"} | _HEADERS.get(response.status, {})
    return written
