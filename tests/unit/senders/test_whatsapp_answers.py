"""What Meta's answers mean: try again, another channel, or never."""

from __future__ import annotations

from typing import Any

import pytest
import urllib3
from pywa import errors as pywa_errors

from enlace.errors import (
    Misconfigured,
    ProviderAmbiguous,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from enlace.senders.http_json import JsonHttp, bearer
from enlace.senders.whatsapp import OPTED_OUT, WhatsApp
from tests.unit.senders.graph import (
    IN_WINDOW,
    NOW,
    NUMBER_ID,
    Graph,
    provider,
)


def outcome(status: int, body: Any = None, failure: Exception | None = None) -> ProviderError:
    graph = Graph(status, body, failure)
    with pytest.raises(ProviderError) as caught:
        provider(graph).send(IN_WINDOW)
    # There is no key by which Meta would know a repetition: whatever may have
    # been done is not done again.
    if not isinstance(caught.value, ProviderUnavailable):
        assert len(graph.requests) == 1
    return caught.value


def error(code: Any, **more: Any) -> dict[str, Any]:
    text = "message to +5511987650001 failed"
    return {"error": {"message": text, "type": "OAuthException", "code": code, **more}}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 131026, ProviderRejected),
        (400, 131047, ProviderRejected),
        (400, 131049, ProviderRejected),
        (400, 131062, ProviderRejected),
        (400, 130472, ProviderRejected),
        (404, 132001, ProviderRejected),
        (400, 132000, ProviderRejected),
        (400, 132015, ProviderRejected),
        (400, 100, ProviderRejected),
        (400, 131030, ProviderRejected),
        (403, 130497, ProviderRejected),
        (400, 130429, ProviderUnavailable),
        (400, 131048, ProviderUnavailable),
        (400, 131056, ProviderUnavailable),
        (400, 80007, ProviderUnavailable),
        (401, 190, ProviderUnavailable),
        (403, 10, ProviderUnavailable),
        (403, 200, ProviderUnavailable),
        (403, 368, ProviderUnavailable),
        (400, 131042, ProviderUnavailable),
        (500, 131016, ProviderUnavailable),
        (500, 131000, ProviderAmbiguous),
        (503, 2, ProviderAmbiguous),
    ],
)
def test_meta_s_codes_say_whether_to_try_again(
    status: int, code: int, kind: type[ProviderError]
) -> None:
    found = outcome(status, error(code))
    assert type(found) is kind
    assert found.reason == f"whatsapp: error {code}"


def test_who_stopped_marketing_is_named_as_such_and_never_tried_again() -> None:
    found = outcome(400, error(131050))
    assert type(found) is ProviderRejected and found.reason == OPTED_OUT


def test_a_wrong_number_id_is_ours_to_mend_and_not_the_message_s_fault() -> None:
    # Graph says "Object does not exist, or lacks permissions", with status 400.
    assert type(outcome(400, error(100, error_subcode=33))) is ProviderUnavailable


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, "<html>", ProviderAmbiguous),
        (502, {}, ProviderAmbiguous),
        (408, {}, ProviderAmbiguous),
        (429, {}, ProviderUnavailable),
        (401, {"error": "no object"}, ProviderUnavailable),
        (404, {}, ProviderUnavailable),
        (302, {}, ProviderUnavailable),
        (400, error("text"), ProviderRejected),
        (413, {}, ProviderRejected),
        (200, {"messages": []}, ProviderAmbiguous),
        (200, {"messages": None}, ProviderAmbiguous),
        (200, [], ProviderAmbiguous),
    ],
)
def test_without_a_code_the_status_says_it(status: int, body: Any, kind: type) -> None:
    assert type(outcome(status, body)) is kind


def test_a_lost_answer_is_ambiguous_and_a_call_that_never_was_is_not() -> None:
    lost = urllib3.exceptions.ReadTimeoutError(None, "", "x")  # type: ignore[arg-type]
    unreached = urllib3.exceptions.NewConnectionError(None, "x")  # type: ignore[arg-type]
    assert type(outcome(0, failure=lost)) is ProviderAmbiguous
    assert type(outcome(0, failure=unreached)) is ProviderUnavailable


def test_without_a_token_nothing_was_sent() -> None:
    def token() -> str:
        raise Misconfigured("the secret lacks access_token")

    graph: Any = Graph()
    http = JsonHttp("whatsapp", "https://graph.example", bearer(token), pool=graph)
    with pytest.raises(ProviderUnavailable):
        WhatsApp(http, NUMBER_ID, now=lambda: NOW).send(IN_WINDOW)
    assert graph.requests == []


def codes_of(family: type[pywa_errors.WhatsAppError]) -> set[int]:
    return {code for kind in family.__subclasses__() for code in kind.__error_codes__ or ()}


def test_pywa_s_families_of_errors_are_ours() -> None:
    """Throttling and rights may pass; of integrity only a restricted country does not."""
    later = codes_of(pywa_errors.ThrottlingError) | codes_of(pywa_errors.AuthorizationError)
    later |= codes_of(pywa_errors.IntegrityError) - {130497}
    assert {130429, 131048, 131056, 190, 368} <= later
    for code in later:
        assert type(outcome(400, error(code))) is ProviderUnavailable, code
    for code in codes_of(pywa_errors.SendMessageError):
        assert type(outcome(400, error(code))) in (ProviderRejected, ProviderUnavailable), code


def test_no_reason_quotes_what_meta_said() -> None:
    for status, code in ((400, 131026), (500, 1), (401, 190), (400, "x")):
        assert "5511" not in outcome(status, error(code)).reason
