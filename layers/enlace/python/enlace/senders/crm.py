"""Which CRM the company has: one of these, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from enlace.errors import Misconfigured
from enlace.senders.http_json import JsonHttp, bearer

if TYPE_CHECKING:
    from enlace.senders.crm_webhook import CrmWebhook
    from enlace.senders.hubspot import HubSpot
    from enlace.senders.rd_station import RdStation
    from enlace.senders.rd_tokens import TokenStore
    from enlace.senders.salesforce import Salesforce


class Secret(Protocol):
    """See :class:`enlace.aws.secrets.CachedSecret`."""

    def get(self) -> Mapping[str, Any]: ...

    def text(self, name: str) -> str: ...


def crm_named(
    name: str, base_url: str, *, secret: Secret, token_store: Callable[[], TokenStore]
) -> HubSpot | Salesforce | RdStation | CrmWebhook:
    """The adapter of a CRM.

    Parameters
    ----------
    name : str
        ``hubspot``, ``salesforce``, ``rd_station`` or ``webhook``.
    base_url : str
        Of its API; "" for the vendor's own. A webhook's whole address.
    secret : Secret
        The credentials, by the vendor's names.
    token_store : callable
        Makes what keeps refresh tokens that are for one use.

    Raises
    ------
    Misconfigured
        If there is no such adapter, or it needs an address that is missing.
    """
    # Each imports its own modules, so that a cold start pays for the chosen one only.
    if name == "hubspot":
        from enlace.senders.hubspot import BASE_URL, HubSpot

        headers = bearer(lambda: secret.text("token"))
        return HubSpot(JsonHttp("hubspot", _address(base_url or BASE_URL), headers))
    if name == "salesforce":
        return _salesforce(_address(base_url), secret)
    if name == "rd_station":
        return _rd_station(base_url, secret, token_store)
    if name == "webhook":
        from enlace.senders.crm_webhook import CrmWebhook, signed_headers

        # The receiver's whole address, to the last slash.
        _address(base_url)
        signed = signed_headers(lambda: secret.text("secret"))
        return CrmWebhook(JsonHttp("webhook", base_url, signed))
    raise Misconfigured("CRM_PROVIDER must be one of hubspot, salesforce, rd_station, webhook")


def _salesforce(address: str, secret: Secret) -> Salesforce:
    from enlace.senders.oauth import ClientCredentials
    from enlace.senders.salesforce import TOKEN_PATH, Salesforce

    token = ClientCredentials(
        JsonHttp("salesforce token", address, lambda body: {}),
        TOKEN_PATH,
        lambda: secret.text("client_id"),
        lambda: secret.text("client_secret"),
    )
    http = JsonHttp("salesforce", address, bearer(token), renew=token.drop)
    return Salesforce(http, token, lambda: str(secret.get().get("account_id") or ""))


def _rd_station(base_url: str, secret: Secret, token_store: Callable[[], TokenStore]) -> RdStation:
    import time

    from enlace.senders.rd_station import BASE_URL, RdStation
    from enlace.senders.rd_tokens import RollingTokens

    address = _address(base_url or BASE_URL)
    http = JsonHttp("rd_station token", address, lambda body: {})
    token = RollingTokens(http, token_store(), time.time)
    return RdStation(JsonHttp("rd_station", address, bearer(token), renew=token.drop), secret.text)


def _address(base_url: str) -> str:
    if not base_url.startswith(("https://", "http://")):
        raise Misconfigured("CRM_BASE_URL must be the address of the CRM or the webhook")
    return base_url.rstrip("/")
