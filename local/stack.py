"""The running laptop stack, for tests, tools and the command line.

``load`` gives what ``make up`` wrote about it, ``client`` an AWS client with the deployer's
credentials, ``sent_emails`` and ``sent_sms`` what the emulator's SES and SNS were asked to send.
"""

from __future__ import annotations

import json
import urllib.request
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from local import settings
from local.settings import LocalError, home


def load() -> dict[str, Any]:
    """What the stack's ``stack.json`` says: URLs, keys, secrets and names.

    Raises
    ------
    LocalError
        When no stack is up.
    """
    try:
        return dict(json.loads((home() / "stack.json").read_text()))
    except FileNotFoundError:
        raise LocalError("no stack is up: run make up") from None


def client(service: str, *, endpoint_url: str | None = None, **credentials: str) -> Any:
    """An AWS client of the emulator; the same one for the same arguments.

    Making one takes a third of a second, and threads may share it.

    Parameters
    ----------
    service
        AWS service, such as ``sqs``.
    endpoint_url
        The emulator; by default the running stack's.
    credentials
        ``aws_access_key_id``, ``aws_secret_access_key`` and ``aws_session_token`` of another
        principal than the deployer.
    """
    credentials = credentials or {
        "aws_access_key_id": settings.ACCESS_KEY_ID,
        "aws_secret_access_key": settings.SECRET_ACCESS_KEY,
    }
    endpoint_url = endpoint_url or load()["endpoint_url"]
    return _client(service, endpoint_url, **credentials)


@cache
def _client(service: str, endpoint_url: str, **credentials: str) -> Any:
    session: Any = boto3.session.Session()
    return session.client(
        service,
        region_name=settings.REGION,
        **credentials,
        endpoint_url=endpoint_url,
        config=Config(
            connect_timeout=5,
            read_timeout=60,
            # As many as threads of a load test; more would be made anew for each call.
            max_pool_connections=50,
            retries={"mode": "standard", "total_max_attempts": 3},
            s3={"addressing_style": "path"},
        ),
    )


def sent_emails() -> list[dict[str, Any]]:
    """E-mails that SES was asked to send, oldest first.

    Returns
    -------
    list of dict
        With ``MessageId``, ``Source``, ``To``, ``Subject``, ``BodyText``, ``BodyHtml`` and
        ``Timestamp``.
    """
    accounts = _inspect("ses/messages")["messages"]
    messages = [message for messages in accounts.values() for message in messages]
    for message in messages:
        # The emulator takes the bodies out of the MIME, with its line ends.
        for body in ("BodyText", "BodyHtml"):
            message[body] = (message.get(body) or "").replace("\r\n", "\n").removesuffix("\n")
    return messages


def sent_sms() -> list[dict[str, Any]]:
    """Text messages that SNS was asked to send, with ``PhoneNumber`` and ``Message``."""
    phones = _inspect("sns/sms-messages")["sms_messages"]
    return [message for messages in phones.values() for message in messages]


def queued(name: str) -> list[dict[str, Any]]:
    """Messages in the queue ``name`` of ``stack.json``, without receiving them."""
    url = load()["queue_urls"][name]
    accounts = _inspect("sqs/messages")["messages"]
    return [
        message
        for regions in accounts.values()
        for queues in regions.values()
        for queue_url, messages in queues.items()
        if queue_url.rsplit("/", 1)[-1] == url.rsplit("/", 1)[-1]
        for message in messages
    ]


def _inspect(path: str) -> dict[str, Any]:
    url = f"{load()['endpoint_url']}/_ministack/{path}"
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 -- loopback
        return dict(json.load(response))
