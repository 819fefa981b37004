"""The CRM client on real sockets: what urllib3 does by itself, and must not do."""

from __future__ import annotations

import pytest

from enlace.errors import ProviderAmbiguous, ProviderRejected, ProviderUnavailable
from enlace.senders.http_json import JsonHttp
from tests.stores.loopback import loopback, status


@pytest.mark.parametrize(
    ("code", "expected"),
    [(0, ProviderAmbiguous), (502, ProviderAmbiguous), (429, ProviderUnavailable)],
)
def test_the_real_pool_repeats_nothing_by_itself(code: int, expected: type) -> None:
    with loopback(status(code)) as server:
        client = JsonHttp("crm", server.url, lambda body: {}, attempts=2, sleep=lambda s: None)
        with pytest.raises(expected):
            client("POST", "/", {"a": 1})
        assert server.requests == 2


def test_a_redirect_is_not_followed_with_the_token() -> None:
    with loopback(status(302, location="http://127.0.0.1:9/")) as server:
        client = JsonHttp("crm", server.url, lambda body: {}, sleep=lambda s: None)
        with pytest.raises(ProviderRejected):
            client("GET", "/")
        assert server.requests == 1


def test_nobody_listens() -> None:
    with loopback(status(200)) as server:
        url = server.url
    client = JsonHttp("crm", url, lambda body: {}, sleep=lambda s: None)
    with pytest.raises(ProviderUnavailable):
        client("GET", "/")
