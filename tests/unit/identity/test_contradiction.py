"""Two people under one number stay two; one person with two spellings stays one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.claims import Claims, birth_of, claims_of, contradict, pooled
from enlace.domain.names import agreement, edit_distance, name_parts, same_part
from enlace.rules import default_rules
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, customers, interaction, resolver
from tests.stores.laws import renamed

CPF = ("cpf", CPFS[0])
EMAIL = ("email", "maria@example.com")
PHONE = ("phone", "+5511987654321")
MESSENGER = ("messenger:page", "7001")


def said(name: str = "", birth: str = "") -> Claims:
    parts = " ".join(name_parts(name))
    return Claims((parts,) if parts else (), (birth,) if birth else ())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (said("Maria da Silva"), said("José Pereira")),
        (said("Maria da Silva"), said("José da Silva")),
        (said("Ana Fontoura", "1980-05-12"), said("Bento Fontoura", "2009-11-30")),
        (said("Ana Fontoura"), said("Bento Fontoura", "2009-11-30")),
        (said("Ana", "1980-05-12"), said("Bento", "1991-02-03")),
        (said(birth="1980-05-12"), said(birth="1991-02-03")),
        (said("Maria Souza", "1980-05-12"), said("Maria Lima", "1957-08-01")),
    ],
)
def test_nobody_said_both(one: Claims, other: Claims) -> None:
    assert contradict(one, other) and contradict(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (said("João da Silva"), said("JOAO SILVA")),
        (said("João da Silva"), said("Jaoo Sliva")),
        (said("Zé Pereira"), said("José Antônio Pereira")),
        (said("Mariazinha Alves"), said("Maria Alves")),
        (said("Maria Souza"), said("Maria Souza Lima")),
        (said("Maria Souza", "1980-05-12"), said("Maria Lima", "1980-05-21")),
        (said("J. P. Fontoura"), said("João Paulo Fontoura")),
        (said("Silva, João"), said("João Silva")),
        (said("Ana Fontoura", "1980-05-12"), said("Ana Fontoura", "1980-12-05")),
        # Forms get invented dates more often than two people of one name share a number.
        (said("Ana Fontoura", "1980-05-12"), said("Ana Fontoura", "1999-09-09")),
        (said("Ana Fontoura", "1980-05-12"), said("Loja da Esquina", "1980-05-12")),
        (said("Ana Fontoura"), said(birth="1980-05-12")),
        (said(), said("Ana Fontoura")),
    ],
)
def test_one_person_may_have_said_both(one: Claims, other: Claims) -> None:
    assert not contradict(one, other) and not contradict(other, one)


def test_a_name_is_read_in_its_telling_parts() -> None:
    assert name_parts("Dra. Antônia d'Ávila dos Santos Filha") == ("antonia", "davila", "santos")
    assert name_parts("🌻 12") == ()
    assert agreement(("ana", "fontoura"), ("bia", "fontoura")) == 0
    assert agreement(("ana", "fontoura"), ("ana", "lima")) == 1
    assert agreement(("ana", "fontoura"), ("ana", "lima", "fontoura")) == 2
    # C. is Costa as well as Carla.
    assert agreement(("carla", "dias"), ("bento", "c", "moreira")) == 0


@pytest.mark.parametrize(
    ("nickname", "name"),
    [
        *(("Carlinhos", "Carlos"), ("Aninha", "Ana"), ("Marquinhos", "Marcos"), ("Ju", "Julia")),
        *(("Carol", "Caroline"), ("Nessa", "Vanessa"), ("Raphael", "Rafael"), ("Lu", "Luiza")),
        *(("Izabella", "Isabela"), ("Thiago", "Tiago"), ("Wesley", "Veslei"), ("Zé", "José")),
    ],
)
def test_people_are_called_by_many_names(nickname: str, name: str) -> None:
    assert same_part(*name_parts(nickname), *name_parts(name))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ana", "Mariana"), ("Maria", "Mariana"), ("José", "Josefa"), ("Torres", "Borges")],
)
def test_a_name_inside_another_is_not_that_name(one: str, other: str) -> None:
    assert not same_part(*name_parts(one), *name_parts(other))


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("1980-05-31", "1980-05-31"),
        ("19800531", "1980-05-31"),
        ("31/5/1980", "1980-05-31"),
        ("1980-05-31T00:00:00Z", "1980-05-31"),
        ("1900-01-01", None),
        ("1980-31-05", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_birth_dates_are_read_as_they_are_written(text: str, date: str | None) -> None:
    assert birth_of(text) == date


def test_traits_of_any_shape_are_no_error() -> None:
    traits = {"name": {"12": [], '["a"]': [], '"Ana Lima"': []}, "birthday": {"null": []}}
    assert claims_of(traits) == Claims(("ana lima",))


def test_a_lent_number_speaks_for_nobody() -> None:
    lent = Claims(("ana fontoura", "bento moreira"))
    assert pooled([lent, said("Carla Dias")]) == said("Carla Dias")


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_edit_distance_is_a_symmetric_bounded_distance(a: str, b: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) <= max(len(a), len(b))
    assert (edit_distance(a, b) == 0) == (a == b)
    assert not same_part("ana", "eva")


def test_a_relatives_cpf_joins_nobody_and_is_kept_with_the_reason() -> None:
    store = MemoryStore()
    use_case = resolver(store)
    use_case.resolve(interaction("1", EMAIL, CPF, traits={"name": "Maria Fontoura"}))
    lent = use_case.resolve(interaction("2", PHONE, CPF, traits={"name": "Bento Moreira"}))
    maria, cpf, bento = customers(store, EMAIL, CPF, PHONE)
    assert maria == cpf != bento
    (component,) = store.components.values()
    reasons = component.partition(default_rules(), "2026-11-22").refused.values()
    assert set(reasons) == {"contradiction"}
    # Told once, for the news about the contact point and for the refused tie alike.
    assert [e["effect"] for e in lent.effects].count("described") == 1


def test_of_several_people_under_a_number_it_goes_to_whom_most_others_back() -> None:
    store = MemoryStore()
    use_case = resolver(store)
    use_case.resolve(interaction("1", EMAIL, CPF, traits={"name": "Bento Fontoura"}))
    use_case.resolve(interaction("2", PHONE, CPF, traits={"name": "Maria Fontoura"}))
    assert len(set(customers(store, EMAIL, CPF))) == 1
    use_case.resolve(interaction("3", MESSENGER, (*CPF, "imported"), traits={"name": "Maria Lima"}))
    bento, cpf, maria, again = customers(store, EMAIL, CPF, PHONE, MESSENGER)
    assert bento != cpf == maria == again


def test_a_name_that_comes_later_parts_what_the_number_joined() -> None:
    store = MemoryStore()
    use_case = resolver(store)
    use_case.resolve(interaction("1", EMAIL, CPF, traits={"name": "Maria Fontoura"}))
    use_case.resolve(interaction("2", PHONE, CPF))
    assert len(set(customers(store, EMAIL, CPF, PHONE))) == 1
    late = use_case.resolve(interaction("3", PHONE, traits={"name": "Bento Moreira"}))
    assert "split" in [effect["effect"] for effect in late.effects]
    assert len(set(customers(store, EMAIL, CPF, PHONE))) == 2


def test_proven_possession_needs_no_name() -> None:
    store = MemoryStore()
    use_case = resolver(store)
    use_case.resolve(interaction("1", EMAIL, (*CPF, "proven"), traits={"name": "Maria Fontoura"}))
    use_case.resolve(interaction("2", PHONE, (*CPF, "proven"), traits={"name": "Bento Moreira"}))
    assert len(set(customers(store, EMAIL, CPF, PHONE))) == 1


NAMES = ("Maria Fontoura", "Maria F. Lima", "Bento Moreira", "Tiao", "Sebastião Moreira", "")
BIRTHS = ("1980-05-12", "1980-05-21", "1991-02-03", "")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([EMAIL, PHONE, MESSENGER, CPF]),
            st.sampled_from([CPF, EMAIL, None]),
            st.sampled_from(["proven", "stated", "imported"]),
            st.sampled_from(NAMES),
            st.sampled_from(BIRTHS),
        ),
        min_size=2,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_claims_join_and_part_alike_in_every_order(made: list[tuple], shuffler: object) -> None:
    events = [
        interaction(
            str(n),
            (*point, level),
            *([(*other, level)] if other and other != point else []),
            traits={k: v for k, v in (("name", name), ("birth_date", birth)) if v},
        )
        for n, (point, other, level, name, birth) in enumerate(made)
    ]
    in_order, shuffled = MemoryStore(), MemoryStore()
    for event in events:
        resolver(in_order).resolve(event)
    shuffler.shuffle(events)  # type: ignore[attr-defined]
    for event in [*events, *events[:3]]:
        resolver(shuffled).resolve(event)
    assert renamed(shuffled) == renamed(in_order)
