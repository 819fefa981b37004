"""What people say on the pages that messages link to: no, yes, and which.

A link was delivered to an address, so who holds it reads that address: what is said
through it is the subject's word, with the link as evidence. Nothing here but
:meth:`Preferences.show` may be called for a GET: scanners open every link in a mail.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from enlace.domain.consent import (
    MARKETING_ONLY,
    SUBJECT,
    ConsentPolicy,
    ConsentRecord,
    PurposeState,
)
from enlace.domain.consent_events import consent_changed
from enlace.domain.envelope import NAMESPACE, AddressRef, Entry
from enlace.domain.link_tokens import Link
from enlace.usecases.consent_ports import ConsentStore
from enlace.usecases.consents import Consents
from enlace.usecases.link_choices import LinkChoices, Shown, mark

SOURCE = "enlace.web_preferences"
#: Of the pages' own texts; part of the evidence, so raise it when they change their meaning.
NOTICE_VERSION = "2026-11"


class Bus(Protocol):
    """Where events go."""

    def publish_all(self, entries: list[Entry]) -> None:
        """Publish events, all of them."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What holds after a form.

    Parameters
    ----------
    stale : bool
        The state is not what the form showed, and a yes in it was therefore not taken.
    barred : bool
        A yes is on record that something stronger stands against.
    """

    shown: Shown
    stale: bool = False
    barred: bool = False


class Preferences:
    """The use case.

    Parameters
    ----------
    store : ConsentStore
        The same that ``consents`` writes to.
    now : callable
        Gives the current contract time.
    """

    def __init__(
        self,
        store: ConsentStore,
        consents: Consents,
        bus: Bus,
        *,
        policy: ConsentPolicy,
        now: Callable[[], str],
    ):
        self._store = store
        self._consents = consents
        self._bus = bus
        self._policy = policy
        self._now = now
        self._choices = LinkChoices(policy, now)

    def subject_of(self, link: Link) -> tuple[str, str]:
        """See :meth:`enlace.usecases.link_choices.LinkChoices.subject_of`."""
        return self._choices.subject_of(link)

    def show(self, link: Link) -> Shown:
        """What the link's address is written about; changes nothing.

        Raises
        ------
        TemporaryFailure
            If the store does not answer.
        """
        return self._choices.shown(link, self._store.get(link.key))

    def unsubscribe(self, link: Link, language: str, *, one_click: bool = False) -> None:
        """Withdraw what the link is about; however often that is asked for.

        Raises
        ------
        TemporaryFailure
            If store or bus did not do their part; the same again completes it.
        """
        method = "one_click" if one_click else "unsubscribe_page"
        self._withdraw(link, self.subject_of(link), method, language)

    def save(
        self, link: Link, wanted: Collection[tuple[str, str]], seen: str, language: str
    ) -> Saved:
        """Record what a form changed.

        A no counts however old the form is. A yes counts only on what the form showed:
        an old page in a browser's history must not undo a later no.

        Raises
        ------
        TemporaryFailure
            If store or bus did not do their part; the same form again completes it.
        """
        stored = self._store.get(link.key)
        fresh = seen == mark(stored)
        stale = barred = False
        for choice in self._choices.shown(link, stored).choices:
            want = choice.pair in wanted
            state = "granted" if want else "withdrawn"
            event_id = _id("save", link, *choice.pair, seen, state)
            if want == choice.on:
                # Recorded by the same form before, and perhaps not told.
                if not fresh and self._store.entry(link.key, event_id):
                    self._tell(link, event_id, allowed=want)
            elif want and not fresh:
                stale = True
            else:
                allowed = self._record(
                    link, choice.pair, state, event_id, "preference_page", language
                )
                barred = barred or (want and not allowed)
        return Saved(self.show(link), stale, barred)

    def stop_all(self, link: Link, language: str) -> Saved:
        """Object to everything that rests on consent, on every channel of the address.

        Raises
        ------
        TemporaryFailure
            As :meth:`save`.
        """
        for choice in self.show(link).choices:
            self._withdraw(link, choice.pair, "preference_page", language, everything=True)
        return Saved(self.show(link))

    def confirm(self, link: Link, language: str) -> bool:
        """Confirm the double opt-in that a link is about; False where none waits any more.

        Raises
        ------
        TemporaryFailure
            As :meth:`save`.
        """
        purpose, channel = self.subject_of(link)
        state = self._store.get(link.key).consent.purposes.get((purpose, channel))
        asked = state.request.moment.event_id if state and state.request else ""
        event_id = _id("confirm", link, purpose, channel, asked)
        self._consents.confirm(
            link.key,
            channel,
            event_id,
            self._details(link, purpose, "double_opt_in", language),
            purpose=purpose,
        )
        recorded = f"{event_id}-{purpose}"
        found = next(c for c in self.show(link).choices if c.pair == (purpose, channel))
        if self._store.entry(link.key, recorded):
            self._tell(link, recorded, allowed=found.on)
        return found.on

    def _withdraw(
        self,
        link: Link,
        pair: tuple[str, str],
        method: str,
        language: str,
        *,
        everything: bool = False,
    ) -> None:
        # Named after the yes that it takes back: a replay is the same record, and a no after
        # another yes is another one.
        state = self._store.get(link.key).consent.purposes.get(pair, PurposeState())
        given = [g.moment for g in (state.grant, state.hearsay, state.request) if g]
        anchor = max(given).event_id if given else ""
        said = "objected" if everything else "withdrawn"
        event_id = _id(said, link, *pair, anchor)
        stops = {MARKETING_ONLY: "objection"} if everything else None
        self._record(link, pair, said, event_id, method, language, stops)

    def _record(
        self,
        link: Link,
        pair: tuple[str, str],
        state: str,
        event_id: str,
        method: str,
        language: str,
        stops: dict[str, str] | None = None,
    ) -> bool:
        now = self._now()
        record = ConsentRecord(
            event_id,
            *pair,
            state,
            SUBJECT,
            now,
            now,
            has_evidence=True,
            notice_version=self._notice_version(pair[0]),
        )
        details = self._details(link, pair[0], method, language)
        holds = self._consents.record(link.key, record, details, stops=stops)
        self._tell(link, event_id, allowed=holds.ruling.allowed)
        return holds.ruling.allowed

    def _details(self, link: Link, purpose: str, method: str, language: str) -> dict[str, object]:
        evidence = {
            "what": "a link that was delivered to the address",
            "message_id": link.message_id,
            "action": link.action,
        }
        notice = {
            "id": "preference_page",
            "version": self._notice_version(purpose),
            "language": language,
        }
        return {"evidence": evidence, "notice": notice, "method": method, "recorded_by": SOURCE}

    def _notice_version(self, purpose: str) -> str:
        """The page asks under the notice that is in force."""
        return max(NOTICE_VERSION, self._policy.least_notice.get(purpose, ""))

    def _tell(self, link: Link, event_id: str, *, allowed: bool) -> None:
        entry = self._store.entry(link.key, event_id)
        if entry is None:  # pragma: no cover -- it was just written or found
            return
        event = consent_changed(
            consent_id=event_id,
            contact_point=AddressRef(link.kind, link.key),
            purpose=entry["purpose"],
            channel=entry["channel"],
            said=entry["state"],
            actor=entry["actor"],
            allowed=allowed,
            # The entry's own times: told again, it is the same event.
            occurred_at=entry["occurred_at"],
            recorded_at=entry["received_at"],
            source=SOURCE,
        )
        self._bus.publish_all([event])


def _id(what: str, link: Link, *parts: str) -> str:
    names = ("link", what, link.key, link.message_id, *parts)
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(names)))
