"""What a verified request leads to, by its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from enlace.domain.consent import MARKETING_ONLY, SUBJECT, ConsentRecord
from enlace.domain.consent_events import consent_changed
from enlace.domain.envelope import AddressRef, Entry
from enlace.domain.erasure import SubjectIdentifier
from enlace.domain.interaction import Identifier, Interaction, interaction_id, utc_text
from enlace.domain.privacy_request import COMPLETED, RUNNING, VERIFIED
from enlace.domain.send_gate import MARKETING
from enlace.usecases.consents import Consents
from enlace.usecases.erasure_ports import Found
from enlace.usecases.request_rows import RequestRows
from enlace.usecases.restore_hold import RestoreHold

#: The channel that what is put right comes in through.
CHANNEL, ACCOUNT = "privacy", "requests"
#: Where the objection of an address is entered; its suppression holds on every channel.
_CHANNELS = {"email": "email", "phone": "sms"}


class CarryOut:
    """The use case; every part may be repeated.

    Parameters
    ----------
    erase : callable
        Hands a request to the erasure.
    find : callable
        ``(identifier, whole_customer)`` to :class:`Found`.
    consents : Consents
    record : callable
        Sends an interaction the way that every interaction goes.
    changes : callable
        What a rectification is to put right, by its request id.
    announce : callable
        Publishes events: that somebody objects, for whoever else sends to them.
    source : str
        Who publishes them, such as ``enlace.api_privacy``.
    now : callable
        The current time, with a zone.
    hold : RestoreHold, optional
        Says where nobody may be looked for yet.
    """

    def __init__(
        self,
        *,
        erase: Callable[[str], None],
        find: Callable[[SubjectIdentifier, bool], Found],
        consents: Consents,
        record: Callable[[Interaction], None],
        changes: Callable[[str], Mapping[str, Any]],
        announce: Callable[[Sequence[Entry]], None],
        source: str,
        now: Callable[[], datetime],
        hold: RestoreHold | None = None,
    ):
        self._erase = erase
        self._find = find
        self._consents = consents
        self._record = record
        self._changes = changes
        self._announce = announce
        self._source = source
        self._now = now
        self._hold = hold

    def __call__(self, body: Mapping[str, Any], identifier: Identifier) -> str:
        """Do it, or have it done; gives the state that the request is in then.

        Raises
        ------
        TemporaryFailure
            If a service did not do its part; try again.
        """
        if body["type"] == "erasure":
            self._erase(body["request_id"])
            return VERIFIED
        if body["type"] == "objection":
            self._object(body, identifier)
            return COMPLETED
        if body["type"] == "rectification":
            self._record(self._corrected(body, identifier))
            return COMPLETED
        # The copy is there to be taken from now on.
        return RUNNING

    def go_on(self, requests: RequestRows, request_id: str) -> None:
        """Carry out what is verified; repeated, it finds that it is under way.

        Raises
        ------
        TemporaryFailure
        """
        body = requests.known(request_id).body
        if body["state"] == VERIFIED:
            requests.advance(request_id, self(body, requests.identifier(request_id)))

    def _object(self, body: Mapping[str, Any], identifier: Identifier) -> None:
        """Marketing stops at every address of theirs, at once (GDPR art. 21(3))."""
        # Meanwhile nothing goes out to anybody.
        if self._hold is not None:
            self._hold.check()
        asked = SubjectIdentifier(body["key"], identifier.kind, identifier.value)
        found = self._find(asked, bool(body["whole_customer"]))
        at, entries = utc_text(self._now()), list[Entry]()
        for one in found.identifiers or (asked,):
            said = ConsentRecord(
                f"{body['request_id']}-{one.key}",
                MARKETING,
                _CHANNELS.get(one.kind, "any"),
                "objected",
                SUBJECT,
                body["received_at"],
                at,
                has_evidence=True,
            )
            details = {"method": "data_subject_request", "request_id": body["request_id"]}
            stops = {MARKETING_ONLY: "objection"}
            holds = self._consents.record(one.key, said, details, stops=stops)
            entries.append(self._changed(one, said, allowed=holds.ruling.allowed, at=at))
        self._announce(entries)

    def _changed(
        self, one: SubjectIdentifier, said: ConsentRecord, *, allowed: bool, at: str
    ) -> Entry:
        return consent_changed(
            consent_id=said.event_id,
            contact_point=AddressRef(one.kind, one.key),
            purpose=said.purpose,
            channel=said.channel,
            said=said.state,
            actor=said.actor,
            allowed=allowed,
            occurred_at=said.occurred_at,
            recorded_at=at,
            source=self._source,
        )

    def _corrected(self, body: Mapping[str, Any], identifier: Identifier) -> Interaction:
        at = utc_text(self._now())
        return Interaction(
            id=interaction_id(CHANNEL, ACCOUNT, body["request_id"]),
            source_id=body["request_id"],
            channel=CHANNEL,
            account=ACCOUNT,
            type="customer.identified",
            direction="inbound",
            occurred_at=body["verified_at"],
            received_at=at,
            # The request was verified: this is the word of the address itself.
            contact_point=Identifier(identifier.kind, identifier.value, "proven"),
            traits=dict(self._changes(body["request_id"])),
            data={"request_id": body["request_id"]},
        )
