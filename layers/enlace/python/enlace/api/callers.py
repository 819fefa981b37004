"""Who calls, and what they may do.

The HTTP API's own authorizer has verified the token's signature, issuer, audience
and times before the function runs (API Gateway developer guide, "Control access
to HTTP APIs with JWT authorizers"); here its claims become roles. The laptop
stack has no issuer, so there a key in ``x-api-key`` stands for every role.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from enlace.api.problems import Refused
from enlace.domain.http import Request
from enlace.domain.interaction import LEVELS

AGENT, MARKETING, PRIVACY, ADMIN = "agent", "marketing", "privacy", "admin"
ROLES = frozenset({AGENT, MARKETING, PRIVACY, ADMIN})

#: Claims that may hold the roles, the first one present counts.
_ROLE_CLAIMS = ("roles", "cognito:groups", "scope")
_WORDS = re.compile(r"[\s,\[\]]+")


@dataclass(frozen=True, slots=True)
class Caller:
    """A known caller.

    Parameters
    ----------
    id : str
        The token's subject, for logs and for the log of decisions.
    roles : frozenset of str
        Some of :data:`ROLES`.
    """

    id: str
    roles: frozenset[str]

    def levels(self) -> Collection[str]:
        """What the caller may assert of identifiers.

        Possession is what disclosure rests on: only a system that runs as ``admin``
        (a shop that signed its customer in) may say ``proven``.
        """
        return LEVELS if ADMIN in self.roles else LEVELS[:2]


class Callers:
    """Tells callers apart.

    Parameters
    ----------
    api_key : callable, optional
        Gives the key of the laptop stack.
    issuer : str, optional
        The only issuer whose claims count.
    roles_claim : str, optional
        The claim that holds the roles, where it is none of the usual ones.
    """

    def __init__(
        self,
        api_key: Callable[[], str] | None = None,
        *,
        issuer: str | None = None,
        roles_claim: str | None = None,
    ):
        self._api_key = api_key
        self._issuer = issuer
        self._role_claims = (roles_claim,) if roles_claim else _ROLE_CLAIMS

    def identify(self, request: Request, claims: Mapping[str, Any] | None) -> Caller:
        """The caller of a request.

        Parameters
        ----------
        claims : mapping or None
            As the API's authorizer verified them.

        Raises
        ------
        Refused
            401, if it brings neither claims nor the key.
        TemporaryFailure
            If the key cannot be read.
        """
        given = request.headers.get("x-api-key")
        if self._api_key is not None and given is not None:
            # Equal time for every wrong key: it must not be found character by character.
            if hmac.compare_digest(self._api_key().encode(), given.encode("utf-8", "replace")):
                return Caller("api-key", ROLES)
            raise Refused(401, "the API key is not valid")
        if not claims:
            raise Refused(401, "credentials are missing")
        if self._issuer and claims.get("iss") != self._issuer:
            raise Refused(401, "the token is of another issuer")
        return Caller(str(claims.get("sub") or claims.get("client_id") or ""), self._roles(claims))

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[str]:
        claim = next((claims[name] for name in self._role_claims if name in claims), "")
        # The HTTP API hands a list on as text: "[agent marketing]".
        words = map(str, claim) if isinstance(claim, list) else _WORDS.split(str(claim))
        # A scope carries its resource server's name before it: "enlace/agent".
        return ROLES & {word.removeprefix("enlace/") for word in words}


def require(caller: Caller, roles: Collection[str]) -> None:
    """Refuse a caller who has none of ``roles``.

    Raises
    ------
    Refused
        403, naming the roles that would do.
    """
    if caller.roles.isdisjoint(roles):
        raise Refused(403, f"needs one of the roles {', '.join(sorted(roles))}")
