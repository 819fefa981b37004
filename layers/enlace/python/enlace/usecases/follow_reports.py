"""What providers report about our messages, entered in their records.

Senders look there before they send again: the provider's own event tells what
became of a call whose answer was lost.
"""

from __future__ import annotations

from typing import Any, Protocol

from enlace.domain.delivery import State
from enlace.domain.envelope import Event

REPORTS = {
    "message.sent": State.SENT,
    "message.delivered": State.DELIVERED,
    "message.read": State.DELIVERED,
    "message.failed": State.FAILED,
}


class Reports(Protocol):
    """Records of messages, as far as reports change them."""

    def report(
        self,
        message_id: str,
        state: State,
        *,
        at: str,
        channel: str = "",
        provider_message_id: str = "",
        reason: str = "",
        read: bool = False,
    ) -> bool:
        """Enter what a provider reports."""


def message_of(body: dict[str, Any]) -> str:
    """The message of ours that a report is about; "" for none."""
    message_id = body.get("data", {}).get("message_id")
    return message_id if isinstance(message_id, str) else ""


def follow_report(event: Event, body: dict[str, Any], messages: Reports) -> str:
    """Enter one recorded report; gives what was done, for the log.

    Parameters
    ----------
    event : Event
        ``interaction.recorded`` of one of the types in :data:`REPORTS`.
    body : dict
        The interaction; its ``data`` names the message.
    """
    data = body.get("data", {})
    message_id = message_of(body)
    if not message_id:
        return "nothing: not about a message of ours"
    if data.get("settled") is True:
        # A sender's own report: it has entered that before it told.
        return "nothing: the sender has entered it"
    state = REPORTS[event.data["type"]]
    news = messages.report(
        message_id,
        state,
        at=event.data["occurred_at"],
        channel=event.data["channel"],
        provider_message_id=str(data.get("provider_message_id") or ""),
        reason=str(data.get("reason") or "")[:200],
        read=event.data["type"] == "message.read",
    )
    return f"message {state}" if news else "nothing: no news"
