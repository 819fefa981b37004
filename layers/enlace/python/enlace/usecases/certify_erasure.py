"""Make, sign and keep the certificate of an erasure, and enter it in the journal.

Certificates form one chain: the row ``journal``/``head`` names the last one, and is written
in one transaction with the next. The journal's entries say which addresses were erased, and
when: after a restore from a backup they are what the erasures are done again from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from enlace.domain.certificate import NO_PREVIOUS, certificate, hash_of, place_entry
from enlace.domain.erasure import Census
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.rows import Row, Rows

JOURNAL, HEAD = "journal", "head"
_ATTEMPTS = 8


class Sign(Protocol):
    """See :class:`enlace.aws.kms_keys.Signer`."""

    def sign(self, message: bytes) -> dict[str, str]: ...


class Certifier:
    """The use case.

    Parameters
    ----------
    rows : Rows
    signer : Sign
    request : callable
        What a certificate says of a request, by its id.
    mark : callable
        Tells the tables how many erasures they have gone through; before the journal does,
        so that a table that knows of fewer is one that was restored.
    versions : mapping
        Of the code, the rules and the retention policy.
    now : callable
        Contract time.
    """

    def __init__(
        self,
        rows: Rows,
        signer: Sign,
        *,
        request: Callable[[str], Mapping[str, Any]],
        mark: Callable[[int], None],
        versions: Mapping[str, str],
        now: Callable[[], str],
    ):
        self._rows = rows
        self._signer = signer
        self._request = request
        self._mark = mark
        self._versions = versions
        self._now = now

    def __call__(
        self,
        request_id: str,
        *,
        round_: int,
        keys: Sequence[str],
        places: Sequence[tuple[str, str, Census]],
        erased_before: str,
        backup_expires_at: str,
    ) -> Mapping[str, Any]:
        """Certify, once; again, it gives what was certified.

        Raises
        ------
        TemporaryFailure
            If a service did not answer, or others kept certifying.
        """
        pk, sk = f"request#{request_id}", certificate_key(round_)
        for _ in range(_ATTEMPTS):
            if known := self._rows.get(pk, sk):
                return known.body
            head = self._rows.get(JOURNAL, HEAD) or Row(JOURNAL, HEAD, {"number": 0, "hash": ""})
            number = head.body["number"] + 1
            body = certificate(
                certificate_id=certificate_id(request_id, round_),
                request=self._request(request_id),
                number=number,
                keys=keys,
                places=[place_entry(*place, verified=True) for place in places],
                completed_at=self._now(),
                erased_before=erased_before,
                backup_expires_at=backup_expires_at,
                versions=self._versions,
                previous=head.body["hash"] or NO_PREVIOUS,
            )
            hash_ = hash_of(body)
            # The hash, and not the certificate: KMS signs 4,096 bytes at most.
            signature = self._signer.sign(bytes.fromhex(hash_))
            entry = {
                "request_id": request_id,
                "round": round_,
                "hash": hash_,
                "keys": list(keys),
                "erased_before": erased_before,
            }
            self._mark(number)
            try:
                self._rows.put(
                    [
                        Row(pk, sk, {**body, "signature": signature}),
                        Row(JOURNAL, f"{number:09d}", entry),
                        head.with_body(number=number, hash=hash_),
                    ]
                )
            except Conflict:
                continue
            return {**body, "signature": signature}
        raise TemporaryFailure("other erasures kept being certified")


def certificate_id(request_id: str, round_: int) -> str:
    """How a certificate is called."""
    return f"{request_id}-{round_}"


def certificate_key(round_: int) -> str:
    """The sort key of the certificate of an erasure's round."""
    return f"certificate#{round_:02d}"
