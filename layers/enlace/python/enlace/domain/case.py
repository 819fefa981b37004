"""Service cases: what opens one, what belongs to one, and what becomes of it.

A case is opened by one interaction and keeps that interaction's contact point, so
merges and splits change nothing about it: whose it is now, is whoever owns the
contact point now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

OPEN, CLOSED = "open", "closed"

#: They say outright that there is a case.
OPENING = frozenset({"complaint.opened", "case.opened"})
#: They open one where they complain or request something, and join an open one.
CONTACTS = frozenset(
    {
        "message.received",
        "comment.received",
        "mention.received",
        "call.started",
        "call.ended",
        "feedback.given",
    }
)
#: They join an open case and never open one.
BESIDE = frozenset({"call.recorded"})
#: What other systems report about a case, and what it does to ours.
REPORTED = {
    "case.assigned": "assigned",
    "case.transferred": "transferred",
    "complaint.answered": "answered",
    "complaint.closed": "closed",
    "case.closed": "closed",
}
JOINING = OPENING | CONTACTS | BESIDE

#: What the same contact point said shortly before led to the case.
LEAD_UP = timedelta(hours=1)

_MAX_REFERENCES = 12
#: SES replaces the Message-ID by its own id before this domain.
_OWN_MAIL = ".amazonses.com"


@dataclass(frozen=True, slots=True)
class Case:
    """One service case.

    Parameters
    ----------
    contact_key, contact_kind, interaction_id, opened_at : str
        Of the interaction that opened it; ``opened_at`` is its contract time.
    customer_id : str
        Whose the contact point was then.
    nature : str
        What it is about, or "" where the contact did not say.
    level : str
        The contact point's in that interaction: nobody is told of a case that was
        opened in a name that was merely stated.
    state, state_at : str
        ``open`` or ``closed``, and since when.
    assignee, team, assigned_at : str
        Who works on it, on which channel or in which team, and since when.
    last_contact_at : str
        The latest contact that joined it.
    follows : str
        Number of the closed case that it goes on from.
    related : tuple of str
        Numbers of the customer's other open cases when it was opened.
    version : int
        Counts changes of state and hands; guards them.
    """

    protocol: str
    contact_key: str
    contact_kind: str
    interaction_id: str
    customer_id: str
    nature: str
    opened_at: str
    level: str = ""
    channel: str = ""
    state: str = OPEN
    state_at: str = ""
    assignee: str = ""
    team: str = ""
    assigned_at: str = ""
    last_contact_at: str = ""
    follows: str = ""
    related: tuple[str, ...] = ()
    version: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it takes up what the customer says next."""
        return self.state == OPEN

    @property
    def latest(self) -> str:
        """When it was last heard of from the customer."""
        return max(self.last_contact_at, self.opened_at)


@dataclass(frozen=True, slots=True)
class Contact:
    """An interaction in a case's thread.

    Parameters
    ----------
    customer_id : str
        Whose the contact point was when it joined.
    how : str
        ``opened``, ``reference``, ``thread`` or ``window``.
    """

    protocol: str
    interaction_id: str
    occurred_at: str
    contact_key: str
    contact_kind: str
    customer_id: str
    channel: str
    type: str
    direction: str
    how: str
    reopened: bool = False

    @property
    def timeline_key(self) -> str:
        """``sk`` of its timeline item."""
        return f"{self.occurred_at}#{self.interaction_id}"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was done about a case.

    Parameters
    ----------
    id : str
        From its cause, so that the same change is made once.
    kind : str
        ``assigned``, ``transferred``, ``answered``, ``closed`` or ``reopened``.
    by : str
        The operator's id, or the channel whose system reports it.
    to, channel : str
        Who takes over, and where.
    """

    id: str
    kind: str
    at: str
    by: str
    to: str = ""
    channel: str = ""
    reason: str = ""


def asks(type_: str, nature: str | None, request: bool) -> bool:
    """Whether an inbound interaction wants something of the company.

    A complaint does, and so does whatever a classifier, a form or an agent marked
    as a request; praise is never a request.
    """
    if type_ in OPENING:
        return True
    return type_ in CONTACTS and (nature == "complaint" or (request and nature != "praise"))


def takes(
    case: Case, *, contact_key: str, occurred_at: str, asking: bool, within: timedelta
) -> bool:
    """Whether a contact falls into the time in which an open case takes up contacts.

    It begins when the case was opened, for the opener's own contact point a little
    before, and ends ``within`` after the last contact. What would otherwise open a
    case of its own is taken up as long before as after, so that two complaints that
    arrive in the wrong order make one case too.
    """
    moment, opened = (datetime.fromisoformat(text) for text in (occurred_at, case.opened_at))
    if moment > datetime.fromisoformat(case.latest) + within:
        return False
    lead = within if asking else LEAD_UP if contact_key == case.contact_key else timedelta()
    return moment >= opened - lead


def reopens(case: Case, occurred_at: str, within: timedelta) -> bool:
    """Whether what refers to a closed case came soon enough to belong to it still."""
    closed = datetime.fromisoformat(case.state_at or case.opened_at)
    return datetime.fromisoformat(occurred_at) <= closed + within


def changed(case: Case, change: Change) -> Case:
    """The case after a change; a late report of an earlier change alters nothing.

    ``version`` counts every change, also one that only its history shows.
    """
    case = replace(case, version=case.version + 1)
    if change.kind in ("closed", "reopened") and change.at >= case.state_at:
        state = CLOSED if change.kind == "closed" else OPEN
        return replace(case, state=state, state_at=change.at)
    if change.kind in ("assigned", "transferred") and change.at >= case.assigned_at:
        return replace(case, assignee=change.to, team=change.channel, assigned_at=change.at)
    return case


def own_references(channel: str, contact_key: str, body: Mapping[str, Any]) -> list[str]:
    """Under what later replies to an interaction will name it.

    Parameters
    ----------
    body : mapping
        The interaction as the timeline keeps it.

    Returns
    -------
    list of str
        Digests: a vendor's id may hold an address, and keys must not.
    """
    conversation = body.get("conversation", {})
    ids = [conversation.get("message_id") or body.get("source_id")]
    found = [_message(channel, id_) for id_ in ids]
    found.append(_conversation(channel, contact_key, conversation.get("id")))
    return _present(found)


def named_references(channel: str, contact_key: str, body: Mapping[str, Any]) -> list[str]:
    """What an interaction replies to, and the conversation that it is part of."""
    conversation = body.get("conversation", {})
    references = conversation.get("references")
    # The newest come last; the first one began the thread.
    listed = references[-_MAX_REFERENCES:] + references[:1] if isinstance(references, list) else []
    found = [_message(channel, id_) for id_ in (conversation.get("reply_to"), *reversed(listed))]
    found.append(_conversation(channel, contact_key, conversation.get("id")))
    return _present(found)


def sent_reference(channel: str, provider_message_id: str) -> str:
    """Under what a reply to a message of ours will name it."""
    return _message(channel, provider_message_id)


def _message(channel: str, id_: Any) -> str:
    if not isinstance(id_, str) or not id_.strip():
        return ""
    text = id_.strip().strip("<>")
    local, _, domain = text.rpartition("@")
    if domain.lower().endswith(_OWN_MAIL):
        text = local
    return _digest("message", channel, text)


def _conversation(channel: str, contact_key: str, id_: Any) -> str:
    # A post's thread has many voices: each contact point has a conversation of its own in it.
    if not isinstance(id_, str) or not id_.strip():
        return ""
    return _digest("conversation", channel, contact_key, id_.strip())


def _digest(*parts: str) -> str:
    text = "\x1f".join(parts).encode("utf-8", "replace")
    return hashlib.sha256(text).hexdigest()[:32]


def _present(found: Iterable[str]) -> list[str]:
    return [reference for reference in dict.fromkeys(found) if reference]
