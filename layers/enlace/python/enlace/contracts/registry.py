"""The declared events: everything that may travel on the bus, and nothing else.

A minor version only adds optional fields. What would break a reader is a new
major: its own model beside the old one, with ``upgrade`` turning the old data
into the new, so that a consumer on the new one still reads what the archive or
a queue holds of the old.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from enlace.contracts import events as models
from enlace.contracts.examples import ENTRIES, on_the_bus
from enlace.contracts.types import Contract
from enlace.domain import consent_events, erasure_events, events, message_events
from enlace.domain.envelope import read_event
from enlace.errors import InvalidPayload
from enlace.senders.registry import sender_channels


@dataclass(frozen=True, slots=True)
class EventContract:
    """One declared version of one event.

    Parameters
    ----------
    name : str
        Past tense for a fact, imperative for a command.
    model : type
        The model of ``data``.
    producers, consumers : tuple of str
        Function names; a producer's source is ``enlace.<function>``.
    examples : tuple of dict
        The event as a rule delivers it, at least once; together they match every
        rule pattern that names the event.
    upgrade : callable, optional
        Data of the previous major to data of this one; wanted of every major
        above 1.
    """

    name: str
    model: type[Contract]
    kind: Literal["fact", "command"]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    examples: tuple[dict[str, Any], ...]
    major: int = 1
    minor: int = 0
    upgrade: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    @property
    def detail_type(self) -> str:
        """``<name>.v<major>``."""
        return f"{self.name}.v{self.major}"

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that may send it."""
        return tuple(f"enlace.{producer}" for producer in self.producers)

    @property
    def envelope(self) -> type[models.Envelope[Any]]:
        """The model of ``detail``."""
        return models.Envelope[self.model]  # type: ignore[name-defined]


def _contract(
    name: str,
    model: type[Contract],
    *,
    producers: tuple[str, ...],
    consumers: tuple[str, ...],
    kind: Literal["fact", "command"] = "fact",
) -> EventContract:
    return EventContract(
        name=name,
        model=model,
        kind=kind,
        producers=producers,
        consumers=consumers,
        examples=tuple(on_the_bus(entry) for entry in ENTRIES[name]),
    )


_CASES = ("dispatch_message", "api_cases")
_IDENTITY = ("resolve_identity", "api_conciliations")
_REMOVAL = ("erase_subject", "purge_retention")
_CHANGES = (*_IDENTITY, "find_candidates", "apply_rules", *_REMOVAL)

CONTRACTS: tuple[EventContract, ...] = (
    _contract(
        events.INTERACTION_RECORDED,
        models.InteractionRecorded,
        producers=("resolve_identity",),
        consumers=("dispatch_message", "record_consent", "send_crm"),
    ),
    _contract(
        events.CUSTOMER_CREATED,
        models.CustomerCreated,
        producers=_IDENTITY,
        consumers=(),
    ),
    _contract(
        events.CUSTOMER_MERGED,
        models.CustomerMerged,
        producers=_CHANGES,
        consumers=("send_crm", "follow_customers", "find_candidates"),
    ),
    _contract(
        events.CUSTOMER_SPLIT,
        models.CustomerSplit,
        producers=_CHANGES,
        consumers=("send_crm", "follow_customers", "find_candidates"),
    ),
    _contract(
        erasure_events.CUSTOMER_ERASED,
        models.CustomerErased,
        producers=_REMOVAL,
        consumers=(),
    ),
    _contract(
        events.CONTACT_POINT_DESCRIBED,
        models.ContactPointDescribed,
        producers=_CHANGES,
        consumers=("find_candidates",),
    ),
    _contract(
        events.RULES_ACTIVATED,
        models.RulesActivated,
        producers=("api_conciliations",),
        consumers=("apply_rules",),
    ),
    _contract(
        events.CASE_OPENED,
        models.CaseOpened,
        producers=("dispatch_message",),
        consumers=("follow_customers",),
    ),
    _contract(
        events.CASE_ASSIGNED,
        models.CaseAssigned,
        producers=_CASES,
        consumers=(),
    ),
    _contract(
        events.CASE_TRANSFERRED,
        models.CaseTransferred,
        producers=_CASES,
        consumers=(),
    ),
    _contract(
        events.CASE_CLOSED,
        models.CaseClosed,
        producers=_CASES,
        consumers=("follow_customers",),
    ),
    _contract(
        events.CASE_REOPENED,
        models.CaseReopened,
        producers=_CASES,
        consumers=("follow_customers",),
    ),
    _contract(
        consent_events.CONSENT_CHANGED,
        models.ConsentChanged,
        producers=(
            "api_consents",
            "api_privacy",
            "privacy_deadlines",
            "record_consent",
            "web_preferences",
        ),
        consumers=("send_crm",),
    ),
    _contract(
        message_events.DISPATCH_MESSAGE,
        models.DispatchMessage,
        kind="command",
        producers=("api_messages", "dispatch_message"),
        consumers=("dispatch_message",),
    ),
    _contract(
        message_events.SEND_MESSAGE,
        models.SendMessage,
        kind="command",
        producers=("dispatch_message", "record_consent"),
        # Each sender has its rule; they are known by being there.
        consumers=tuple(f"send_{channel}" for channel in sorted(sender_channels())),
    ),
)


def find(
    name: str, major: int, contracts: Sequence[EventContract] = CONTRACTS
) -> EventContract | None:
    """The declared contract of an event's major version, or None."""
    return next((c for c in contracts if (c.name, c.major) == (name, major)), None)


def read(
    message: str | Mapping[str, Any], contracts: Sequence[EventContract] = CONTRACTS
) -> models.Envelope[Any]:
    """Read an event of any declared major as the newest one.

    Raises
    ------
    InvalidPayload
        If it is not an event, is not declared, or breaks its contract; names
        fields, never values.
    """
    event = read_event(message)
    contract = find(event.name, event.major, contracts)
    if contract is None:
        raise InvalidPayload(f"{event.name}.v{event.major}: not declared")
    detail = _validated(contract, {"metadata": event.metadata, "data": event.data})
    while newer := find(contract.name, contract.major + 1, contracts):
        if newer.upgrade is None:
            raise InvalidPayload(f"{newer.detail_type}: cannot read its previous major")
        data = newer.upgrade(detail.data.model_dump(exclude_unset=True))
        detail = _validated(newer, {"metadata": event.metadata, "data": data})
        contract = newer
    return detail


def _validated(contract: EventContract, detail: dict[str, Any]) -> models.Envelope[Any]:
    try:
        return contract.envelope.model_validate(detail)
    except ValidationError as error:
        fields = sorted({".".join(map(str, e["loc"])) for e in error.errors()})
        raise InvalidPayload(f"{contract.detail_type}: {', '.join(fields)}") from None
