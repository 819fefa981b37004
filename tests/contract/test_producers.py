"""Whatever is published is declared, and is as its model says: no field less, none more."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.contracts.registry import CONTRACTS, find, read
from enlace.contracts.schema import event_schema
from enlace.domain import case_events, consent_events, erasure_events, events, message_events
from enlace.domain.consent import ACTORS, STATES
from enlace.domain.envelope import AddressRef, Cause, Entry, read_event
from enlace.domain.interaction import Identifier, parse_interaction
from enlace.domain.protocol import make_protocol
from enlace.domain.service import NATURES
from enlace.errors import InvalidPayload, NotFound
from enlace.senders.registry import sender_channels
from enlace.usecases.publish import effect_entries, resolved_entries
from local.memory_store import MemoryStore
from tests.contract.consumers import NOW, EntryBus, dispatch
from tests.contract.strategies import JSON, SHORT, UUIDS, interactions
from tests.stores.builders import CPFS, conciliator, interaction, resolver

AT = "2026-11-20T12:34:56.123Z"
MANY = settings(max_examples=100, deadline=None)

KEYS = st.builds(
    "{}#{}".format,
    st.sampled_from(["email", "phone", "messenger", "anonymous_id"]),
    st.text("abcXYZ019_-", min_size=22, max_size=22),
)
ADDRESSES = KEYS.map(lambda key: AddressRef(key.partition("#")[0], key))
CUSTOMERS = st.text("abcdefgh234567", min_size=10, max_size=70).map("c{}".format)
CAUSES = st.builds(
    Cause,
    st.sampled_from(
        ["interaction_id", "conciliation_id", "rules_version", "request_id", "retention_policy"]
    ),
    UUIDS,
)
TIMES = {"occurred_at": st.just(AT), "recorded_at": st.just(AT)}


def as_delivered(entry: Entry) -> dict[str, Any]:
    return {
        "version": "0",
        "source": entry.source,
        "detail-type": entry.detail_type,
        "detail": json.loads(entry.detail),
    }


def assert_keeps_its_contract(entry: Entry) -> None:
    """Declared, from a declared source, valid, and without a field that is not declared."""
    message = as_delivered(entry)
    event = read_event(message)
    contract = find(event.name, event.major)
    assert contract is not None, f"{entry.detail_type} is not declared"
    assert entry.source in contract.sources
    written = read(message).model_dump(exclude_unset=True)
    assert written == message["detail"]
    assert written["metadata"]["schema_version"] == f"{contract.major}.{contract.minor}"
    validator(event.name, event.major).validate(message)


@cache
def validator(name: str, major: int) -> jsonschema.Draft202012Validator:
    """Of the declared schema, which is made once."""
    contract = find(name, major)
    assert contract is not None
    return jsonschema.Draft202012Validator(event_schema(contract))


PROTOCOLS = st.builds(make_protocol, UUIDS, st.just(AT))


def changed(name: str, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Entry]:
    """A change of a case, from either of its producers."""
    return st.builds(
        case_events.case_changed,
        st.just(name),
        protocol=PROTOCOLS,
        customer_id=CUSTOMERS,
        contact_point=ADDRESSES,
        change_id=UUIDS,
        by=SHORT,
        causation_id=UUIDS,
        source=st.sampled_from([events.DISPATCHER, "enlace.api_cases"]),
        **more,
        **TIMES,
    )


ENTRIES = {
    events.INTERACTION_RECORDED: st.builds(
        events.interaction_recorded,
        interactions().map(lambda body: parse_interaction(body, received_at=AT)),
        customer_id=CUSTOMERS,
        contact_point=ADDRESSES,
        timeline_key=SHORT,
        protocol=st.none() | SHORT,
        open_case=st.booleans(),
        opt_out=st.sampled_from([None, "stop", "ambiguous"]),
        **TIMES,
    ),
    events.CUSTOMER_CREATED: st.builds(
        events.customer_created, customer_id=CUSTOMERS, identifier=ADDRESSES, cause=CAUSES, **TIMES
    ),
    events.CUSTOMER_MERGED: st.builds(
        events.customer_merged,
        customer_id=CUSTOMERS,
        merged=st.lists(CUSTOMERS, min_size=1, max_size=3),
        cause=CAUSES,
        evidence=st.lists(
            st.tuples(KEYS, KEYS, st.sampled_from(["proven", "stated", "imported", "decision"])),
            max_size=3,
        ),
        identifiers=st.dictionaries(CUSTOMERS, st.lists(KEYS, max_size=3), max_size=3),
        source=st.sampled_from([events.RESOLVER, "enlace.api_conciliations"]),
        **TIMES,
    ),
    events.CUSTOMER_SPLIT: st.builds(
        events.customer_split,
        customer_id=CUSTOMERS,
        into=st.lists(
            st.tuples(CUSTOMERS, st.lists(KEYS, min_size=1, max_size=3)), min_size=1, max_size=3
        ),
        cause=CAUSES,
        **TIMES,
    ),
    erasure_events.CUSTOMER_ERASED: st.builds(
        erasure_events.customer_erased,
        customer_id=CUSTOMERS,
        cause=CAUSES,
        source=st.sampled_from([erasure_events.ERASER, "enlace.purge_retention"]),
        **TIMES,
    ),
    events.CONTACT_POINT_DESCRIBED: st.builds(
        events.contact_point_described,
        customer_id=CUSTOMERS,
        contact_point=ADDRESSES,
        cause=CAUSES,
        **TIMES,
    ),
    events.RULES_ACTIVATED: st.builds(
        events.rules_activated,
        version=SHORT,
        previous_version=SHORT,
        activated_at=st.just(AT),
        recorded_at=st.just(AT),
    ),
    events.CASE_OPENED: st.builds(
        case_events.case_opened,
        protocol=PROTOCOLS,
        customer_id=CUSTOMERS,
        contact_point=ADDRESSES,
        interaction_id=UUIDS,
        nature=st.none() | st.sampled_from(NATURES),
        causation_id=UUIDS,
        follows=st.none() | PROTOCOLS,
        related=st.lists(PROTOCOLS, max_size=3),
        **TIMES,
    ),
    events.CASE_ASSIGNED: changed(events.CASE_ASSIGNED, to=SHORT),
    events.CASE_TRANSFERRED: changed(events.CASE_TRANSFERRED, to=SHORT, channel=st.none() | SHORT),
    events.CASE_CLOSED: changed(events.CASE_CLOSED),
    events.CASE_REOPENED: changed(events.CASE_REOPENED),
    consent_events.CONSENT_CHANGED: st.builds(
        consent_events.consent_changed,
        consent_id=UUIDS,
        contact_point=ADDRESSES,
        purpose=st.sampled_from(["marketing", "profiling"]),
        channel=st.sampled_from(["email", "sms"]),
        said=st.sampled_from(STATES),
        actor=st.sampled_from(ACTORS),
        allowed=st.booleans(),
        occurred_at=st.just(AT),
        recorded_at=st.just(AT),
        source=st.sampled_from(["enlace.api_consents", "enlace.web_preferences"]),
    ),
    message_events.DISPATCH_MESSAGE: st.builds(
        message_events.dispatch_message,
        message_id=UUIDS,
        purpose=st.sampled_from(["transactional", "marketing"]),
        cause=st.sampled_from(message_events.CAUSES),
        attempt=st.integers(0, 9),
        source=st.sampled_from(["enlace.api_messages", "enlace.dispatch_message"]),
        at=st.just(AT),
    ),
    message_events.SEND_MESSAGE: st.builds(
        message_events.send_message,
        message_id=UUIDS,
        customer_id=CUSTOMERS,
        purpose=st.sampled_from(["transactional", "marketing", "confirmation"]),
        template=st.sampled_from(["protocol_opened", "newsletter"]),
        language=st.sampled_from(["pt-BR", "es", "en"]),
        channel=st.sampled_from(sorted(sender_channels())),
        contact_point=ADDRESSES,
        data=st.dictionaries(SHORT, st.integers() | SHORT, max_size=3),
        expires_at=st.just(AT),
        template_version=st.sampled_from(["", "shipped-0123456789ab"]),
        attempt=st.integers(1, 9),
        why=st.lists(st.tuples(st.just(AT), SHORT, SHORT, SHORT), max_size=2),
        attachments=st.lists(SHORT, max_size=2),
        correlation_id=UUIDS,
        causation_id=UUIDS,
        **TIMES,
    ),
}


def test_every_declared_event_has_a_builder_here_and_the_other_way_round() -> None:
    assert {contract.name for contract in CONTRACTS} == set(ENTRIES)


@pytest.mark.parametrize("name", ENTRIES)
@MANY
@given(data=st.data())
def test_builders_keep_the_contracts(name: str, data: st.DataObject) -> None:
    entry = data.draw(ENTRIES[name])
    assert read_event(as_delivered(entry)).name == name
    assert_keeps_its_contract(entry)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.detail_type)
def test_a_producer_that_forgets_or_adds_a_field_is_found_out(contract: Any) -> None:
    event = contract.examples[0]
    detail = event["detail"]
    required = contract.model.model_json_schema()["required"]
    for name in required:
        data = {key: value for key, value in detail["data"].items() if key != name}
        with pytest.raises(InvalidPayload, match=f"data.{name}"):
            read({**event, "detail": {**detail, "data": data}})
    for name in detail["metadata"]:
        metadata = {key: value for key, value in detail["metadata"].items() if key != name}
        with pytest.raises(InvalidPayload):
            read({**event, "detail": {**detail, "metadata": metadata}})
    entry = Entry(
        event["source"],
        event["detail-type"],
        json.dumps({**detail, "data": {**detail["data"], "extra": 1}}),
        "",
    )
    with pytest.raises(AssertionError):
        assert_keeps_its_contract(entry)


# The real use cases over the memory store: they, and not these tests, choose the arguments.

PEOPLE = (
    ("phone", "+5511987654321"),
    ("email", "joao@example.com"),
    ("cpf", CPFS[0]),
    ("user_id", "u-1"),
    ("email", "ana@example.com"),
    ("messenger:1029", "psid-1"),
    ("anonymous_id:loja", "a-1"),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Any]:
    """Contacts that carry further identifiers, so that customers are born and merged."""
    story = []
    for n in range(draw(st.integers(1, 8))):
        point, *others = draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3))
        type_ = draw(st.sampled_from(["message.received", "complaint.opened", "order.placed"]))
        fields_: dict[str, Any] = {}
        if type_ == "order.placed":
            fields_["data"] = {"order_id": f"A-{n}", "value": {"amount": n, "currency": "BRL"}}
        elif draw(st.booleans()):
            fields_["data"] = {"nature": draw(st.sampled_from(NATURES) | st.text(max_size=3))}
        fields_["conversation"] = draw(st.just({}) | st.fixed_dictionaries({"protocol": JSON}))
        at = f"2026-11-2{draw(st.integers(0, 2))}T1{n}:00:00.000Z"
        story.append(interaction(str(n), point, *others, at=at, type_=type_, **fields_))
    return story


def published_by_identity(story: Iterable[Any], store: MemoryStore) -> list[Entry]:
    use_case = resolver(store)
    return [
        entry for event in story for entry in resolved_entries(use_case.resolve(event), NOW_TEXT)
    ]


NOW_TEXT = "2026-11-22T12:00:00.000Z"


@MANY
@given(stories(), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.booleans())
def test_the_identity_use_cases_keep_the_contracts(
    story: list[Any], a: tuple[str, str], b: tuple[str, str], same: bool
) -> None:
    store = MemoryStore()
    entries = published_by_identity(story, store)
    if a != b:
        decision = "same" if same else "different"
        try:
            made = conciliator(store).decide(
                decision, Identifier(*a), Identifier(*b), operator="op-1", reason="told"
            )
        except NotFound:
            outcomes = []
        else:
            outcomes = [made, conciliator(store).withdraw(made.id, operator="op-1")]
        for outcome in outcomes:
            entries += effect_entries(
                outcome.effects,
                Cause("conciliation_id", outcome.id),
                outcome.decided_at,
                NOW_TEXT,
                "enlace.api_conciliations",
            )
    for entry in entries:
        assert_keeps_its_contract(entry)


def test_the_stories_above_reach_every_event_of_identity() -> None:
    store = MemoryStore()
    phone, email, cpf = PEOPLE[:3]
    entries = published_by_identity(
        [interaction("1", phone), interaction("2", email), interaction("3", phone, email, cpf)],
        store,
    )
    made = conciliator(store).decide(
        "different", Identifier(*phone), Identifier(*email), operator="op-1", reason="told"
    )
    cause = Cause("conciliation_id", made.id)
    entries += effect_entries(made.effects, cause, made.decided_at, NOW_TEXT)
    assert {read_event(as_delivered(entry)).name for entry in entries} == {
        events.INTERACTION_RECORDED,
        events.CUSTOMER_CREATED,
        events.CUSTOMER_MERGED,
        events.CUSTOMER_SPLIT,
    }
    for entry in entries:
        assert_keeps_its_contract(entry)


@MANY
@given(stories())
def test_the_dispatch_use_case_keeps_the_contracts(story: list[Any]) -> None:
    store, bus = MemoryStore(), EntryBus()
    use_case = dispatch(timeline=store, bus=bus)
    for entry in published_by_identity(story, store):
        event = read_event(as_delivered(entry))
        if event.name == events.INTERACTION_RECORDED:
            use_case(event)
    for entry in bus.entries:
        assert_keeps_its_contract(entry)


def test_the_dispatch_stories_can_reach_both_events() -> None:
    store, bus = MemoryStore(), EntryBus()
    use_case = dispatch(timeline=store, bus=bus)
    at = f"{NOW:%Y-%m-%dT%H:%M:%S}.000Z"
    story = [interaction("1", PEOPLE[0], at=at, type_="complaint.opened")]
    for entry in published_by_identity(story, store):
        event = read_event(as_delivered(entry))
        if event.name == events.INTERACTION_RECORDED:
            use_case(event)
    names = [read_event(as_delivered(entry)).name for entry in bus.entries]
    assert names == [events.CASE_OPENED, message_events.SEND_MESSAGE]


def test_an_entry_has_nothing_beside_what_put_events_takes() -> None:
    assert [field.name for field in fields(Entry)] == [
        "source",
        "detail_type",
        "detail",
        "event_id",
    ]
