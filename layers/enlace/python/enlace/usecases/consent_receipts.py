"""Receipts of consent: what a person takes home of one record in the ledger.

Field names and sections are those of ISO/IEC TS 27560:2023, as the W3C community group's
guide lists them ("Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV",
sections 7 and 8; checked 2026-11-23). What nobody recorded is null, and not made up.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from enlace.domain.envelope import NAMESPACE

SCHEMA = "https://w3id.org/dpv/schema/dpv-27560#receipt-record"
#: As easy as it was to say yes (GDPR 7(3), LGPD 8 §5), whichever way is at hand.
WITHDRAWAL = (
    "the unsubscribe link or the preference page in any message",
    "a reply of SAIR, BAJA or STOP",
    "the controller's contact",
)


@dataclass(frozen=True, slots=True)
class Controller:
    """Who answers for the data, as the deployment is configured.

    Parameters
    ----------
    country : str
        ISO 3166-1, whose law applies.
    recipients : tuple of str
        Third parties that get the data.
    storage : str
        Where it is kept: the region.
    """

    name: str
    address: str
    contact: str
    country: str
    recipients: tuple[str, ...]
    storage: str

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Controller:
        """From ``CONTROLLER_…`` and ``AWS_REGION``."""
        recipients = environ.get("CONTROLLER_RECIPIENTS", "").split(",")
        return cls(
            environ.get("CONTROLLER_NAME", ""),
            environ.get("CONTROLLER_ADDRESS", ""),
            environ.get("CONTROLLER_CONTACT", ""),
            environ.get("CONTROLLER_COUNTRY", ""),
            tuple(name.strip() for name in recipients if name.strip()),
            environ.get("AWS_REGION", ""),
        )


def receipt_of(entry: Mapping[str, Any], kind: str, controller: Controller) -> dict[str, Any]:
    """The receipt of one ledger entry: the same again whenever it is asked for.

    Parameters
    ----------
    entry : mapping
        As :func:`enlace.usecases.consent_ledger.ledger_entry` made it.
    kind : str
        Of the address: the personal data that the consent is about.
    """
    record_id, key = entry["event_id"], entry["address_key"]
    notice = {
        "id": entry.get("notice_id"),
        "version": entry["notice_version"] or None,
        "hash": entry.get("notice_hash"),
    }
    return {
        "schema_version": SCHEMA,
        "record_id": record_id,
        "receipt_id": str(uuid.uuid5(NAMESPACE, f"receipt\x1f{key}\x1f{record_id}")),
        "pii_principal_id": key,
        "pii_processing": {
            "privacy_notice": notice if any(notice.values()) else None,
            "language": entry.get("language"),
            "purposes": [
                {
                    "purpose": entry["purpose"],
                    "channel": entry["channel"],
                    "lawful_basis": "consent",
                    "pii_information": [{"pii_type": kind.partition(":")[0]}],
                    "pii_controllers": ["controller"],
                    "collection_method": entry.get("method") or entry["actor"],
                    "storage_locations": [controller.storage],
                    "retention_period": entry["valid_until"] or "until withdrawn",
                    "jurisdiction": controller.country,
                    "recipient_third_parties": list(controller.recipients),
                    "withdrawal_method": list(WITHDRAWAL),
                }
            ],
        },
        "party_identification": [
            {
                "party_id": "controller",
                "party_name": controller.name,
                "party_address": controller.address,
                "party_contact": controller.contact,
                "party_role": "controller",
                "party_type": "organisation",
            }
        ],
        "events": [
            {
                "event_time": entry["occurred_at"],
                "validity_duration": entry["valid_until"] or None,
                "entity_id": key if entry["actor"] == "subject" else entry["actor"],
                "event_type": "explicit" if entry["has_evidence"] else "regular",
                "event_state": entry["state"],
            }
        ],
    }
