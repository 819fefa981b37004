"""Whom a request covers: what is proven, what nobody else has shown to be theirs, no more."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.erasure import SubjectIdentifier
from enlace.domain.interaction import Identifier
from enlace.rules import default_rules
from enlace.usecases.find_customer import CustomerFinder
from enlace.usecases.find_subject import Found, SubjectFinder
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, KEYS, TODAY, conciliator, interaction, resolver
from tests.stores.forgetting import forget, key_of

PHONE, EMAIL, CPF = ("phone", "+5511987654321"), ("email", "joao@example.com"), ("cpf", CPFS[0])
OTHER = ("email", "maria@example.com")


class People:
    """A store of identities, and the finder on it."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        customers = CustomerFinder(self.store, KEYS, default_rules(), today=lambda: TODAY)
        self.finder = SubjectFinder(customers, self.store)
        self._said = 0

    def hears(self, *identifiers: tuple[str, ...], **fields: Any) -> None:
        self._said += 1
        point, *others = identifiers
        resolver(self.store).resolve(interaction(f"s-{self._said}", point, *others, **fields))

    def find(self, identifier: tuple[str, str], *, whole: bool = False) -> Found:
        return self.finder.find(Identifier(*identifier), whole)

    def covered(self, identifier: tuple[str, str], *, whole: bool = False) -> set[str]:
        return {one.value for one in self.find(identifier, whole=whole).identifiers}


@pytest.fixture
def people() -> People:
    return People()


def test_an_address_alone_is_all_of_its_customer(people: People) -> None:
    people.hears(("phone", "+55 11 98765-4321"))
    found = people.find(PHONE)
    (record,) = people.store.records.values()
    key = key_of(PHONE)
    assert found.identifiers == (
        SubjectIdentifier(key, "phone", "+5511987654321", "+55 11 98765-4321"),
    )
    assert (found.customer_ids, found.left_out) == ((record.birth,), 0)
    # A customer id leads there as well, and what the finder gives may be given to it.
    assert people.find(("customer_id", record.birth)) == found
    assert people.finder.find(found.identifiers[0], False) == found


def test_who_is_not_known_or_erased_is_nobody(people: People) -> None:
    assert people.find(PHONE) == Found()
    people.hears(PHONE)
    birth = people.store.records[key_of(PHONE)].birth
    forget(people.store, PHONE, at="2026-11-22T12:00:00.000Z")
    assert people.find(PHONE) == people.find(("customer_id", birth)) == Found()


def test_what_was_merely_stated_and_is_nobody_elses_belongs_to_it(people: People) -> None:
    people.hears(PHONE, CPF, EMAIL)
    assert people.covered(PHONE) == {PHONE[1], CPF[1], EMAIL[1]}
    assert people.find(PHONE).left_out == 0
    assert len(people.find(PHONE).customer_ids) == 3


@pytest.mark.parametrize("level", ["imported", "stated", "proven"])
@pytest.mark.parametrize("loyalty", [True, False])
def test_whom_another_source_knows_by_a_stated_address_is_left_to_an_officer(
    people: People, level: str, loyalty: bool
) -> None:
    people.hears(PHONE, EMAIL)
    people.hears((*EMAIL, level), *([("loyalty", "L-1", level)] if loyalty else []))
    assert people.covered(PHONE) == {PHONE[1]}
    everything = {PHONE[1], EMAIL[1], *(["L-1"] if loyalty else [])}
    assert people.covered(PHONE, whole=True) == everything


def test_who_states_anothers_address_gets_nothing_of_theirs(people: People) -> None:
    people.hears(EMAIL)  # João has shown that this is his
    people.hears(PHONE, EMAIL, CPF)  # somebody says that it is theirs
    assert people.covered(PHONE) == {PHONE[1], CPF[1]}
    assert people.find(PHONE).left_out == 1
    assert people.covered(EMAIL) == {EMAIL[1]}
    assert people.covered(EMAIL, whole=True) == {PHONE[1], EMAIL[1], CPF[1]}
    assert people.find(EMAIL, whole=True).left_out == 0


def test_what_two_have_stated_is_for_an_officer(people: People) -> None:
    people.hears(PHONE, CPF)
    people.hears(EMAIL, CPF)
    assert people.covered(PHONE) == {PHONE[1]}
    assert people.find(PHONE).left_out == 2
    assert people.covered(PHONE, whole=True) == {PHONE[1], EMAIL[1], CPF[1]}


def test_what_is_proven_to_be_one_persons_is_covered_with_what_they_stated(people: People) -> None:
    people.hears(PHONE, (*EMAIL, "proven"))
    people.hears(EMAIL, CPF)
    people.hears(PHONE, CPF)
    assert people.covered(PHONE) == {PHONE[1], EMAIL[1], CPF[1]}


def test_those_that_vouch_only_for_each_other_are_not_shown_to_be_the_subjects(
    people: People,
) -> None:
    people.hears(PHONE, CPF)
    people.hears((*CPF, "stated"), (*OTHER, "stated"))
    # Maria's address writes: the CPF stands between the two.
    people.hears(OTHER)
    assert people.covered(PHONE) == {PHONE[1]}


def test_what_is_nobodys_is_not_the_subjects(people: People) -> None:
    people.hears(PHONE, ("email", "naotem@naotem.com"), ("cpf", "11111111111"))
    assert people.covered(PHONE) == {PHONE[1]}


def test_a_different_of_an_operator_is_kept_to(people: People) -> None:
    people.hears(PHONE, EMAIL)
    conciliator(people.store).decide(
        "different", Identifier(*PHONE), Identifier(*EMAIL), operator="op", reason="r"
    )
    assert people.covered(PHONE) == {PHONE[1]}
