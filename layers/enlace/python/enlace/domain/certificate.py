"""The certificate of an erasure: what there was, what went, what stayed and why.

It names nobody: the subject stands in it by address keys (keyed hashes). Each certificate
carries the hash of the one before it and is signed, so that none can be altered, taken out
or put in without its being seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from enlace.domain.erasure import Census

SCHEMA_VERSION = "1.0"
#: Before the first certificate of a deployment.
NO_PREVIOUS = "0" * 64


def canonical(body: Mapping[str, Any]) -> bytes:
    """The bytes that are hashed and signed: JSON, sorted, without blanks, in UTF-8."""
    return json.dumps(
        body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def hash_of(certificate: Mapping[str, Any]) -> str:
    """The hash of a certificate without its signature, as the next one carries it."""
    unsigned = {name: value for name, value in certificate.items() if name != "signature"}
    return hashlib.sha256(canonical(unsigned)).hexdigest()


def place_entry(name: str, method: str, census: Census, verified: bool) -> dict[str, Any]:
    """What a certificate says of one place."""
    body: dict[str, Any] = {
        "place": name,
        "method": method,
        "found": census.found,
        "deleted": census.found - census.retained,
        "retained": census.retained,
        "kept": [asdict(kept) for kept in census.kept],
        "verified": verified,
    }
    return {**body, "evidence": hashlib.sha256(canonical(body)).hexdigest()}


def certificate(
    *,
    certificate_id: str,
    request: Mapping[str, Any],
    number: int,
    keys: Sequence[str],
    places: Sequence[Mapping[str, Any]],
    completed_at: str,
    erased_before: str,
    backup_expires_at: str,
    versions: Mapping[str, str],
    previous: str,
) -> dict[str, Any]:
    """A certificate without its signature.

    Parameters
    ----------
    request : mapping
        ``request_id``, ``regulation``, ``received_at``, ``verified_at``, ``verified_by``,
        ``deadline``.
    number : int
        In the chain, from 1.
    keys : sequence of str
        The subject's address keys.
    versions : mapping
        Of the code, the rules and the retention policy.
    previous : str
        Hash of the certificate before it.
    """
    wanted = ("request_id", "regulation", "received_at", "verified_at", "verified_by", "deadline")
    return {
        "schema_version": SCHEMA_VERSION,
        "certificate_id": certificate_id,
        "number": number,
        **{name: request.get(name) or "" for name in wanted},
        "completed_at": completed_at,
        "erased_before": erased_before,
        "subject": sorted(keys),
        "places": [dict(place) for place in places],
        "found": sum(place["found"] for place in places),
        "deleted": sum(place["deleted"] for place in places),
        "retained": sum(place["retained"] for place in places),
        "residual_hits": sum(not place["verified"] for place in places),
        "backup_expires_at": backup_expires_at,
        "versions": dict(versions),
        "previous_hash": previous,
    }


class BrokenChain(Exception):
    """A certificate does not follow the one before it; the text says which and why."""


def check_chain(certificates: Sequence[Mapping[str, Any]]) -> None:
    """Check that certificates follow each other without a gap, in the order of their numbers.

    Raises
    ------
    BrokenChain
        If one is missing, doubled or altered.
    """
    ordered = sorted(certificates, key=lambda one: int(one["number"]))
    for number, one in enumerate(ordered):
        if number == 0:
            if one["number"] == 1 and one["previous_hash"] != NO_PREVIOUS:
                raise BrokenChain("certificate 1 names one before it")
            continue
        before = ordered[number - 1]
        if one["number"] != before["number"] + 1:
            raise BrokenChain(f"after certificate {before['number']} comes {one['number']}")
        if one["previous_hash"] != hash_of(before):
            raise BrokenChain(
                f"certificate {one['number']} does not carry the hash of {before['number']}"
            )
