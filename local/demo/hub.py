"""The running stack as the outside world sees it.

Vendors post signed webhooks, customers write e-mails, operators call the API; what the company
sent is read from the emulator's record and from the sinks of the CRM and of WhatsApp.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

from local import stack
from local.settings import LocalError
from local.sign import Signed, sign

TIMEOUT_SECONDS = 60.0
#: Longest wait for anything to arrive: a second or two is usual, more while functions start.
WAIT_SECONDS = 120.0
#: What a vendor does with an answer that asks it to come again.
ATTEMPTS = 5

T = TypeVar("T")


class NotArrived(LocalError):
    """Something that the stack owes did not come in time."""


class Hub:
    """A client of the running stack.

    Parameters
    ----------
    document : mapping
        ``stack.json``.
    """

    def __init__(self, document: Mapping[str, Any]):
        self.document = document
        parts = urlsplit(document["api_url"])
        self._host, self._base = parts.netloc, parts.path.rstrip("/")
        self._local = threading.local()

    def signed(self, channel: str, payload: Any) -> Signed:
        """A request of a vendor, signed with the stack's secret."""
        return sign(channel, payload, self.document["webhook_secrets"])

    def post(self, request: Signed) -> int:
        """Deliver a request as vendors do, again where the stack asks for it; gives the status.

        Raises
        ------
        LocalError
            If the stack refuses it, or does not answer.
        """
        method, path, headers, body = request
        status, text = 0, ""
        for attempt in range(ATTEMPTS):
            time.sleep(0.5 * attempt)
            status, text = self._call(method, path, headers, body)
            if status < 500 and status != 429:
                break
        if status not in (200, 202):
            raise LocalError(f"{path} answered {status}: {text[:200]}")
        return status

    def webhook(self, channel: str, payload: Any) -> int:
        """Sign a payload as its vendor would, and deliver it."""
        return self.post(self.signed(channel, payload))

    def mail(self, key: str, raw: bytes, notification: Mapping[str, Any]) -> None:
        """An inbound e-mail, as SES does it: the message to S3, then a notification by SNS.

        Parameters
        ----------
        key
            Of the stored message.
        raw
            The message.
        notification
            What SES says of it; where it is stored is filled in.
        """
        mail = self.document["mail"]
        self._s3.put_object(Bucket=mail["bucket"], Key=key, Body=raw)
        action = {"type": "S3", "bucketName": mail["bucket"], "objectKey": key}
        body = {**notification, "receipt": {**notification["receipt"], "action": action}}
        self._sns.publish(TopicArn=mail["topic_arn"], Message=json.dumps(body))

    def api(self, method: str, path: str, body: Any = None, *, expected: int = 200) -> Any:
        """Call the HTTP API with the stack's key.

        Raises
        ------
        LocalError
            If it answers with another status than ``expected``.
        """
        status, answer = self.ask(method, path, body)
        if status != expected:
            reason = answer.get("detail") or answer.get("title") or answer
            raise LocalError(f"{method} {path} answered {status}: {str(reason)[:200]}")
        return answer

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the HTTP API with the stack's key; gives status and answer."""
        headers = {"x-api-key": self.document["api_key"], "content-type": "application/json"}
        payload = None if body is None else json.dumps(body).encode()
        status, text = self._call(method, path, headers, payload)
        return status, json.loads(text) if text else {}

    def customer(self, kind: str, value: str) -> dict[str, Any] | None:
        """The customer behind an identifier; None where it is unknown."""
        query = {"kind": kind, "value": value}
        status, answer = self.ask("POST", "/v1/customers/lookup", query)
        if status == 404:
            return None
        if status != 200:
            raise LocalError(f"the look-up answered {status}: {str(answer)[:200]}")
        return dict(answer)

    def context(self, kind: str, value: str, audience: str) -> dict[str, Any]:
        """What an agent or the customer's own side learns at the start of a contact."""
        point = {"kind": kind, "value": value}
        return dict(self.api("POST", "/v1/context", {"contact_point": point, "audience": audience}))

    def timeline(self, customer_id: str) -> list[dict[str, Any]]:
        """All interactions of a customer, newest first."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            path = f"/v1/customers/{customer_id}/timeline?limit=100{cursor}"
            page = self.api("GET", path)
            found += page["items"]
            if not page.get("next_cursor"):
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def crm(self, what: str) -> list[dict[str, Any]]:
        """What the CRM holds: ``contacts``, ``engagements`` or ``merges``."""
        return _shown(self.document["crm_url"], what)

    def whatsapp_sent(self) -> list[dict[str, Any]]:
        """WhatsApp messages that were sent, as Meta took them, each with its ``id``."""
        return _shown(self.document["whatsapp_url"], "messages")

    def emails_to(self, address: str) -> list[dict[str, Any]]:
        """E-mails sent to an address."""
        return [mail for mail in stack.sent_emails() if address in mail["To"]]

    def texts_to(self, number: str) -> list[dict[str, Any]]:
        """Text messages sent to a number."""
        return [text for text in stack.sent_sms() if text["PhoneNumber"] == number]

    @cached_property
    def _s3(self) -> Any:
        return stack.client("s3", endpoint_url=self.document["endpoint_url"])

    @cached_property
    def _sns(self) -> Any:
        return stack.client("sns", endpoint_url=self.document["endpoint_url"])

    def _call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, str]:
        # One connection a thread, kept open, as vendors do.
        for fresh in (False, True):
            connection = getattr(self._local, "connection", None)
            if connection is None or fresh:
                connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT_SECONDS)
                self._local.connection = connection
            try:
                connection.request(method, self._base + path, body, dict(headers))
                response = connection.getresponse()
                return response.status, response.read().decode()
            except TimeoutError:
                connection.close()
                raise NotArrived(f"{path} did not answer within {TIMEOUT_SECONDS:.0f} s") from None
            except (OSError, http.client.HTTPException):
                # A kept connection may have been closed meanwhile.
                connection.close()
        raise LocalError("the stack does not answer: run make up")


def _shown(sink_url: str, what: str) -> list[dict[str, Any]]:
    """What a sink says that it was told."""
    with urllib.request.urlopen(f"{sink_url}/_sink/{what}", timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
        return list(json.load(response)["items"])


def wait_for(
    what: str,
    probe: Callable[[], T | None],
    *,
    seconds: float = WAIT_SECONDS,
    every: float = 0.25,
) -> T:
    """Ask until there is something; gives it.

    Parameters
    ----------
    what
        For the message, if it never comes.
    probe
        Gives something true once it is there.
    seconds, every
        How long at most, and how often.

    Raises
    ------
    NotArrived
        If it did not come.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise NotArrived(f"{what}: not there after {seconds:.0f} s")
        time.sleep(every)
