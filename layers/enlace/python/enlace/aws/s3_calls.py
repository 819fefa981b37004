"""Calls to one bucket, whose failures are ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.errors import TemporaryFailure


class S3Calls:
    """Calls.

    Parameters
    ----------
    make_client : callable
        Makes the botocore S3 client at the first use.
    bucket : str
    """

    def __init__(self, make_client: Callable[[], Any], bucket: str):
        self._make_client = make_client
        self._client: Any = None
        self.bucket = bucket

    @property
    def client(self) -> Any:
        """The client itself."""
        if self._client is None:
            self._client = self._make_client()
        return self._client

    def __call__(self, operation: str, *fine: str, **parameters: Any) -> dict[str, Any]:
        """Make one.

        Parameters
        ----------
        operation : str
            As botocore calls it.
        fine : str
            Codes of errors that are as good as an empty answer.

        Raises
        ------
        TemporaryFailure
            If the service did not do it.
        """
        try:
            answer: dict[str, Any] = getattr(self.client, operation)(
                Bucket=self.bucket, **parameters
            )
            return answer
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if code in fine:
                return {}
            raise TemporaryFailure(f"s3.{operation}: {code}") from error
        except BotoCoreError as error:
            raise TemporaryFailure(f"s3.{operation}: {type(error).__name__}") from error
