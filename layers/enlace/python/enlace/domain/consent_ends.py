"""What of an address's consent comes to its end by itself, and when.

An end that was agreed on with the person. One that the company's own policy sets is no
part of what was said: the evaluation knows it, and it moves when the policy does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from enlace.domain.consent import AddressConsent, ConsentRecord, Grant, PurposeState

SYSTEM = "system"


def next_end(consent: AddressConsent) -> str:
    """The contract time of the next end; "" where none is ahead or behind."""
    ends = [grant.valid_until for state in consent.purposes.values() for grant in _ending(state)]
    return min(ends, default="")


def expired(consent: AddressConsent, now: str) -> list[ConsentRecord]:
    """The records that say which grants have ended, each of them once."""
    return [
        ConsentRecord(
            f"expired-{grant.moment.event_id}",
            purpose,
            channel,
            "expired",
            SYSTEM,
            # At its end, and not when a job came to see it: a newer yes stands.
            grant.valid_until,
            max(now, grant.valid_until),
        )
        for (purpose, channel), state in sorted(consent.purposes.items())
        if (grant := state.standing) and grant.valid_until and grant.valid_until <= now
    ]


def unconfirmed(consent: AddressConsent, now: str) -> list[ConsentRecord]:
    """The records that say which requests nobody has confirmed in time.

    They are no denials: nobody has said no, and whoever asks again is asked again.
    """
    return [
        ConsentRecord(
            f"expired-{asked.moment.event_id}", purpose, channel, "expired", SYSTEM, now, now
        )
        for (purpose, channel), state in sorted(consent.purposes.items())
        if (asked := _waiting(state)) and asked.valid_until and asked.valid_until <= now
    ]


def without_request(consent: AddressConsent, purpose: str, channel: str) -> AddressConsent:
    """The consent as if a request had never been made."""
    left = replace(consent.purposes[purpose, channel], request=None)
    purposes = {**consent.purposes, (purpose, channel): left}
    if left == PurposeState():
        del purposes[purpose, channel]
    return replace(consent, purposes=purposes)


def _ending(state: PurposeState) -> Iterator[Grant]:
    for grant in (state.standing, _waiting(state)):
        if grant is not None and grant.valid_until:
            yield grant


def _waiting(state: PurposeState) -> Grant | None:
    """The request, unless the subject's own yes came after it: what was confirmed is proof."""
    asked, grant = state.request, state.grant
    return None if asked and grant and grant.moment >= asked.moment else asked
