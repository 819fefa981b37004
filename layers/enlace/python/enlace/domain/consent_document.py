"""The consent of an address as one JSON document, and back.

One document an address: whoever is about to send checks a single item, however many
purposes and channels are on record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from enlace.domain.consent import AddressConsent, Grant, Moment, PurposeState, Suppression

_SEPARATOR = "|"


def to_document(consent: AddressConsent) -> dict[str, Any]:
    """The document of a consent."""
    document: dict[str, Any] = {}
    purposes = {
        _SEPARATOR.join(key): _state_to_json(state)
        for key, state in sorted(consent.purposes.items())
    }
    stops = {
        scope: [stop.reason, *stop.since] for scope, stop in sorted(consent.suppressions.items())
    }
    if purposes:
        document["purposes"] = purposes
    if stops:
        document["suppressions"] = stops
    if consent.signals:
        document["signals"] = {
            name: [*moment, word] for name, (moment, word) in sorted(consent.signals.items())
        }
    if consent.erasing:
        document["erasing"] = True
    if consent.erased_before:
        document["erased_before"] = consent.erased_before
    if consent.returned:
        document["returned"] = {at: list(said) for at, said in sorted(consent.returned.items())}
    return document


def from_document(document: Mapping[str, Any]) -> AddressConsent:
    """The inverse of :func:`to_document`."""
    purposes: dict[tuple[str, str], PurposeState] = {}
    for key, state in document.get("purposes", {}).items():
        purpose, _, channel = key.partition(_SEPARATOR)
        purposes[purpose, channel] = _state_from_json(state)
    return AddressConsent(
        purposes,
        {
            scope: Suppression(reason, Moment(*since))
            for scope, (reason, *since) in document.get("suppressions", {}).items()
        },
        {
            name: (Moment(*moment), word)
            for name, (*moment, word) in document.get("signals", {}).items()
        },
        bool(document.get("erasing")),
        document.get("erased_before", ""),
        {at: Moment(*said) for at, said in document.get("returned", {}).items()},
    )


def _state_to_json(state: PurposeState) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if state.denial:
        moment, word = state.denial
        body["denial"] = [*moment, word]
    if state.pause:
        moment, word = state.pause
        body["pause"] = [*moment, word]
    grants = (("grant", state.grant), ("hearsay", state.hearsay), ("request", state.request))
    for name, grant in grants:
        if grant:
            body[name] = [*grant.moment, grant.valid_until, grant.notice_version]
            if grant.narrow:
                body[name].append(True)
    return body


def _state_from_json(body: Mapping[str, Any]) -> PurposeState:
    return PurposeState(
        denial=_said(body.get("denial")),
        grant=_grant(body.get("grant")),
        hearsay=_grant(body.get("hearsay")),
        request=_grant(body.get("request")),
        pause=_said(body.get("pause")),
    )


def _said(body: list[str] | None) -> tuple[Moment, str] | None:
    return (Moment(*body[:3]), body[3]) if body else None


def _grant(body: list[Any] | None) -> Grant | None:
    # A request was once kept without its end.
    return Grant(Moment(*body[:3]), *body[3:]) if body else None
