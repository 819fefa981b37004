"""Each CRM's adapter with its fake, wired as the function wires it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from enlace.senders.crm_webhook import CrmWebhook, signed_headers
from enlace.senders.erase_hubspot import ErasingHubSpot
from enlace.senders.erase_rd_station import ErasingRdStation
from enlace.senders.erase_salesforce import ErasingSalesforce
from enlace.senders.erase_webhook import ErasingWebhook
from enlace.senders.http_json import JsonHttp, bearer
from enlace.senders.hubspot import HubSpot
from enlace.senders.oauth import ClientCredentials
from enlace.senders.rd_station import RdStation
from enlace.senders.rd_tokens import RollingTokens
from enlace.senders.salesforce import TOKEN_PATH, Salesforce
from enlace.usecases.crm_ports import Crm
from enlace.usecases.erase_crm import ErasingCrm
from tests.unit.senders.crm_fake import FakeCrm, Response
from tests.unit.senders.hubspot_fake import FakeHubSpot
from tests.unit.senders.rd_station_fake import FakeRdStation
from tests.unit.senders.salesforce_fake import FakeSalesforce
from tests.unit.senders.webhook_fake import SECRET, FakeReceiver

URL = "https://api.example.com"
SETTINGS = {"pipeline_id": "p-1", "stage_id": "s-1", "user_id": "u-1"}


def http(
    fake: Any,
    headers: Callable[[bytes], Mapping[str, str]] = lambda body: {},
    **options: Any,
) -> JsonHttp:
    return JsonHttp("crm", URL, headers, pool=fake, sleep=lambda seconds: None, **options)


class MemoryTokens:
    """The secret of RD Station, and the claim of renewing it."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {
            "client_id": "id",
            "client_secret": "secret",
            "refresh_token": "r-0",
        }
        self.claimed = False

    def read(self) -> Mapping[str, Any]:
        return dict(self.values)

    def claim(self) -> bool:
        mine, self.claimed = not self.claimed, True
        return mine

    def save(self, tokens: Mapping[str, Any]) -> None:
        self.values |= tokens
        self.claimed = False


def hubspot(fake: FakeHubSpot) -> Crm:
    return HubSpot(http(fake, bearer(lambda: "token")))


def webhook(fake: FakeReceiver) -> Crm:
    return CrmWebhook(http(fake, signed_headers(lambda: SECRET)))


def salesforce(fake: FakeSalesforce) -> Crm:
    tokens = http(Reliable(fake))
    token = ClientCredentials(tokens, TOKEN_PATH, lambda: "id", lambda: "secret")
    return Salesforce(http(fake, bearer(token), renew=token.drop), token)


def rd_station(
    fake: FakeRdStation, store: MemoryTokens | None = None, clock: Callable[[], float] = lambda: 0.0
) -> Crm:
    token = RollingTokens(http(Reliable(fake)), store or MemoryTokens(), clock)
    return RdStation(http(fake, bearer(token), renew=token.drop), SETTINGS.__getitem__)


class Reliable:
    """The token endpoint without the ordered faults, which are for the CRM's calls."""

    def __init__(self, fake: FakeCrm):
        self._fake = fake

    def request(self, method: str, url: str, *, body: bytes, headers: Any, redirect: bool) -> Any:
        status, answer = self._fake.handle(method, url, body, headers)
        return Response(status, json.dumps(answer).encode())


def erasing(crm: Crm) -> ErasingCrm:
    """The same adapter, with what erasing takes, as :mod:`enlace.senders.crm` makes it."""
    kinds: dict[str, Any] = {
        "hubspot": ErasingHubSpot,
        "salesforce": ErasingSalesforce,
        "rd_station": ErasingRdStation,
        "webhook": ErasingWebhook,
    }
    made = object.__new__(kinds[crm.name])
    made.__dict__.update(crm.__dict__)
    return cast(ErasingCrm, made)


PROVIDERS: dict[str, tuple[Callable[[], Any], Callable[[Any], Crm]]] = {
    "hubspot": (FakeHubSpot, hubspot),
    "salesforce": (FakeSalesforce, salesforce),
    "rd_station": (FakeRdStation, rd_station),
    "webhook": (FakeReceiver, webhook),
}
