"""What stays of an erased address's consents: what proves that the company kept to them.

No clear value, no text, nobody's name: which purpose, which channel, what was said and when,
and the hashes that chain the records. (GDPR art. 7(1) and 17(3)(e), LGPD art. 8 §2 and 16 I.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from enlace.domain.consent import AddressConsent, Grant, PurposeState

GROUND = "GDPR art. 7(1), 17(3)(e); LGPD art. 8 §2, 16 I"
#: Claims about sent messages can be made for so long (Código Civil, art. 206 §3 V: 3 years;
#: Lei 8.078, art. 27: 5 years). The policy of retention ends it.
KEPT_YEARS = 5
#: Of a ledger entry; all else goes.
_STAYS = frozenset(
    (
        "actor",
        "address_key",
        "channel",
        "confirms",
        "event_id",
        "has_evidence",
        "hash",
        "notice_hash",
        "notice_id",
        "notice_version",
        "occurred_at",
        "previous_hash",
        "purpose",
        "received_at",
        "schema_version",
        "state",
        "valid_until",
    )
)
_REDUCED = "reduced_at"


def is_reduced(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of the ledger was reduced already."""
    return _REDUCED in entry


def reduced_at(entry: Mapping[str, Any]) -> str:
    """When an entry was reduced; "" for one that was not."""
    return str(entry.get(_REDUCED, ""))


def reduced_entry(entry: Mapping[str, Any], at: str) -> dict[str, Any]:
    """What stays of an entry; its own hash still chains it, though it cannot be made again."""
    return {**{n: value for n, value in entry.items() if n in _STAYS}, _REDUCED: at}


def reduced_consent(consent: AddressConsent, erased_before: str) -> AddressConsent:
    """What stays of the state: every no, and what somebody new has said since."""
    purposes = {}
    for key, state in consent.purposes.items():
        left = PurposeState(
            denial=state.denial,
            grant=_later(state.grant, erased_before),
            hearsay=_later(state.hearsay, erased_before),
            request=_later(state.request, erased_before),
            pause=state.pause,
        )
        if left != PurposeState():
            purposes[key] = left
    signals = {
        name: said for name, said in consent.signals.items() if said[0].received_at > erased_before
    }
    returned = {at: said for at, said in consent.returned.items() if said[1] > erased_before}
    return replace(consent, purposes=purposes, signals=signals, returned=returned)


def _later(grant: Grant | None, moment: str) -> Grant | None:
    return grant if grant and grant.moment.received_at > moment else None
