"""The envelope that every event on the bus travels in: writing and reading it.

Shape: ``docs/events.md``. Standard library only, like
:mod:`enlace.domain.events`, which builds the single events.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from enlace.errors import InvalidPayload

#: Namespace of event and message ids.
NAMESPACE = uuid.UUID("0b7c7a0e-5a5e-5c3e-9d5c-3d1f9b0c6a52")


class AddressRef(NamedTuple):
    """An identifier as events name it: never by its clear value.

    ``key`` is the address key (``kind#HMAC``) under which consumers that may
    know the value look it up.
    """

    kind: str
    key: str


class Cause(NamedTuple):
    """Why customers changed.

    The kind is ``interaction_id``, ``conciliation_id``, ``rules_version``, ``request_id`` (a
    data subject's) or ``retention_policy``.
    """

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One event ready for the bus.

    Parameters
    ----------
    source, detail_type : str
        ``enlace.<function>`` and ``<name>.v<major>``: what rules match.
    detail : str
        JSON of ``{"metadata": {...}, "data": {...}}``.
    event_id : str
        ``metadata.id``, for logs and for fakes that deduplicate.
    """

    source: str
    detail_type: str
    detail: str
    event_id: str

    def to_put_events(self, bus_name: str) -> dict[str, str]:
        """The entry in the words of the PutEvents request."""
        return {
            "EventBusName": bus_name,
            "Source": self.source,
            "DetailType": self.detail_type,
            "Detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Event:
    """An event as a consumer got it; ``metadata`` and ``data`` as they came."""

    name: str
    major: int
    source: str
    event_id: str
    metadata: dict[str, Any]
    data: dict[str, Any]


def event_id(name: str, *parts: str) -> str:
    """The id of the event ``name`` that ``parts`` (ids, never values) caused."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join((name, *parts))))


def envelope(
    name: str,
    data: Mapping[str, Any],
    *,
    source: str,
    event_id: str,
    occurred_at: str,
    recorded_at: str,
    correlation_id: str,
    causation_id: str,
    major: int = 1,
    minor: int = 0,
) -> Entry:
    """Wrap ``data`` in the metadata that every event carries.

    Parameters
    ----------
    name : str
        Without version, as in ``customer.merged``.
    data : mapping
        JSON-serialisable; ids and keys rather than addresses.
    source : str
        ``enlace.<function>``.
    event_id : str
        The same for every publication of the same event.
    occurred_at, recorded_at : str
        Contract times: of the fact itself, and of our recording of it.
    correlation_id : str
        What began the chain of events: as a rule, the interaction's id.
    causation_id : str
        The interaction, event or decision that directly led here.

    Raises
    ------
    ValueError
        If ``data`` holds NaN or an infinity: the bus refuses such JSON.
    """
    detail = {
        "metadata": {
            "id": event_id,
            "schema_version": f"{major}.{minor}",
            "occurred_at": occurred_at,
            "recorded_at": recorded_at,
            "correlation_id": correlation_id,
            "causation_id": causation_id,
        },
        "data": data,
    }
    # ASCII on purpose: a lone surrogate in a template variable would otherwise
    # make the call fail at every redelivery.
    text = json.dumps(detail, separators=(",", ":"), allow_nan=False)
    return Entry(source, f"{name}.v{major}", text, event_id)


def read_event(message: str | Mapping[str, Any]) -> Event:
    """Read an event that a rule delivered to a queue.

    Parameters
    ----------
    message : str or mapping
        The queue message's body: the bus's own JSON object with ``source``,
        ``detail-type`` and ``detail``. Unknown fields are kept and ignored.

    Raises
    ------
    InvalidPayload
        If it is not JSON, or a part of the envelope is missing or malformed.
    """
    try:
        body = json.loads(message) if isinstance(message, str) else message
        name, dot_v, major = body["detail-type"].rpartition(".v")
        detail = body["detail"]
        metadata, data, source = detail["metadata"], detail["data"], body["source"]
        id_ = metadata["id"]
        if not (dot_v and name and isinstance(source, str) and isinstance(id_, str)):
            raise ValueError
        if not (isinstance(metadata, dict) and isinstance(data, dict)):
            raise ValueError
        return Event(name, int(major), source, id_, metadata, data)
    except (AttributeError, KeyError, TypeError, ValueError):
        # `from None`: the JSON error's text quotes the message.
        raise InvalidPayload("not an event of the bus") from None
