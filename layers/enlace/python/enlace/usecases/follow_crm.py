"""Keep the CRM in step: contacts, their histories, merges and splits.

Events may arrive late, twice and in any order, so none of them is believed about
who is who: each only says where to look, and the identity table says what holds
now. An activity goes to the customer that its contact point belongs to now; a
merge is carried out only while it still holds; a split moves what its parts have
now. So the last event to arrive finds the CRM right or makes it so.
"""

from __future__ import annotations

import json
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
from enlace.usecases.crm_ports import Crm, Identities, Mappings, Timeline

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

_PAGE = 100
_MAX_TEXT = 20_000


class FollowCrm:
    """The use case of the CRM sender.

    Parameters
    ----------
    time_left : callable
        Whether there is time for another page of a split; the queue delivers it
        again otherwise, and it goes on from where it was.
    """

    def __init__(
        self,
        crm: Crm,
        *,
        identities: Identities,
        timeline: Timeline,
        mappings: Mappings,
        time_left: Callable[[], bool] = lambda: True,
    ):
        self._crm = crm
        self._contacts = CrmContacts(crm, identities, mappings)
        self._timeline = timeline
        self._mappings = mappings
        self._time_left = time_left

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
            raise TemporaryFailure("the interaction or its contact point is not there")
        customer_id = record.customer_id
        if customer_id != data["customer_id"]:
            # An earlier attempt at this event may have made a contact for it.
            self._settle(event.event_id, data["customer_id"], [key])
        level = body["contact_point"]["level"]
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
        after = self._contacts.owners([key]).get(key)
        if after is not None and after.customer_id != customer_id:
            # Merged or split while we wrote: whoever followed that may have been
            # before this note, so put right what we did and start again.
            self._crm.detach([note], contact_id)
            self._settle(event.event_id, customer_id, [key])
            raise TemporaryFailure("the customer changed while its activity was written")
        return "recorded"

    def _merged(self, event: Event) -> str:
        identifiers = event.data["identifiers"]
        return ", ".join(
            self._settle(event.event_id, former, list(identifiers.get(former, ())))
            for former in event.data["merged"]
        )

    def _split(self, event: Event) -> str:
        keys = [key for part in event.data["into"] for key in part["identifiers"]]
        return self._settle(event.event_id, event.data["customer_id"], keys)

    def _settle(self, event_id: str, former: str, keys: list[str]) -> str:
        """Give what a customer's contact shows to those whose it is now."""
        mapping = self._mappings.get(former)
        source = self._contacts.own(mapping)
        if source is None and not mapping.contact_id:
            return "nothing: no contact"
        if source is None:
            if mapping.merged_into:
                self._contacts.retired(mapping)
                return "was merged"
            self._contacts.forget(former)
            return "nothing: the contact is gone"
        owned: dict[str, list[str]] = {}
        keys = sorted({*keys, *mapping.levels, *mapping.points})
        for key, record in sorted(self._contacts.owners(keys).items()):
            owned.setdefault(record.customer_id, []).append(key)
        if not owned:
            return "nothing: its identifiers are gone"
        stays = former in owned
        # Where it exists no more, the merge takes everything to one of them, and
        # only what belongs to others is moved one by one.
        main = former if stays else max(owned, key=lambda id_: (len(owned[id_]), id_))
        others = [id_ for id_ in owned if id_ != main]
        if stays and others:
            # First, so that addresses are free which others now get.
            self._contacts.write(former, {}, exact=True)
        moved = 0
        for owner in others:
            levels = {key: mapping.levels[key] for key in owned[owner] if key in mapping.levels}
            points = mapping.points.intersection(owned[owner])
            target = self._contacts.write(owner, levels, points=points)
            for key in sorted(points):
                moved += self._move(event_id, key, source, target)
            if points:
                # They may come back to the same contact, and this event with them: then
                # they are to be moved again.
                self._save_progress(event_id, {f"{source}|{key}": None for key in points})
                self._contacts.moved(former, points)
        if not stays:
            self._contacts.retire(former, main)
            if others:
                self._contacts.write(main, {}, exact=True)
        return f"{'kept' if stays else 'merged'}, {moved} activities moved"

    def _move(self, event_id: str, key: str, source: str, target: str) -> int:
        # The contact's id too: one event may empty several contacts.
        place = f"{source}|{key}"
        before = self._progress(event_id).get(place)
        moved = 0
        while before != "":
            if not self._time_left():
                raise TemporaryFailure("the split goes on in the next run")
            page = self._timeline.page(key, before=before, since=None, limit=_PAGE)
            ids = [item.sk.rpartition("#")[2] for item in page]
            notes = self._crm.find_activities(key, ids)
            if notes:
                self._crm.attach(notes, target)
                self._crm.detach(notes, source)
            moved += len(notes)
            before = page[-1].sk if len(page) == _PAGE else ""
            self._save_progress(event_id, {place: before})
        return moved

    def _progress(self, event_id: str) -> dict[str, str]:
        progress: dict[str, str] = json.loads(self._mappings.progress(event_id) or "{}")
        return progress

    def _save_progress(self, event_id: str, places: dict[str, str | None]) -> None:
        """Note how far places are moved; None for those that need no note any more."""
        after = {**self._progress(event_id), **places}
        left = {place: before for place, before in after.items() if before is not None}
        self._mappings.save_progress(event_id, json.dumps(left))


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
