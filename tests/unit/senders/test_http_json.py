"""What is repeated, what is waited for, and what comes out of it."""

from __future__ import annotations

from typing import Any

import pytest
import urllib3

from enlace.errors import (
    Misconfigured,
    ProviderAmbiguous,
    ProviderRejected,
    ProviderUnavailable,
    TemporaryFailure,
)
from enlace.senders.http_json import JsonHttp, bearer
from enlace.senders.hubspot import HubSpot
from tests.unit.senders.hubspot_fake import FakeHubSpot, Response

TIMEOUT = urllib3.exceptions.ReadTimeoutError(None, "", "secret joao@example.com")  # type: ignore[arg-type]
REFUSED = urllib3.exceptions.NewConnectionError(None, "x")  # type: ignore[arg-type]


class Pool:
    """Answers by the list: a status, headers with it, or an exception."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls = 0

    def request(self, *arguments: Any, **options: Any) -> Response:
        self.calls += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        code, headers = answer if isinstance(answer, tuple) else (answer, {})
        return Response(code, b'{"category": "VALIDATION_ERROR", "message": "joao"}', headers)


def http(pool: Any, waits: list[float] | None = None) -> JsonHttp:
    waits = [] if waits is None else waits
    return JsonHttp("crm", "https://x.example", lambda body: {}, pool=pool, sleep=waits.append)


@pytest.mark.parametrize("failure", [500, 503, 429, TIMEOUT, REFUSED])
def test_what_may_pass_is_repeated_with_jitter(failure: Any) -> None:
    waits: list[float] = []
    pool = Pool(failure, failure, 200)
    assert http(pool, waits)("GET", "/").status == 200
    assert pool.calls == 3 and all(0 < wait < 1 for wait in waits)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (500, ProviderAmbiguous),
        (TIMEOUT, ProviderAmbiguous),
        (429, ProviderUnavailable),
        (REFUSED, ProviderUnavailable),
    ],
)
def test_repeating_is_bounded(failure: Any, expected: type) -> None:
    pool = Pool(*[failure] * 9)
    with pytest.raises(expected) as caught:
        http(pool)("GET", "/")
    assert pool.calls == 3
    assert "joao" not in str(caught.value)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(400, ProviderRejected), (422, ProviderRejected), (401, ProviderUnavailable),
     (403, ProviderUnavailable), (301, ProviderRejected)],
)  # fmt: skip
def test_refusals_are_not_repeated(failure: int, expected: type) -> None:
    pool = Pool(failure)
    with pytest.raises(expected) as caught:
        http(pool)("GET", "/")
    assert pool.calls == 1
    assert "joao" not in str(caught.value)


@pytest.mark.parametrize("failure", [500, TIMEOUT])
def test_what_is_not_the_same_twice_is_not_repeated_in_doubt(failure: Any) -> None:
    pool = Pool(failure)
    with pytest.raises(ProviderAmbiguous):
        http(pool)("POST", "/", {}, repeatable=False)
    assert pool.calls == 1
    pool = Pool(429, 200)
    assert http(pool)("POST", "/", {}, repeatable=False).status == 200


def test_retry_after_is_kept_up_to_a_bound() -> None:
    waits: list[float] = []
    http(Pool((429, {"retry-after": "1"}), 200), waits)("GET", "/")
    assert waits == [1.0]
    pool = Pool((429, {"retry-after": "60"}))
    with pytest.raises(ProviderUnavailable):
        http(pool)("GET", "/")
    assert pool.calls == 1


def test_properties_are_made_in_a_new_account_once() -> None:
    hubspot = FakeHubSpot(provisioned=False)
    client = JsonHttp(
        "hubspot", "https://x.example", bearer(lambda: "t"), pool=hubspot, sleep=lambda s: None
    )  # type: ignore[arg-type]
    from enlace.domain.crm import Contact

    for _ in range(2):
        HubSpot(client).upsert_contact(Contact("c-1"))
    paths = [path for _, path in hubspot.calls]
    assert paths.count("/crm/v3/properties/contacts/batch/create") == 1
    assert len(hubspot.contacts) == 1
    assert all(headers["authorization"] == "Bearer t" for headers in hubspot.headers)


@pytest.mark.parametrize(
    "answer",
    [
        {"numErrors": 1, "errors": [{"category": "OBJECT_NOT_FOUND"}]},
        {"results": []},
        {"results": [{"id": "1"}, {"id": "2"}]},
    ],
)
def test_an_error_inside_a_success_is_an_error(answer: dict[str, Any]) -> None:
    import json

    from enlace.domain.crm import Contact

    class Odd(Pool):
        def request(self, *arguments: Any, **options: Any) -> Response:
            return Response(207, json.dumps(answer).encode())

    with pytest.raises(ProviderRejected):
        HubSpot(http(Odd())).upsert_contact(Contact("c-1"))


@pytest.mark.parametrize("failure", [Misconfigured("no token"), TemporaryFailure("no answer")])
def test_without_its_token_nothing_is_called_and_a_sender_may_try_again(failure: Exception) -> None:
    def token() -> str:
        raise failure

    pool = Pool(200)
    with pytest.raises(ProviderUnavailable):
        JsonHttp("crm", "https://x.example", bearer(token), pool=pool)("POST", "/", {})
    assert pool.calls == 0
