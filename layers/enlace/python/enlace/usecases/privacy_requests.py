"""Requests of data subjects: taken, verified, answered in time.

Who asks is verified by a code to the address itself, or by an officer who says how. The
address stands sealed in the request, for as long as it is open; everywhere else by its key.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from enlace.domain.interaction import Identifier, utc_text
from enlace.domain.privacy_request import (
    CLOSED,
    RECEIVED,
    VERIFIED,
    PrivacyPolicy,
)
from enlace.errors import Conflict, InvalidPayload, TemporaryFailure
from enlace.usecases.erasure_ports import Seal
from enlace.usecases.erasure_rows import pk_of
from enlace.usecases.request_codes import Post, RequestCodes
from enlace.usecases.request_receipts import OWED, RequestReceipts
from enlace.usecases.request_rows import CODE, LIST, QUEUE, REQUEST, RequestRows, moved
from enlace.usecases.restore_hold import RestoredTables
from enlace.usecases.rows import Row, Rows

_ATTEMPTS = 6
#: By whom a request was verified; the latter two with a name behind a colon.
BY_CODE, BY_OPERATOR, BY_CONTROLLER = "code", "operator", "controller"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in.

    Parameters
    ----------
    vouched_by : str
        The controller who has verified the person already; "" for nobody.
    """

    type: str
    identifier: Identifier
    regulation: str
    language: str = ""
    changes: Mapping[str, Any] | None = None
    source: str = "api"
    vouched_by: str = ""


class PrivacyRequests:
    """The use case.

    Parameters
    ----------
    rows : Rows
    seal : Seal
    policy : PrivacyPolicy
    key_of : callable
        The address key of an identifier; raises ``InvalidPayload`` if it is not valid.
    post : Post
    carry_out : callable
        Takes a verified request further, by its type; gives the state it is in then. May be
        repeated.
    now : callable
        The current time, with a zone.
    """

    def __init__(
        self,
        rows: Rows,
        seal: Seal,
        *,
        policy: PrivacyPolicy,
        key_of: Callable[[Identifier], str],
        post: Post,
        carry_out: Callable[[Mapping[str, Any], Identifier], str],
        now: Callable[[], datetime],
    ):
        self._rows = rows
        self._requests = RequestRows(rows, seal, now=now)
        self._seal = seal
        self._policy = policy
        self._key_of = key_of
        self._codes = RequestCodes(rows, policy=policy, post=post, now=now)
        self._receipts = RequestReceipts(self._requests, post)
        self._carry_out = carry_out
        self._now = now

    def ask(self, asked: Asked, *, caller: str) -> Mapping[str, Any]:
        """Take a request, and send a code to its address.

        One that waits for its code already is not taken twice: the code is sent again where
        it has run out.

        Raises
        ------
        InvalidPayload
            If a field cannot be used.
        TemporaryFailure
            If a service did not do its part.
        """
        if asked.regulation not in self._policy.regulations:
            names = ", ".join(sorted(self._policy.regulations))
            raise InvalidPayload(f"regulation: must be one of {names}")
        if asked.type == "rectification" and not asked.changes:
            raise InvalidPayload("changes: must say what is to be put right")
        key, at = self._key_of(asked.identifier), utc_text(self._now())
        for _ in range(_ATTEMPTS):
            waiting = self._rows.get(f"subject#{key}", f"open#{asked.type}")
            known = self._requests.find(waiting.body["request_id"]) if waiting else None
            if known is not None and known.body["state"] == RECEIVED:
                return self._identify(known, asked, renew=False)
            try:
                row = self._take(asked, key, at, caller, waiting, known)
            except Conflict:
                continue
            return self._identify(row, asked, renew=True)
        raise TemporaryFailure("others kept asking for the same")

    def _take(
        self, asked: Asked, key: str, at: str, caller: str, waiting: Row | None, known: Row | None
    ) -> Row:
        request_id = str(uuid.uuid4())
        deadline = self._policy.regulations[asked.regulation].deadline(at)
        alerts = self._policy.alerts(at, deadline)
        named = json.dumps([asked.identifier.kind, asked.identifier.value])
        # Of two of one kind the second one is told of the first, and verified by itself.
        before = known.body["request_id"] if known and known.body["state"] not in CLOSED else ""
        body = {
            "request_id": request_id,
            "type": asked.type,
            "regulation": asked.regulation,
            "state": RECEIVED,
            "kind": asked.identifier.kind,
            "key": key,
            "sealed": self._seal.seal(named, request_id),
            "language": asked.language,
            "changes": self._sealed_changes(asked, request_id),
            "received_at": at,
            "deadline": deadline,
            "extended": False,
            "verified_at": "",
            "verified_by": "",
            "whole_customer": False,
            "duplicate_of": before,
            "source": asked.source,
            "caller": caller,
            "alerts": [],
            "reason": "",
            "completed_at": "",
            "history": [{"at": at, "state": RECEIVED, "reason": ""}],
            "receipt": "",
        }
        row = Row(pk_of(request_id), REQUEST, body, queue=QUEUE, next_at=alerts[0][1])
        opened = waiting or Row(f"subject#{key}", f"open#{asked.type}")
        listed = Row(f"{LIST}{at[:7]}", f"{at}#{request_id}", {"request_id": request_id})
        return self._rows.put([row, opened.with_body(request_id=request_id), listed])[0]

    def _sealed_changes(self, asked: Asked, request_id: str) -> str:
        return self._seal.seal(json.dumps(asked.changes), request_id) if asked.changes else ""

    # ------------------------------------------------------------------ verification

    def _identify(self, row: Row, asked: Asked, *, renew: bool) -> Mapping[str, Any]:
        request_id = row.body["request_id"]
        if asked.vouched_by:
            by = f"{BY_CONTROLLER}:{asked.vouched_by}"
            return self._verified(request_id, by, "", whole_customer=False)
        self._codes.send(row, asked.identifier, renew=renew)
        return self._requests.shown(request_id)

    def verify_by_code(self, request_id: str, code: str) -> Mapping[str, Any]:
        """Verify a request by the code that its address got.

        Raises
        ------
        NotFound
            If there is no such request.
        NotVerified
            If the code is wrong, too old, or was tried too often.
        """
        row = self._requests.known(request_id)
        if row.body["state"] != RECEIVED:
            # Verified once is verified; a repeated call only takes up what a first one lost.
            return self._further(request_id)
        self._codes.check(row, code)
        return self._verified(request_id, BY_CODE, "", whole_customer=False)

    def verify_by_operator(
        self, request_id: str, reason: str, *, caller: str, whole_customer: bool = True
    ) -> Mapping[str, Any]:
        """Verify a request by an officer's word, who says how they know.

        Raises
        ------
        NotFound
            If there is no such request.
        """
        if self._requests.known(request_id).body["state"] != RECEIVED:
            return self._further(request_id)
        return self._verified(
            request_id, f"{BY_OPERATOR}:{caller}", reason, whole_customer=whole_customer
        )

    def _verified(
        self, request_id: str, by: str, reason: str, *, whole_customer: bool
    ) -> Mapping[str, Any]:
        at = utc_text(self._now())

        def change(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
            if body["state"] != RECEIVED:
                return None
            verified = {"verified_at": at, "verified_by": by, "whole_customer": whole_customer}
            # Whom a controller vouches for is the controller's to write to.
            receipt = "" if by.startswith(f"{BY_CONTROLLER}:") else OWED
            return {**moved(body, VERIFIED, at, reason), **verified, "receipt": receipt}

        # If what follows is lost, the clock's next run takes it up.
        row = self._requests.change(request_id, change, next_at=at)
        self._rows.delete(row.pk, CODE)
        return self._further(request_id)

    def _further(self, request_id: str) -> Mapping[str, Any]:
        try:
            self._receipts.send(request_id)
        finally:
            # A provider that does not answer keeps nobody from what they are owed.
            self.go_on(request_id)
        return self._requests.shown(request_id)

    def go_on(self, request_id: str) -> None:
        """Carry out what is verified; repeated, it finds that it is under way.

        After a restore it stays verified, and the clock carries it out once the erasures are
        done again.
        """
        row = self._requests.known(request_id)
        if row.body["state"] != VERIFIED:
            return
        try:
            state = self._carry_out(row.body, self._requests.identifier(request_id))
        except RestoredTables:
            return
        self._requests.advance(request_id, state)
