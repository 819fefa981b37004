"""Consent in the views: what each contact point may be written to, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from enlace.domain.consent import AddressConsent, ConsentPolicy, evaluate
from enlace.domain.records import IdentifierRecord
from enlace.domain.send_gate import MARKETING
from enlace.usecases.read_history import named


def shown_consents(
    consents: Mapping[str, AddressConsent],
    records: Mapping[str, IdentifierRecord],
    *,
    now: str,
    policy: ConsentPolicy,
) -> list[dict[str, Any]]:
    """What is on record for the contact points of a customer, as it holds now.

    Consent belongs to the address: a merge shows two addresses side by side, and a
    denial of one says nothing about the other.

    Parameters
    ----------
    consents : dict of address key to AddressConsent
    now : str
        Contract time.
    """
    shown = []
    for key in sorted(consents):
        # Of what a browser says about sharing, the most restrictive holds for the person.
        others = [consent for one, consent in consents.items() if one != key]
        for purpose, channel in sorted(consents[key].purposes):
            ruling = evaluate(
                consents[key], purpose, channel, now=now, policy=policy, others=others
            )
            shown.append(
                {
                    "contact_point": named(records[key]),
                    "purpose": purpose,
                    "channel": channel,
                    "state": "granted" if ruling.allowed else "denied",
                    "step": ruling.step,
                    "reason": ruling.reason,
                    "record_id": ruling.event_id or None,
                }
            )
    return shown


def consent_flags(
    consents: Mapping[str, AddressConsent], asked: str, *, now: str, policy: ConsentPolicy
) -> set[str]:
    """Flags for whoever is about to speak with the customer.

    Returns
    -------
    set of str
        ``do_not_contact`` where the contact point has said no to marketing or is
        stopped; ``unclear_opt_out`` where somebody may have said so on an address of the
        customer, and a person has to read what was meant (``resumed``, ``denied`` or the
        subject's own yes ends it);
        ``erasure_pending`` where an address of the customer is being erased.
    """
    flags = set()
    if any(consent.erasing for consent in consents.values()):
        flags.add("erasure_pending")
    states = [state for consent in consents.values() for state in consent.purposes.values()]
    if any(state.paused for state in states):
        flags.add("unclear_opt_out")
    own = consents.get(asked)
    if own:
        channels = {channel for purpose, channel in own.purposes if purpose == MARKETING}
        rulings = [
            evaluate(own, MARKETING, channel, now=now, policy=policy) for channel in channels
        ]
        if own.suppressions or any(1 <= ruling.step <= 4 for ruling in rulings):
            flags.add("do_not_contact")
    return flags
