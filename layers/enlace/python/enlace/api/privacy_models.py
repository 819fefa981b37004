"""Bodies of the routes about data subjects' requests; see :mod:`enlace.api.models`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, RootModel

from enlace.api.models import Answer, IdentifierRequest
from enlace.contracts.types import Contract, Text, Time

Type = Literal["access", "portability", "rectification", "erasure", "objection", "information"]
Regulation = Literal["lgpd", "gdpr"]
Status = Literal[
    "received",
    "verified",
    "fenced",
    "running",
    "awaiting_processors",
    "verifying",
    "completed",
    "partial",
    "rejected",
    "cancelled",
]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Reason = Annotated[Text, Field(min_length=1, max_length=1000, pattern=r"\S")]


class PrivacyRequest(Contract):
    """What a person asks for, by one of their identifiers."""

    type: Type
    identifier: IdentifierRequest
    regulation: Regulation
    language: Literal["pt-BR", "es", "en"] = "pt-BR"
    """Of what the person is written."""
    changes: Annotated[
        dict[Word, Annotated[Text, Field(min_length=1, max_length=500)]] | None,
        Field(min_length=1, max_length=20),
    ] = None
    """Of a rectification: traits, and what they are to be."""


class CodeVerification(Contract):
    """The code that the address got."""

    code: Annotated[Text, Field(min_length=1, max_length=12, pattern=r"\S")]


class OperatorVerification(Contract):
    """An officer's word: how they know who asks."""

    operator_reason: Reason
    whole_customer: bool = True
    """Everything that the company holds to be this customer; else what the identifier has
    proven."""


class Verification(RootModel[CodeVerification | OperatorVerification]):
    """Either of the two."""


class ReasonRequest(Contract):
    """Why."""

    reason: Reason


class RequestedBy(Answer):
    """The identifier that was named."""

    kind: str


class RequestStep(Answer):
    """One change of a request."""

    at: Time
    status: Status
    reason: str | None


class Summary(Answer):
    """The simplified answer to an access request."""

    data_held: bool
    records: dict[str, int]
    """How many of each sort."""
    recipients: list[str]


class KeptFromErasure(Answer):
    """What a legal hold kept from an erasure in one place."""

    place: str
    hold_id: str
    records: int


class PrivacyRequestAnswer(Answer):
    """A request, and where it is; nothing in clear."""

    request_id: str
    type: Type
    regulation: Regulation
    status: Status
    reason: str | None
    identifier: RequestedBy
    received_at: Time
    deadline: Time
    extended: bool
    code_sent: bool
    """A code waits for being told; else an officer has to verify the request."""
    verified_at: Time | None
    verified_by: Literal["code", "operator", "controller"] | None
    whole_customer: bool
    duplicate_of: str | None
    """An open one of the same sort, by the same identifier."""
    completed_at: Time | None
    alerts: list[int]
    """Percent of the time to the deadline that have passed."""
    summary: Summary | None
    held: list[KeptFromErasure] | None
    """Of an erasure that is asked for by its id; the holds' release erases it."""
    history: list[RequestStep]


class PrivacyRequestPage(Answer):
    """Requests, newest first."""

    items: list[PrivacyRequestAnswer]
    next_cursor: str | None


class CopyDocument(Answer):
    """The copy itself; docs/privacy-export.md describes its records."""

    schema_version: str
    request_id: str
    generated_at: Time
    records: list[dict[str, Any]]


class CopyLink(Answer):
    """Where a copy is that is too long for an answer: a zip with one file of the form."""

    download_url: str
    """Whoever has it can get the file."""
    expires_at: Time
    """Of the link."""
    file_name: str
    bytes: int
    sha256: str


class Copy(RootModel[CopyDocument | CopyLink]):
    """Either of the two; as CSV, text instead of the former."""


class KeptRecord(Answer):
    """What stayed, and why."""

    what: str
    count: int
    ground: str
    until: str


class CertifiedPlace(Answer):
    """What was found and done in one place."""

    place: str
    method: str
    found: int
    deleted: int
    retained: int
    kept: list[KeptRecord]
    verified: bool
    evidence: str


class Signature(Answer):
    """By whom it is signed; over the SHA-256 of the rest as canonical JSON."""

    algorithm: str
    key_id: str
    public_key: str
    value: str


class Certificate(Answer):
    """The certificate of an erasure; `enlace certificate verify` checks it offline."""

    schema_version: str
    certificate_id: str
    number: int
    request_id: str
    regulation: str
    received_at: str
    verified_at: str
    verified_by: str
    deadline: str
    completed_at: Time
    erased_before: Time
    subject: list[str]
    """Address keys: keyed hashes."""
    places: list[CertifiedPlace]
    found: int
    deleted: int
    retained: int
    residual_hits: int
    backup_expires_at: Time
    versions: dict[str, str]
    previous_hash: str
    signature: Signature
    earlier: list[dict[str, Any]] | None = None
    """Certificates of the same erasure from before a legal hold was released."""


class HeldRecord(Contract):
    """One record: an interaction in `timeline`, a case in `cases`."""

    place: Literal["timeline", "cases"]
    id: Annotated[Text, Field(min_length=1, max_length=200, pattern=r"\S")]


class HoldRequest(Contract):
    """What must not be erased, and why."""

    records: Annotated[list[HeldRecord], Field(min_length=1, max_length=200)]
    ground: Annotated[Text, Field(min_length=1, max_length=500, pattern=r"\S")]
    authority: Annotated[Text, Field(min_length=1, max_length=200, pattern=r"\S")]
    until: Time | None = None


class Held(Answer):
    """One record that is held."""

    place: str
    id: str


class HeldPlace(Answer):
    """How much a legal hold keeps in one place."""

    place: str
    named: int
    """Records that the hold names."""
    kept: int
    """Records that it kept from erasures by now, with what belongs to them."""


class Hold(Answer):
    """A legal hold."""

    hold_id: str
    records: list[Held]
    places: list[HeldPlace]
    ground: str
    authority: str
    until: Time | None
    placed_at: Time
    released_at: Time | None


class HoldPage(Answer):
    """Every legal hold."""

    items: list[Hold]
