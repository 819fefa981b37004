"""Which CRM the company has: one of these, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from enlace.errors import Misconfigured
from enlace.senders.http_json import JsonHttp, bearer

if TYPE_CHECKING:
    from enlace.senders.crm_webhook import CrmWebhook
    from enlace.senders.erase_hubspot import ErasingHubSpot
    from enlace.senders.erase_rd_station import ErasingRdStation
    from enlace.senders.erase_salesforce import ErasingSalesforce
    from enlace.senders.erase_webhook import ErasingWebhook
    from enlace.senders.hubspot import HubSpot
    from enlace.senders.rd_station import RdStation
    from enlace.senders.rd_tokens import TokenStore
    from enlace.senders.salesforce import Salesforce


class Secret(Protocol):
    """See :class:`enlace.aws.secrets.CachedSecret`."""

    def get(self) -> Mapping[str, Any]: ...

    def text(self, name: str) -> str: ...


def crm_named(
    name: str,
    base_url: str,
    *,
    secret: Secret,
    token_store: Callable[[], TokenStore],
    erasing: bool = False,
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
    erasing : bool
        An adapter that can erase, too: :class:`enlace.usecases.erase_crm.ErasingCrm`.

    Raises
    ------
    Misconfigured
        If there is no such adapter, or it needs an address that is missing.
    """
    # Each imports its own modules, so that a cold start pays for the chosen one only.
    if name == "hubspot":
        from enlace.senders.hubspot import BASE_URL, HubSpot

        headers = bearer(lambda: secret.text("token"))
        http = JsonHttp("hubspot", _address(base_url or BASE_URL), headers)
        if erasing:
            from enlace.senders.erase_hubspot import ErasingHubSpot

            return ErasingHubSpot(http)
        return HubSpot(http)
    if name == "salesforce":
        return _salesforce(_address(base_url), secret, erasing)
    if name == "rd_station":
        return _rd_station(base_url, secret, token_store, erasing)
    if name == "webhook":
        from enlace.senders.crm_webhook import CrmWebhook, signed_headers

        # The receiver's whole address, to the last slash.
        _address(base_url)
        signed = signed_headers(lambda: secret.text("secret"))
        http = JsonHttp("webhook", base_url, signed)
        if erasing:
            from enlace.senders.erase_webhook import ErasingWebhook

            return ErasingWebhook(http)
        return CrmWebhook(http)
    raise Misconfigured("CRM_PROVIDER must be one of hubspot, salesforce, rd_station, webhook")


def is_set_up(name: str, base_url: str) -> bool:
    """Whether there is a CRM at all: two of them have no address of their own."""
    return bool(base_url) or name not in ("salesforce", "webhook")


def erasing_crm_named(
    name: str, base_url: str, *, secret: Secret, token_store: Callable[[], TokenStore]
) -> ErasingHubSpot | ErasingSalesforce | ErasingRdStation | ErasingWebhook:
    """The same for an erasure."""
    crm: Any = crm_named(name, base_url, secret=secret, token_store=token_store, erasing=True)
    return cast("ErasingHubSpot | ErasingSalesforce | ErasingRdStation | ErasingWebhook", crm)


def _salesforce(address: str, secret: Secret, erasing: bool) -> Salesforce:
    from enlace.senders.oauth import ClientCredentials
    from enlace.senders.salesforce import TOKEN_PATH, Salesforce

    token = ClientCredentials(
        JsonHttp("salesforce token", address, lambda body: {}),
        TOKEN_PATH,
        lambda: secret.text("client_id"),
        lambda: secret.text("client_secret"),
    )
    http = JsonHttp("salesforce", address, bearer(token), renew=token.drop)
    if erasing:
        from enlace.senders.erase_salesforce import ErasingSalesforce

        return ErasingSalesforce(http, token)
    return Salesforce(http, token, lambda: str(secret.get().get("account_id") or ""))


def _rd_station(
    base_url: str, secret: Secret, token_store: Callable[[], TokenStore], erasing: bool
) -> RdStation:
    import time

    from enlace.senders.rd_station import BASE_URL, RdStation
    from enlace.senders.rd_tokens import RollingTokens

    address = _address(base_url or BASE_URL)
    tokens = JsonHttp("rd_station token", address, lambda body: {})
    token = RollingTokens(tokens, token_store(), time.time)
    http = JsonHttp("rd_station", address, bearer(token), renew=token.drop)
    if erasing:
        from enlace.senders.erase_rd_station import ErasingRdStation

        return ErasingRdStation(http, secret.text)
    return RdStation(http, secret.text)


def _address(base_url: str) -> str:
    if not base_url.startswith(("https://", "http://")):
        raise Misconfigured("CRM_BASE_URL must be the address of the CRM or the webhook")
    return base_url.rstrip("/")
