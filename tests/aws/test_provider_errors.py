"""SES, SNS and End User Messaging: every documented error told apart."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from enlace.aws.provider_calls import NO_RETRIES, ProviderCalls
from enlace.errors import (
    ProviderAmbiguous,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from enlace.senders.ses import Ses
from enlace.senders.sms_eum import OPTED_OUT, EumSms
from tests.aws.outgoing import MAIL, calls, sms
from tests.aws.test_delivery_table import make_client
from tests.stores.loopback import loopback, status


def test_who_told_aws_to_stop_has_told_us() -> None:
    failure = eum("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT")

    with pytest.raises(ProviderRejected) as caught:
        EumSms(calls(Client(failure), "eum")).send(sms())

    assert caught.value.reason == OPTED_OUT


class Client:
    """Fails by the list, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def __getattr__(self, operation: str) -> Any:
        return self._answer

    def _answer(self, **request: Any) -> dict[str, str]:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return {"MessageId": "x"}


def refused(code: str, status: int) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "about joao@example.com"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },  # type: ignore[typeddict-item]
        "SendEmail",
    )


def eum(code: str, reason: str, status: int = 400) -> ClientError:
    """As botocore gives the members of End User Messaging's errors: beside ``Error``."""
    failure = refused(code, status)
    failure.response["Reason"] = reason  # type: ignore[typeddict-unknown-key]
    return failure


#: Every error that the service models have for the three calls, and what it is to us.
CLASSIFIED: dict[str, dict[str, type[ProviderError]]] = {
    "sesv2.SendEmail": {
        "TooManyRequestsException": ProviderUnavailable,
        "LimitExceededException": ProviderUnavailable,
        "AccountSuspendedException": ProviderUnavailable,
        "SendingPausedException": ProviderUnavailable,
        "MailFromDomainNotVerifiedException": ProviderUnavailable,
        "NotFoundException": ProviderUnavailable,
        "MessageRejected": ProviderRejected,
        "BadRequestException": ProviderRejected,
    },
    "sns.Publish": {
        "InvalidParameter": ProviderRejected,
        "ParameterValueInvalid": ProviderRejected,
        "ValidationException": ProviderRejected,
        "EndpointDisabled": ProviderRejected,
        "PlatformApplicationDisabled": ProviderUnavailable,
        "AuthorizationError": ProviderUnavailable,
        "InvalidSecurity": ProviderUnavailable,
        "NotFound": ProviderUnavailable,
        "KMSThrottling": ProviderUnavailable,
        "KMSAccessDenied": ProviderUnavailable,
        "KMSDisabled": ProviderUnavailable,
        "KMSInvalidState": ProviderUnavailable,
        "KMSNotFound": ProviderUnavailable,
        "KMSOptInRequired": ProviderUnavailable,
        "InternalError": ProviderAmbiguous,
    },
    "pinpoint-sms-voice-v2.SendTextMessage": {
        "ThrottlingException": ProviderUnavailable,
        "ServiceQuotaExceededException": ProviderUnavailable,
        "AccessDeniedException": ProviderUnavailable,
        "ResourceNotFoundException": ProviderUnavailable,
        "ConflictException": ProviderRejected,
        "ValidationException": ProviderRejected,
        "InternalServerException": ProviderAmbiguous,
    },
}


def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


@pytest.mark.parametrize("call", CLASSIFIED)
def test_every_documented_error_is_told_apart_on_purpose(call: str) -> None:
    service, operation = call.split(".")
    statuses = {}
    for shape in model(service).operation_model(operation).error_shapes:
        error = shape.metadata.get("error", {})
        # End User Messaging's model has no statuses; its protocol answers 400 and 500.
        usual = 500 if shape.name.startswith("Internal") else 400
        statuses[error.get("code", shape.name)] = error.get("httpStatusCode", usual)

    assert set(statuses) == set(CLASSIFIED[call])
    for code, status_code in statuses.items():
        with pytest.raises(ProviderError) as caught:
            calls(Client(*[refused(code, status_code)] * 3))("send_email")
        assert isinstance(caught.value, CLASSIFIED[call][code]), code
        assert "joao" not in str(caught.value)


#: The second codes that are about the set-up and not about one message or number.
MENDABLE = {
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED",
    "MESSAGE_TYPE_MISMATCH",
    "NO_ORIGINATION_IDENTITIES_FOUND",
    "NUMBER_CAPABILITIES_MISMATCH",
    "REGISTRATION_NOT_COMPLETE",
    "RESOURCE_NOT_ACTIVE",
    "CHANNEL_NOT_ENABLED",
    "INVALID_ARN",
    "RESOURCE_NOT_ACCESSIBLE",
}


@pytest.mark.parametrize("code", ["ConflictException", "ValidationException"])
def test_what_is_set_up_wrong_loses_no_message(code: str) -> None:
    reasons = model("pinpoint-sms-voice-v2").shape_for(f"{code}Reason").enum
    assert reasons
    for reason in reasons:
        with pytest.raises(ProviderError) as caught:
            calls(Client(eum(code, reason)), "eum")("send_text_message")
        expected = ProviderUnavailable if reason in MENDABLE else ProviderRejected
        assert type(caught.value) is expected, reason
        assert (caught.value.code, caught.value.reason.endswith(reason)) == (reason, True)


def test_an_identity_that_is_not_verified_is_mended_by_somebody() -> None:
    failure = refused("MessageRejected", 400)
    failure.response["Error"]["Message"] = (
        "Email address is not verified. The following identities failed: joao@example.com"
    )
    with pytest.raises(ProviderUnavailable) as caught:
        calls(Client(failure))("send_email")
    assert caught.value.reason == "ses.send_email: MessageRejected"


def test_a_second_code_that_is_a_text_stays_out_of_reasons() -> None:
    with pytest.raises(ProviderRejected) as caught:
        calls(Client(eum("ConflictException", "about joao@example.com")))("send_text_message")
    assert caught.value.reason == "ses.send_text_message: ConflictException"


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (refused("MessageRejected", 400), ProviderRejected),
        (refused("BadRequestException", 400), ProviderRejected),
        (refused("AccessDeniedException", 403), ProviderUnavailable),
        (refused("SendingPausedException", 400), ProviderUnavailable),
        (refused("InternalFailure", 500), ProviderAmbiguous),
        (refused("ServiceUnavailable", 503), ProviderAmbiguous),
        (ConnectTimeoutError(endpoint_url="x"), ProviderUnavailable),
        (EndpointConnectionError(endpoint_url="x"), ProviderUnavailable),
        (ReadTimeoutError(endpoint_url="x"), ProviderAmbiguous),
        (ConnectionClosedError(endpoint_url="x"), ProviderAmbiguous),
    ],
)
def test_one_call_and_its_error_told_apart(failure: Exception, expected: type) -> None:
    client = Client(failure)
    with pytest.raises(expected) as caught:
        calls(client)("send_email")
    assert type(caught.value) is expected
    assert client.calls == 1
    assert "joao" not in str(caught.value) and caught.value.__cause__ is None


@pytest.mark.parametrize(
    "failure", [refused("ThrottlingException", 400), refused("TooManyRequestsException", 429)]
)
def test_throttling_alone_is_repeated_and_bounded(failure: Exception) -> None:
    waits: list[float] = []
    client = Client(failure, failure)
    call = ProviderCalls(client, "ses", sleep=waits.append)
    assert call("send_email") == {"MessageId": "x"}
    assert client.calls == 3 and len(waits) == 2 and all(0 < wait < 1 for wait in waits)
    client = Client(*[failure] * 5)
    with pytest.raises(ProviderUnavailable):
        ProviderCalls(client, "ses", sleep=waits.append)("send_email")
    assert client.calls == 3


@pytest.mark.parametrize(
    ("code", "expected"),
    [(500, ProviderAmbiguous), (0, ProviderAmbiguous), (429, ProviderUnavailable)],
)
def test_botocore_itself_repeats_nothing(code: int, expected: type) -> None:
    """The real client on a socket: one request on the wire for each of our calls."""
    with loopback(status(code)) as server:
        client = make_client("sesv2", endpoint_url=server.url, config=NO_RETRIES)
        with pytest.raises(expected):
            Ses(ProviderCalls(client, "ses", attempts=1), sender="sac@example.com").send(MAIL)
        assert server.requests == 1
