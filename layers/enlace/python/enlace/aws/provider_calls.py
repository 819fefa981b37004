"""Calls to AWS services that send things, with their errors told apart.

For a message, "it failed" is not enough: whether the service certainly did
nothing, will never do it, or may have done it decides about sending again.
botocore's own retries repeat a call whose answer was lost, which sends an SMS or
an e-mail twice, so such a client has them off (:data:`NO_RETRIES`) and only
throttling, which certainly did nothing, is repeated here.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from enlace.aws.clients import session
from enlace.errors import ProviderAmbiguous, ProviderRejected, ProviderUnavailable

#: For clients of providers: connect 2 s, read 5 s, one attempt.
NO_RETRIES = Config(
    connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1, "mode": "standard"}
)


def provider_client(service: str) -> Any:
    """A client of ``service`` with :data:`NO_RETRIES`, for the environment's region."""
    return session().create_client(service, config=NO_RETRIES)


#: Certainly nothing was done, and it may be at once: the only ones that are repeated here.
_THROTTLED = frozenset(
    [
        "KMSThrottling",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ]
)
#: Refusals that a person can mend, after which the same message is good again:
#: it goes to the dead-letter queue and can be redriven, instead of being lost.
_MENDABLE = frozenset(
    [
        # Credentials, rights, clocks, the account.
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "MissingAuthenticationToken",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        # Limits and stops of the account.
        "AccountSuspendedException",
        "LimitExceededException",
        "SendingPausedException",
        "ServiceQuotaExceededException",
        # What should have been set up.
        "ConfigurationSetDoesNotExist",
        "KMSAccessDenied",
        "KMSDisabled",
        "KMSInvalidState",
        "KMSNotFound",
        "KMSOptInRequired",
        "MailFromDomainNotVerifiedException",
        "NotFound",
        "NotFoundException",
        "PlatformApplicationDisabled",
        "ResourceNotFoundException",
    ]
)
#: The same, of codes that say too little: the detail that the service gives with them.
#: What is set up wrong stops every message; what is about this one number does not.
_MENDABLE_DETAILS = {
    "ConflictException": frozenset(
        [
            "DESTINATION_PHONE_NUMBER_NOT_VERIFIED",
            "MESSAGE_TYPE_MISMATCH",
            "NO_ORIGINATION_IDENTITIES_FOUND",
            "NUMBER_CAPABILITIES_MISMATCH",
            "REGISTRATION_NOT_COMPLETE",
            "RESOURCE_NOT_ACTIVE",
        ]
    ),
    "ValidationException": frozenset(
        ["CHANNEL_NOT_ENABLED", "INVALID_ARN", "RESOURCE_NOT_ACCESSIBLE"]
    ),
}


class ProviderCalls:
    """One client's operations, raising the provider errors of ours.

    Parameters
    ----------
    client
        A botocore client made with :data:`NO_RETRIES`.
    name : str
        For error texts.
    attempts : int
        How often a throttled call is made in all.
    sleep, uniform : callable
        Waiting (seconds) and the jitter's source.
    """

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        attempts: int = 3,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ):
        self._client = client
        self._name = name
        self._attempts = attempts
        self._sleep = sleep
        self._uniform = uniform

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make a call.

        Raises
        ------
        ProviderUnavailable, ProviderRejected, ProviderAmbiguous
            With the provider, operation and error code.
        """
        where = f"{self._name}.{operation}"
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(self._uniform(0.05, 0.2 * 2**attempt))
            try:
                answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
                return answer
            except ClientError as error:
                # `from None`: the services quote addresses in their messages.
                failure = _refusal(error, where)
                if not isinstance(failure, _Throttled):
                    raise failure from None
            except (ConnectTimeoutError, EndpointConnectionError, NoCredentialsError) as error:
                raise ProviderUnavailable(f"{where}: {type(error).__name__}") from None
            except ParamValidationError:
                raise ProviderRejected(f"{where}: invalid request") from None
            except BotoCoreError as error:
                raise ProviderAmbiguous(f"{where}: {type(error).__name__}") from None
        raise ProviderUnavailable(f"{where}: throttled")


_CODE = re.compile(r"[A-Z_]{1,80}\Z")


class _Throttled(ProviderUnavailable):
    pass


def _refusal(
    error: ClientError, where: str
) -> ProviderUnavailable | ProviderRejected | ProviderAmbiguous:
    response: dict[str, Any] = error.response  # type: ignore[assignment]
    code = response.get("Error", {}).get("Code", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    detail = _detail(response)
    reason = f"{where}: {code} {detail}".rstrip()
    if code in _THROTTLED or status == 429:
        return _Throttled(reason, code=detail or code)
    if _is_mendable(code, detail, response) or status in (401, 403):
        return ProviderUnavailable(reason, code=detail or code)
    if 400 <= status < 500:
        return ProviderRejected(reason, code=detail or code)
    # A server error may come after the work was done.
    return ProviderAmbiguous(reason, code=detail or code)


def _is_mendable(code: str, detail: str, response: dict[str, Any]) -> bool:
    if code in _MENDABLE or detail in _MENDABLE_DETAILS.get(code, ()):
        return True
    # SES refuses content and an identity that is not verified by one and the same code.
    text = response.get("Error", {}).get("Message", "")
    return code == "MessageRejected" and "not verified" in text


def _detail(response: dict[str, Any]) -> str:
    """End User Messaging's second code; only a word of capitals, never a text."""
    detail = response.get("Reason")
    return detail if isinstance(detail, str) and _CODE.match(detail) else ""
