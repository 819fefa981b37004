"""Routes by which consent of an address is recorded and looked up.

Look-ups are POSTs too: an address must never stand in a URL.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from enlace.api.app import Call, Route
from enlace.api.callers import ADMIN, AGENT, MARKETING, PRIVACY
from enlace.api.fields import identifier_of, object_of, one_of
from enlace.api.problems import Refused, answer
from enlace.domain.consent import ConsentRecord
from enlace.domain.consent_events import consent_changed
from enlace.domain.envelope import NAMESPACE, AddressRef, Entry
from enlace.domain.http import Response
from enlace.domain.interaction import Identifier, Interaction, interaction_id, parse_time
from enlace.errors import InvalidPayload, NotFound, TemporaryFailure
from enlace.usecases.consent_receipts import Controller, receipt_of
from enlace.usecases.consents import Answer, Consents
from enlace.usecases.ingest import dump

SOURCE = "enlace.api_consents"
CHANNEL = "api"
WRITERS = frozenset({AGENT, PRIVACY, ADMIN})
READERS = frozenset({AGENT, MARKETING, PRIVACY, ADMIN})
#: ``requested`` waits for the address's own confirmation; ``resumed`` ends the pause after an
#: ambiguous reply, once a person has read it.
STATES = ("requested", "granted", "denied", "withdrawn", "resumed")
ACTORS = ("subject", "agent", "import")
#: What is asked of an address that nothing is known about.
CHANNELS_OF_KIND = {"email": ("email",), "phone": ("sms", "voice", "whatsapp")}

_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_MAX_DETAILS = 4096


class Bus(Protocol):
    """Where events go."""

    def publish_all(self, entries: list[Entry]) -> None:
        """Publish events, all of them."""


class Queue(Protocol):
    """Where interactions go."""

    def send(self, bodies: list[str]) -> None:
        """Queue interactions, each given as JSON; durable on return."""


def consent_routes(
    consents: Consents,
    bus: Bus,
    queue: Queue,
    now: Callable[[], str],
    key_of: Callable[[Identifier], str],
    controller: Controller,
) -> list[Route]:
    """The routes.

    Parameters
    ----------
    queue : Queue
        Takes requests of double opt-in on: only where an address is known as an identifier
        can it be asked to confirm.
    key_of : callable
        :func:`enlace.usecases.consents.consent_key` with keys and rules.
    now : callable
        Gives the current contract time.
    """

    def record(call: Call) -> Response:
        body = object_of(call.body())
        identifier = identifier_of(body, "identifier")
        key = key_of(identifier)
        received_at = now()
        evidence, notice = _details(body, "evidence"), _details(body, "notice")
        version = notice.get("version", "")
        said = ConsentRecord(
            event_id=_event_id(call),
            purpose=_word(body, "purpose"),
            channel=_word(body, "channel"),
            state=one_of(body, "state", STATES),
            actor=one_of(body, "actor", ACTORS),
            occurred_at=_time(body, "occurred_at") or received_at,
            received_at=received_at,
            has_evidence=bool(evidence),
            valid_until=_time(body, "valid_until"),
            notice_version=version if isinstance(version, str) else "",
        )
        recorded_by = call.caller.id if call.caller else ""
        details = {"evidence": evidence, "notice": notice, "recorded_by": recorded_by}
        # Whoever had the address confirmed elsewhere says when; nothing else proves it here.
        proven = bool(_time(evidence, "confirmed_at"))
        holds = consents.record(key, said, details, proven=proven)
        event = consent_changed(
            consent_id=said.event_id,
            contact_point=AddressRef(identifier.kind, key),
            purpose=said.purpose,
            channel=said.channel,
            said=holds.said,
            actor=said.actor,
            allowed=holds.ruling.allowed,
            occurred_at=said.occurred_at,
            recorded_at=received_at,
            source=SOURCE,
        )
        try:
            if not holds.ignored:
                bus.publish_all([event])
            if holds.asks:
                queue.send([dump(_request(identifier, said, notice).to_dict())])
        except TemporaryFailure as error:
            # It is recorded: the same Idempotency-Key tells it again.
            raise Refused(503, str(error), {"consent_id": said.event_id}) from error
        shown = _shown(holds)
        # A yes that changed nothing must not look like one that did.
        waits = holds.ruling.step == 5
        yes = said.state in ("granted", "requested")
        conflict = yes and not holds.ruling.allowed and not waits
        told = {"consent_id": said.event_id, "said": holds.said, "conflict": conflict}
        return answer(201, {**told, **shown})

    def look_up(call: Call) -> Response:
        body = object_of(call.body())
        identifier = identifier_of(body, "identifier")
        key = key_of(identifier)
        asked = [("marketing", channel) for channel in CHANNELS_OF_KIND.get(identifier.kind, ())]
        only = None
        if body.get("purpose") is not None or body.get("channel") is not None:
            only = (_word(body, "purpose"), _word(body, "channel"))
            asked = [only]
        found = consents.look_up(key, tuple(asked))
        if only:
            found = [one for one in found if (one.purpose, one.channel) == only]
        items = [_shown(one) for one in found]
        return answer(200, {"items": items, "next_cursor": None, **(items[0] if only else {})})

    def receipt(call: Call) -> Response:
        body = object_of(call.body())
        identifier, consent_id = identifier_of(body, "identifier"), body.get("consent_id")
        if not isinstance(consent_id, str) or not 0 < len(consent_id) <= 256:
            raise InvalidPayload("consent_id: must be text")
        entry = consents.entry(key_of(identifier), consent_id)
        if entry is None:
            raise NotFound("no such record of this address")
        return answer(200, receipt_of(entry, identifier.kind, controller))

    return [
        Route("POST /v1/consents", WRITERS, record),
        Route("POST /v1/consents/receipts", WRITERS, receipt),
        Route("POST /v1/consents/lookup", READERS, look_up),
    ]


def _shown(holds: Answer) -> dict[str, Any]:
    ruling = holds.ruling
    return {
        "purpose": holds.purpose,
        "channel": holds.channel,
        "state": "granted" if ruling.allowed else "denied",
        "step": ruling.step,
        "reason": ruling.reason,
        "record": holds.record,
    }


def _request(identifier: Identifier, said: ConsentRecord, notice: Mapping[str, Any]) -> Interaction:
    """The interaction that makes the address known, and lets it be asked."""
    language = notice.get("language")
    return Interaction(
        id=interaction_id(CHANNEL, SOURCE, said.event_id),
        source_id=said.event_id,
        channel=CHANNEL,
        account=SOURCE,
        type="consent.requested",
        occurred_at=said.occurred_at,
        received_at=said.received_at,
        contact_point=Identifier(identifier.kind, identifier.value, "stated"),
        traits={"language": language} if isinstance(language, str) else {},
        data={
            "consent_id": said.event_id,
            "purpose": said.purpose,
            "channel": said.channel,
            "actor": said.actor,
            "notice": dict(notice),
        },
    )


def _event_id(call: Call) -> str:
    """The record's id from ``Idempotency-Key``, so that a repeated request records once."""
    key = call.request.headers.get("idempotency-key")
    if not key:
        return str(uuid.uuid4())
    caller = call.caller.id if call.caller else ""
    return str(uuid.uuid5(NAMESPACE, f"consent\x1f{caller}\x1f{key[:256]}"))


def _word(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not _WORD.match(value):
        raise InvalidPayload(f"{name}: must be a word of small letters, such as email")
    return value


def _time(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return "" if value is None else parse_time(value, name)


def _details(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name, {})
    if not isinstance(value, dict) or len(str(value)) > _MAX_DETAILS:
        raise InvalidPayload(f"{name}: must be an object of up to {_MAX_DETAILS} characters")
    return value
