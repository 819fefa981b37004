"""A JSON secret of Secrets Manager, kept in memory for a while.

Fetching it for every request would add a second AWS call to each webhook.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.errors import Misconfigured, TemporaryFailure

TTL_SECONDS = 300
REFETCH_SECONDS = 60


class CachedSecret:
    """One secret, read again every :data:`TTL_SECONDS`.

    Parameters
    ----------
    make_client : callable
        Makes the botocore Secrets Manager client at the first need, which keeps
        that client's cost out of the import.
    secret_id : str
        Name or ARN.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        make_client: Callable[[], Any],
        secret_id: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._make_client = make_client
        self._secret_id = secret_id
        self._clock = clock
        self._client: Any = None
        self._value: dict[str, Any] | None = None
        self._fetched_at = 0.0

    def get(self) -> Mapping[str, Any]:
        """The secret, at most :data:`TTL_SECONDS` old while the store answers.

        Raises
        ------
        TemporaryFailure
            If it was never read and the store does not answer.
        Misconfigured
            If it is no JSON object.
        """
        if self._value is None or self._clock() - self._fetched_at >= TTL_SECONDS:
            try:
                self._fetch()
            except TemporaryFailure:
                # An outage of the store must not stop webhooks that can be verified.
                if self._value is None:
                    raise
                self._fetched_at = self._clock() - TTL_SECONDS + REFETCH_SECONDS
        if self._value is None:
            raise TemporaryFailure("the secret is not there")
        return self._value

    def text(self, name: str) -> str:
        """One named text of the secret.

        Raises
        ------
        TemporaryFailure, Misconfigured
            As :meth:`get`; also if the secret does not hold it.
        """
        value = self.get().get(name)
        if not isinstance(value, str) or not value:
            raise Misconfigured(f"the secret lacks {name}")
        return value

    def refetch(self) -> Mapping[str, Any] | None:
        """The secret from the store, for a signature that does not fit: it may have rotated.

        Returns
        -------
        mapping or None
            None within :data:`REFETCH_SECONDS` of the last reading, so that forged
            requests cannot turn into calls to the store, and while it fails.
        """
        if self._value is not None and self._clock() - self._fetched_at < REFETCH_SECONDS:
            return None
        try:
            self._fetch()
        except TemporaryFailure:
            return None
        return self._value

    def _fetch(self) -> None:
        if self._client is None:
            self._client = self._make_client()
        try:
            text = self._client.get_secret_value(SecretId=self._secret_id)["SecretString"]
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise TemporaryFailure(f"the secret cannot be read: {code}") from error
        except BotoCoreError as error:
            raise TemporaryFailure(f"the secret cannot be read: {type(error).__name__}") from error
        except KeyError:
            raise Misconfigured("the channel's secret is not text") from None
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Misconfigured("the channel's secret is not a JSON object")
        self._value = value
        self._fetched_at = self._clock()
