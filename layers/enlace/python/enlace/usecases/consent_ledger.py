"""One entry of the consent ledger, with the hash that chains it to the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from enlace.domain.consent import ConsentRecord

#: Bumped when the shape of a ledger entry changes.
SCHEMA_VERSION = "2"


def ledger_entry(
    key: str, record: ConsentRecord, details: Mapping[str, Any], previous_hash: str
) -> dict[str, Any]:
    """One entry of the ledger, with its own hash.

    Who changes an entry later must change the hash of every later one.
    """
    fields = {name: getattr(record, name) for name in record.__slots__}
    entry = {
        **details,
        **_notice(details.get("notice")),
        "schema_version": SCHEMA_VERSION,
        "address_key": key,
        **{n: value for n, value in fields.items() if value or n not in ("narrow", "signals")},
        "previous_hash": previous_hash,
    }
    return {**entry, "hash": _hash(entry)}


def _notice(notice: Any) -> dict[str, str]:
    """What proves which notice was shown: its id, its language and the hash of its text.

    Whoever shows it may give the ``hash``; else it is that of the notice as it was reported.
    """
    if not isinstance(notice, dict) or not notice:
        return {}
    given = notice.get("hash")
    shown = {"notice_id": notice.get("id"), "language": notice.get("language")}
    return {
        **{name: value[:256] for name, value in shown.items() if isinstance(value, str)},
        "notice_hash": given if isinstance(given, str) and given else _hash(notice),
    }


def _hash(body: Any) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
