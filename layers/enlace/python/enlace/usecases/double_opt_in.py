"""A yes that came from elsewhere is a request, until the address itself confirms it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from enlace.domain.consent import (
    OPT_IN,
    SUBJECT,
    AddressConsent,
    ConsentPolicy,
    ConsentRecord,
    PurposeState,
    evaluate,
)
from enlace.domain.interaction import utc_text

#: So long can a double opt-in be confirmed; what is asked again meanwhile sends nothing more.
REQUEST_DAYS = 7


def as_request(
    consent: AddressConsent, record: ConsentRecord, policy: ConsentPolicy
) -> tuple[ConsentRecord, bool]:
    """A request with its end, and whether the address is asked to confirm it.

    Once, however often it is requested before that end; and not for what somebody's
    list says, nor where the address has said no.
    """
    at = record.received_at
    state = consent.purposes.get((record.purpose, record.channel), PurposeState())
    waiting = policy.pending(state, record.purpose, at)
    if waiting and waiting.valid_until > at:
        return replace(record, valid_until=waiting.valid_until), False
    ends = utc_text(datetime.fromisoformat(at) + timedelta(days=REQUEST_DAYS))
    record = replace(record, valid_until=ends)
    only = replace(consent, purposes={(record.purpose, record.channel): state}, signals={})
    asked = evaluate(only.with_record(record), OPT_IN, record.channel, now=at, policy=policy)
    return record, asked.allowed and record.actor != "import"


def confirmations(
    consent: AddressConsent,
    channel: str,
    event_id: str,
    *,
    purpose: str,
    now: str,
    policy: ConsentPolicy,
) -> Iterator[tuple[ConsentRecord, dict[str, str]]]:
    """The records by which an address confirms what waits for it, and which each confirms.

    Parameters
    ----------
    event_id : str
        Of the confirmation; each record's is made from it.
    purpose : str
        The one that is confirmed; "" for every one that waits on the channel.
    """
    for (about, at), state in sorted(consent.purposes.items()):
        wanted = at == channel and purpose in ("", about)
        asked = policy.pending(state, about, now) if wanted else None
        if asked is None or asked.valid_until <= now:
            continue
        said = ConsentRecord(
            f"{event_id}-{about}",
            about,
            channel,
            "granted",
            SUBJECT,
            now,
            now,
            has_evidence=True,
            notice_version=asked.notice_version,
        )
        yield said, {"confirms": asked.moment.event_id, "method": "double_opt_in"}
