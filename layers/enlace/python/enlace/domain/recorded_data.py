"""What recorded interactions hold of a subject: whose they are, where they lead, how they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from enlace.domain.case import own_references, sent_reference
from enlace.domain.erasure import Subject

#: The channel whose raw messages are kept.
MAIL = "email"
_NOT_SHOWN = frozenset(("ids", "unlinked", "contact_point"))


def is_theirs(sk: str, body: Mapping[str, Any], erased_before: str) -> bool:
    """Whether an interaction is the erased subject's, and not a newcomer's at their address.

    Parameters
    ----------
    sk, body
        Of the timeline item.
    erased_before : str
        "" where nobody is erased: then everything at the address is theirs. So is what
        cannot be read any more, which was sealed for somebody who was erased before.
    """
    at = sk.partition("#")[0]
    return (
        not erased_before
        or not body
        or min(at, str(body.get("received_at") or at)) <= erased_before
    )


class Located:
    """Collects what other places find theirs by; see :class:`enlace.domain.erasure.Subject`.

    Beside what is described there: ``references``, the digests under which replies name
    interactions and messages.
    """

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, None]] = {}

    def add(self, key: str, interaction_id: str, body: Mapping[str, Any]) -> None:
        """Take up one interaction.

        Parameters
        ----------
        key : str
            Address key of its contact point.
        """
        self._add("interactions", interaction_id)
        if not body:
            return
        data = body.get("data") or {}
        if isinstance(message_id := data.get("message_id"), str):
            self._add("messages", message_id)
        self._add("mails", _mail_of(body, data))
        for reference in own_references(body["channel"], key, body):
            self._add("references", reference)
        if isinstance(provider_id := data.get("provider_message_id"), str):
            self._add("references", sent_reference(body["channel"], provider_id))

    def ids(self) -> dict[str, tuple[str, ...]]:
        """By name, each once."""
        return {name: tuple(ids) for name, ids in sorted(self._ids.items())}

    def _add(self, name: str, id_: str) -> None:
        if id_:
            self._ids.setdefault(name, {})[id_] = None


def interaction_shown(
    key: str, sk: str, body: Mapping[str, Any], subject: Subject
) -> dict[str, Any]:
    """An interaction as its subject may read it: of others' identifiers the kind alone.

    Parameters
    ----------
    key : str
        Address key of its contact point.
    """
    values = {one.key: one.value for one in subject.identifiers}
    level = body["contact_point"]["level"]
    named = [_named(other, level, values) for other, level in body.get("ids", ())]
    return {
        "record": "interaction",
        "occurred_at": sk.partition("#")[0],
        "contact_point": {**_named(key, level, values), "kind": body["contact_point"]["kind"]},
        **{name: value for name, value in body.items() if name not in _NOT_SHOWN},
        **({"identifiers": named} if named else {}),
        **({"not_valid": body["unlinked"]} if body.get("unlinked") else {}),
    }


def document_shown(sk: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """An aggregate as its subject may read it."""
    kind, _, id_ = sk.partition("#")
    if kind == "order":
        yield {"record": "order", "order_id": id_, **body}
    elif kind == "totals":
        yield {"record": "purchase_totals", **body}
    elif kind == "carts":
        carts = {id_: cart for side in body.values() for id_, cart in side.items()}
        for id_, cart in sorted(carts.items()):
            yield {"record": "cart", "cart_id": id_, **cart}


def _mail_of(body: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """The S3 key of the raw mail; "" for none.

    Of its own channel alone: a web page, which anybody can make say anything, must not name
    another's mail and have it deleted.
    """
    stored = data.get("stored")
    key = stored.get("key") if isinstance(stored, dict) else None
    return key if isinstance(key, str) and body["channel"] == MAIL else ""


def _named(key: str, level: str, values: Mapping[str, str]) -> dict[str, str]:
    value = {"value": values[key]} if values.get(key) else {}
    return {"kind": key.partition("#")[0], **value, "level": level}
