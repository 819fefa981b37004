"""Keep the CRM in step: contacts, their histories, merges and splits.

Events may arrive late, twice and in any order, so none of them is believed about
who is who: each only says where to look, and the identity table says what holds
now. An activity goes to the customer that its contact point belongs to now; a
merge is carried out only while it still holds; a split moves what its parts have
now. So the last event to arrive finds the CRM right or makes it so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from enlace.domain.crm import Activity
from enlace.domain.envelope import Event
from enlace.domain.interaction import TYPES
from enlace.domain.money import format_money
from enlace.domain.purchase import validate_purchase
from enlace.errors import (
    InvalidInteraction,
    InvalidPayload,
    ProviderRejected,
    TemporaryFailure,
)
from enlace.usecases.crm_contacts import MAX_NAME, CrmContacts
from enlace.usecases.crm_hold import CrmHold
from enlace.usecases.crm_ports import Crm, Identities, Mappings, Timeline
from enlace.usecases.settle_crm import SettleCrm

#: What an agent does not want to read: behaviour and progress would bury the rest,
#: and use up the CRM's request limits.
_NOT_SHOWN = frozenset(
    [
        "message.delivered",
        "message.read",
        "call.started",
        "cart.updated",
        "page.viewed",
        "screen.viewed",
        "event.tracked",
        "customer.identified",
    ]
)
ACTIVITY_TYPES = TYPES - _NOT_SHOWN

_MAX_TEXT = 20_000


class FollowCrm:
    """The use case of the CRM sender.

    Parameters
    ----------
    time_left : callable
        Whether there is time for another page of a split; the queue delivers it
        again otherwise, and it goes on from where it was.
    clock : callable
        Seconds since 1970.
    """

    def __init__(
        self,
        crm: Crm,
        *,
        identities: Identities,
        timeline: Timeline,
        mappings: Mappings,
        time_left: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.time,
    ):
        self._crm = crm
        self._contacts = CrmContacts(crm, identities, mappings, clock)
        self._timeline = timeline
        self._holds = CrmHold(mappings, clock)
        self._settle = SettleCrm(
            crm,
            contacts=self._contacts,
            timeline=timeline,
            mappings=mappings,
            time_left=time_left,
            holds=self._holds,
        )

    def __call__(self, event: Event) -> str:
        """Handle one event; gives what was done, for the log.

        Raises
        ------
        InvalidPayload
            If a field is missing.
        TemporaryFailure, ProviderError
            If it has to be delivered again.
        """
        if event.major != 1:
            # Whatever it says now, it is not what this code was written for.
            raise InvalidPayload(f"{event.name}: major version {event.major} is not known here")
        self._crm.begin(event.event_id)
        try:
            match event.name:
                case "interaction.recorded":
                    return self._recorded(event)
                case "customer.merged":
                    return self._merged(event)
                case "customer.split":
                    return self._split(event)
        except (KeyError, TypeError) as error:
            raise InvalidPayload(f"{event.name}: malformed ({type(error).__name__})") from error
        return "nothing: not an event that the CRM follows"

    def _recorded(self, event: Event) -> str:
        data = event.data
        if data["type"] not in ACTIVITY_TYPES:
            return "nothing: not a type for the CRM"
        key = data["contact_point"]["key"]
        body = self._timeline.get(key, data["timeline_key"])
        record = self._contacts.owners([key]).get(key)
        if body is None or record is None:
            # Both were recorded before this was told.
            return "nothing: erased"
        customer_id = record.customer_id
        if customer_id != data["customer_id"]:
            # An earlier attempt at this event may have made a contact for it.
            self._settle(event.event_id, data["customer_id"], [key])
        if getattr(self._crm, "makes_twice", False):
            # The event's own customer as well: with it, two deliveries of one event meet
            # whoever the contact point has come to meanwhile.
            with self._holds.work(*sorted({customer_id, data["customer_id"]})):
                owner = self._contacts.owners([key]).get(key)
                if owner is None or owner.customer_id != customer_id:
                    raise TemporaryFailure("the identifier changed hands")
                self._contacts.revive(customer_id)
                note, contact_id = self._write(data, body, customer_id)
        else:
            note, contact_id = self._write(data, body, customer_id)
        self._look_again(event.event_id, key, note, (customer_id, contact_id))
        return "recorded"

    def _write(
        self, data: dict[str, Any], body: dict[str, Any], customer_id: str
    ) -> tuple[str, str]:
        """Show an interaction on its customer's contact; gives the ids of both in the CRM."""
        key, level = data["contact_point"]["key"], body["contact_point"]["level"]
        shown = {key: level, **{other: at for other, at in body.get("ids", ())}}
        name = _name(body.get("traits", {})) if level == "proven" else ""
        contact_id = self._contacts.write(customer_id, shown, name=name, points=[key])
        note = self._crm.record(_activity(data, body))
        try:
            self._crm.attach([note], contact_id)
        except ProviderRejected:
            # Somebody deleted the contact in the CRM: next time it is made again.
            self._contacts.forget(customer_id)
            raise
        return note, contact_id

    def _look_again(self, event_id: str, key: str, note: str, put: tuple[str, str]) -> None:
        """Put right what was written of a customer that merged or split meanwhile.

        Whoever followed that may have been before this note.
        """
        customer_id, contact_id = put
        record = self._contacts.owners([key]).get(key)
        if record is None or self._contacts.shows(record.customer_id, contact_id):
            return
        if record.customer_id != customer_id and self._contacts.keeps(customer_id, contact_id):
            self._settle(event_id, customer_id, [key])
        else:
            # Merged meanwhile: the id leads to a contact that it is not for, or to none.
            self._crm.detach([note], contact_id)
        raise TemporaryFailure("the customer changed while its activity was written")

    def _merged(self, event: Event) -> str:
        identifiers = event.data["identifiers"]
        return ", ".join(
            self._settle(event.event_id, former, list(identifiers.get(former, ())))
            for former in event.data["merged"]
        )

    def _split(self, event: Event) -> str:
        keys = [key for part in event.data["into"] for key in part["identifiers"]]
        return self._settle(event.event_id, event.data["customer_id"], keys)


def _name(traits: dict[str, Any]) -> str:
    name = traits.get("name")
    return name.strip()[:MAX_NAME] if isinstance(name, str) else ""


def _activity(event: dict[str, Any], body: dict[str, Any]) -> Activity:
    data = body.get("data", {})
    point = body["contact_point"]
    arrow = "←" if event["direction"] == "inbound" else "→"
    lines = [
        f"{event['type']} {arrow} {event['channel']} ({point['kind']}, {point['level']})",
    ]
    protocol = event.get("protocol")
    if protocol:
        lines.append(f"protocol {protocol}")
    lines += _order_lines(data) if event["type"].startswith("order.") else []
    for name in ("subject", "text", "reason"):
        value = data.get(name)
        if isinstance(value, str) and value:
            lines += value[:_MAX_TEXT].splitlines()
    return Activity(
        interaction_id=event["interaction_id"],
        occurred_at=event["occurred_at"],
        type=event["type"],
        channel=event["channel"],
        direction=event["direction"],
        point=event["contact_point"]["key"],
        lines=tuple(lines),
        data=data,
    )


def _order_lines(data: dict[str, Any]) -> list[str]:
    try:
        order = validate_purchase(data)
    except InvalidInteraction:
        return []
    lines = [f"order {order.order_id}"] if order.order_id else []
    if order.amount_minor is not None and order.currency:
        lines.append(format_money(order.amount_minor, order.currency, "en"))
    return lines
