"""Bodies of the routes about consent as pydantic models; see :mod:`enlace.api.models`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from enlace.api.models import Answer, IdentifierRequest
from enlace.contracts.types import Contract, Time

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class ConsentLookup(Contract):
    """Whose consent is asked for."""

    identifier: IdentifierRequest
    purpose: Word | None = None
    """With `channel`: only this one."""
    channel: Word | None = None


class ConsentRequest(Contract):
    """What somebody said."""

    identifier: IdentifierRequest
    channel: Word
    purpose: Word
    state: Literal["requested", "granted", "denied", "withdrawn", "resumed"]
    """`requested` has the address asked, once, to confirm; on channels of double opt-in a
    `granted` becomes it, unless `evidence.confirmed_at` says when the address confirmed it
    elsewhere. `resumed` ends the pause after an ambiguous reply, once a person has read it."""
    actor: Literal["subject", "agent", "import"]
    evidence: dict[str, Any] = Field(default_factory=dict)
    """How the subject said it; a grant without it undoes no denial."""
    notice: dict[str, Any] = Field(default_factory=dict)
    """The privacy notice that was shown: `id`, `version`, `language`."""
    occurred_at: Time | None = None
    valid_until: Time | None = None


class EffectiveConsent(Answer):
    """What holds for one purpose on one channel."""

    purpose: str
    channel: str
    state: Literal["granted", "denied"]
    step: int
    """Of the evaluation: what decided; 0 where nothing is on record."""
    reason: str
    record: dict[str, Any] | None
    """The ledger entry that decided."""


class ConsentAnswer(EffectiveConsent):
    """What was recorded, and what holds."""

    consent_id: str
    said: str
    """What was recorded: a `granted` may have become `requested`."""
    conflict: bool
    """A yes that changed nothing, because a denial stands."""


class ConsentPage(Answer):
    """What holds for an address; with a purpose and a channel, that one's fields too."""

    items: list[EffectiveConsent]
    next_cursor: str | None
    purpose: str | None = None
    channel: str | None = None
    state: Literal["granted", "denied"] | None = None
    step: int | None = None
    reason: str | None = None
    record: dict[str, Any] | None = None


class ReceiptRequest(Contract):
    """Of which record a receipt is wanted."""

    identifier: IdentifierRequest
    consent_id: Annotated[str, Field(min_length=1, max_length=256)]
    """As `POST /v1/consents` answered, or `record.event_id` of a look-up."""


class PersonalDataKind(Answer):
    """What the consent is about."""

    pii_type: str


class ReceiptNotice(Answer):
    """The privacy notice that was shown."""

    id: str | None
    version: str | None
    hash: str | None
    """Of its text, where it was given; else of the notice as it was reported."""


class ReceiptPurpose(Answer):
    """One purpose, with all that belongs to it."""

    purpose: str
    channel: str
    lawful_basis: str
    pii_information: list[PersonalDataKind]
    pii_controllers: list[str]
    """`party_id` of each."""
    collection_method: str
    storage_locations: list[str]
    retention_period: str
    """A time, or `until withdrawn`."""
    jurisdiction: str
    recipient_third_parties: list[str]
    withdrawal_method: list[str]


class ReceiptProcessing(Answer):
    """The processing section."""

    privacy_notice: ReceiptNotice | None
    language: str | None
    purposes: list[ReceiptPurpose]


class ReceiptParty(Answer):
    """The party section: the controller as the deployment names it."""

    party_id: str
    party_name: str
    party_address: str
    party_contact: str
    party_role: str
    party_type: str


class ReceiptEvent(Answer):
    """The event section: what was said, when and by whom."""

    event_time: Time
    validity_duration: str | None
    entity_id: str
    """The address's key where the subject said it; else who did."""
    event_type: Literal["explicit", "regular"]
    event_state: str


class ConsentReceipt(Answer):
    """A receipt with the fields of ISO/IEC TS 27560:2023."""

    schema_version: str
    record_id: str
    receipt_id: str
    """The same whenever it is asked for."""
    pii_principal_id: str
    """The address's key: a receipt holds no clear address."""
    pii_processing: ReceiptProcessing
    party_identification: list[ReceiptParty]
    events: list[ReceiptEvent]
