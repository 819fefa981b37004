"""Messenger: direct messages to our Facebook pages.

A sender is a page-scoped id (PSID); Meta gives no name, phone or e-mail with it.

Source: Meta, Messenger Platform, "Webhooks" (checked 2026-11-22).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from enlace.channels import meta
from enlace.channels.base import (
    Interaction,
    Rejected,
    Request,
    collect,
    objects,
    required_object,
    required_text,
)
from enlace.channels.meta_messaging import MessagingReader
from enlace.errors import InvalidPayload

NAME = "messenger"
MAX_BODY_BYTES = meta.MAX_BODY_BYTES

handshake = meta.handshake
verify = meta.verify


def parse(request: Request, secret: Mapping[str, Any]) -> list[Interaction | Rejected]:
    """Read every item of every entry, with those that another app handles (``standby``).

    Raises
    ------
    InvalidPayload
        If the body is no payload about a page.
    """
    found: list[Interaction | Rejected] = []
    for entry in meta.entries(request, "page"):
        try:
            page = required_text(required_object(entry, "entry"), "id")
            reader = MessagingReader(NAME, page, request.received_at)
            found += collect(objects(entry, "messaging"), reader.read)
            found += collect(objects(entry, "standby"), reader.read)
        except InvalidPayload as error:
            found.append(Rejected(str(error), entry))
    return found
