"""Which messages are on their way to an address, or lately went there.

They stand in the item of the address's consent, so that one conditional write says both:
nothing has changed since it was read, and this attempt is mine. The same entries tell how
often the address was written to, which is what caps count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

#: The item must stay within one write unit, consent included.
MAX_CLAIMS = 8
#: Longer than a queue keeps a command (4 days), and than caps look back by default.
KEPT_SECONDS = 8 * 86_400
#: A message that rests on no consent is tried again within the hour or never.
BRIEF_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class SendClaim:
    """One attempt at a message to this address.

    Parameters
    ----------
    intent : str
        :func:`enlace.domain.delivery.intent_of`.
    at : int
        Unix seconds of the latest call to the provider.
    lease_until : int
        Until when nobody else may call; 0 after a call that certainly did nothing.
    calls : int
        How often the provider was, or may have been, called.
    capped : bool
        It counts for caps.
    token : str
        Of the sender that wrote it.
    """

    intent: str
    at: int
    lease_until: int
    calls: int
    capped: bool
    token: str

    @property
    def message_id(self) -> str:
        """Without the attempt."""
        return self.intent.partition("/")[0]


def claim_of(claims: Iterable[SendClaim], intent: str) -> SendClaim | None:
    """The claim of an attempt, where there is one."""
    return next((claim for claim in claims if claim.intent == intent), None)


def with_claim(claims: Iterable[SendClaim], claim: SendClaim) -> tuple[SendClaim, ...]:
    """The claims with one more, without what is too old to matter; newest first.

    What counts for caps, and what must never be sent twice, stays longest.
    """
    others = [
        other
        for other in claims
        if other.intent != claim.intent
        and claim.at - other.at < (KEPT_SECONDS if other.capped else BRIEF_SECONDS)
    ]
    kept = sorted(others, key=lambda other: (other.capped, other.at), reverse=True)
    newest = sorted((claim, *kept[: MAX_CLAIMS - 1]), key=lambda c: (-c.at, c.intent))
    return tuple(newest)


def released(claims: Iterable[SendClaim], mine: SendClaim) -> tuple[SendClaim, ...]:
    """The claims after a call of mine that certainly did nothing."""
    result = []
    for claim in claims:
        if claim.intent != mine.intent or claim.token != mine.token:
            result.append(claim)
        elif mine.calls > 1:
            # After a doubtful call it stays doubtful, whatever this one found.
            result.append(replace(claim, calls=mine.calls - 1, lease_until=0))
    return tuple(result)


def dump(claims: Iterable[SendClaim]) -> str:
    """As text, short."""
    return " ".join(
        f"{c.intent},{c.at},{max(c.lease_until - c.at, 0)},{c.calls},{int(c.capped)},{c.token}"
        for c in claims
    )


def load(text: str) -> tuple[SendClaim, ...]:
    """The inverse of :func:`dump`."""
    claims = []
    for part in text.split():
        intent, at, lease, calls, capped, token = part.split(",")
        since = int(at)
        until = since + int(lease) if lease != "0" else 0
        claims.append(SendClaim(intent, since, until, int(calls), capped == "1", token))
    return tuple(claims)
