"""Contacts of a customer as the 360° view shows them: service by nature, marketing by medium.

All is made of the newest interactions of each contact point, which the view has read
anyway: a counter per nature or medium would cost a write for each event. So every part
says whether it is complete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from enlace.domain.records import TimelineItem
from enlace.domain.send_gate import MARKETING
from enlace.domain.service import nature_of
from enlace.usecases.read_history import History
from enlace.usecases.view_identifiers import named_or_none

#: Contacts listed, newest first.
MAX_SERVICE = 10
MAX_MARKETING = 10
MAX_TEXT = 160
_CAMPAIGN_FIELDS = ("campaign_id", "medium", "subject", "message", "period")


def service_contacts(history: History) -> dict[str, Any]:
    """The newest service contacts with their natures, and how many there are of each.

    A contact is one whose channel or agent named its nature, and a complaint.
    Its protocol is the one it was made under, or the one that it opened.
    """
    opened = {case.interaction_id: case for case in history.cases}
    counts: Counter[str] = Counter()
    newest: list[dict[str, Any]] = []
    for item in history.merged():
        nature = _nature(item.body)
        if nature is None:
            continue
        counts[nature] += 1
        if len(newest) < MAX_SERVICE:
            case = opened.get(item.body["id"])
            newest.append(
                {
                    "occurred_at": item.sk.partition("#")[0],
                    "interaction_id": item.body["id"],
                    "channel": item.body["channel"],
                    "type": item.body["type"],
                    "direction": item.body["direction"],
                    "nature": nature,
                    "text": _text(item.body.get("data", {}).get("text")),
                    "protocol": _text(item.body.get("conversation", {}).get("protocol"))
                    or (case.protocol if case else None),
                    "contact_point": named_or_none(history.records, item.pk),
                }
            )
    return {
        "counts": dict(sorted(counts.items())),
        "newest": newest,
        "complete": history.complete,
    }


def marketing_contacts(history: History) -> dict[str, Any]:
    """The newest marketing contacts, and how many there are by medium."""
    counts: Counter[str] = Counter()
    newest: list[dict[str, Any]] = []
    for item in history.merged():
        if not _is_marketing(item.body):
            continue
        data = item.body.get("data", {})
        medium = _text(data.get("medium")) or item.body["channel"]
        counts[medium] += 1
        if len(newest) < MAX_MARKETING:
            newest.append(
                {
                    "occurred_at": item.sk.partition("#")[0],
                    "channel": item.body["channel"],
                    "medium": medium,
                    "campaign_id": _text(data.get("campaign_id")),
                    "subject": _text(data.get("subject")),
                    "message": _text(data.get("message")) or _text(data.get("text")),
                    "period": _text(data.get("period")),
                }
            )
    return {
        "counts": dict(sorted(counts.items())),
        "newest": newest,
        "complete": history.complete,
    }


def campaigns(history: History) -> list[dict[str, Any]]:
    """The newest campaigns that reached the customer, as they were recorded."""
    sent = [item for item in history.merged() if item.body["type"] == "campaign.sent"]
    return [
        {
            "occurred_at": item.sk.partition("#")[0],
            "channel": item.body["channel"],
            **{
                name: item.body["data"][name]
                for name in _CAMPAIGN_FIELDS
                if name in item.body.get("data", {})
            },
        }
        for item in sent[:MAX_MARKETING]
    ]


def channel_counts(items: list[TimelineItem]) -> dict[str, int]:
    """How many interactions came or went through each channel."""
    return dict(sorted(Counter(item.body["channel"] for item in items).items()))


def _nature(body: Mapping[str, Any]) -> str | None:
    nature = nature_of(body.get("data", {}))
    return nature or ("complaint" if body["type"] == "complaint.opened" else None)


def _is_marketing(body: Mapping[str, Any]) -> bool:
    if body["type"] == "campaign.sent":
        return True
    purpose = body.get("data", {}).get("purpose")
    return bool(body["type"] == "message.sent" and purpose == MARKETING)


def _text(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    return value if len(value) <= MAX_TEXT else f"{value[: MAX_TEXT - 1]}…"
