"""Erasing from the CRM: nothing of the subject is left, or made again, and others keep theirs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import urllib3

from enlace.domain.envelope import Cause
from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.interaction import Interaction
from enlace.errors import EnlaceError, TemporaryFailure
from enlace.usecases.erase_crm import BY_HAND, CrmPlace
from enlace.usecases.publish import effect_entries
from enlace.usecases.restored_mappings import RestoredMappings
from tests.stores.builders import customers, interaction
from tests.stores.forgetting import forget, key_of
from tests.unit.senders.crm_providers import PROVIDERS, erasing
from tests.unit.usecases.crm_scene import NOW, CrmScene

PHONE = ("phone", "+5511987654321")
EMAIL = ("email", "joao@example.com")
NEIGHBOUR = ("phone", "+5511912345678")
ERASED, LATER = "2026-11-22T12:00:00.000Z", "2026-11-22T13:00:00.000Z"
NOON = 1_795_348_800.0


class Scene(CrmScene):
    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self.clock = NOON + 100
        self.place = CrmPlace(
            # The same access to the CRM: RD Station's tokens are for one use.
            erasing(self.follow._crm),
            identities=self.store,
            timeline=self.store,
            mappings=self.mappings,
            clock=lambda: self.clock,
        )

    def live(self, *made: Interaction) -> None:
        for one in made:
            self.happen(one)
        self.deliver_all()

    def forget(self, *identifiers: tuple[str, str]) -> Subject:
        """The identity and the timeline go, as the saga has it."""
        births = [self.store.records[key_of(one)].birth for one in identifiers]
        keys = [key_of(one) for one in identifiers]
        ids = [i.body["id"] for key in keys for i in self.store.timelines.get(key, {}).values()]
        told = forget(self.store, *identifiers, at=ERASED)
        others = [effect for effect in told if effect["effect"] != "erased"]
        cause = Cause("request_id", "request-1")
        self.publish(effect_entries(others, cause, NOW, NOW, "enlace.erase_subject"))
        for key in keys:
            self.store.timelines.pop(key, None)
        return Subject(
            "request-1",
            ERASED,
            tuple(SubjectIdentifier(key_of(one), *one) for one in identifiers),
            tuple(births),
            {"interactions": tuple(ids)},
        )

    def erased(self, subject: Subject) -> None:
        assert self.place.erase(subject, lambda: True)
        census = self.place.census(subject)
        assert census.found == census.retained

    def says(self, text: str) -> bool:
        """Whether the CRM says something anywhere that its API could take away."""
        fake = self.crm
        held = [fake.views(), getattr(fake, "bin", None), getattr(fake, "contacts", None)]
        held += [getattr(fake, "records", None), getattr(fake, "deals", None)]
        notes = [] if self.provider == "rd_station" else fake.texts()
        return text in repr([held, notes])


@pytest.fixture(params=sorted(PROVIDERS))
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


def said(id_: str, point: tuple[str, str], *others: tuple[str, str], **fields: Any) -> Interaction:
    fields.setdefault("traits", {"name": "João da Silva"})
    return interaction(id_, point, *others, data={"text": "segredo"}, **fields)


def test_a_customer_is_erased_with_all_that_was_said(scene: Scene) -> None:
    scene.live(
        said("1", PHONE, EMAIL),
        said("2", EMAIL),
        interaction("n", NEIGHBOUR, traits={"name": "Ana"}, data={"text": "oi"}),
    )
    neighbour = scene.view(customers(scene.store, NEIGHBOUR)[0] or "")
    subject = scene.forget(PHONE, EMAIL)
    census = scene.place.census(subject)
    assert census.found > census.retained
    assert bool(census.retained) == (scene.provider == "rd_station")
    scene.erased(subject)
    assert scene.views() == [neighbour]
    for text in (PHONE[1], EMAIL[1], "João", "segredo"):
        assert not scene.says(text)
    assert scene.mappings.mappings.keys() == {neighbour.customer_id}
    # Once more does nothing more.
    scene.erased(subject)
    assert scene.views() == [neighbour]


def test_what_has_to_be_deleted_by_hand_is_told_until_it_is(scene: Scene) -> None:
    scene.live(said("1", PHONE))
    subject = scene.forget(PHONE)
    census = scene.place.census(subject)
    scene.erased(subject)
    later = scene.place.census(replace(subject, located=dict(census.located)))
    assert (later.found, later.kept) == (census.retained, census.kept)
    if scene.provider == "rd_station":
        assert [(kept.what, kept.count) for kept in later.kept] == [(BY_HAND, 2)]
        scene.crm.deals.clear()
        scene.crm.contacts.clear()
        assert scene.place.census(subject).found == 0


def test_events_that_come_late_make_nobody_again(scene: Scene) -> None:
    events = scene.happen(said("1", PHONE))
    scene.deliver_all()
    subject = scene.forget(PHONE)
    scene.erased(subject)
    for late in events:
        assert scene.follow(late).startswith("nothing")
    assert not scene.views() and not scene.mappings.mappings


def test_a_sender_that_is_at_work_is_waited_for(scene: Scene) -> None:
    [event] = [e for e in scene.happen(said("1", PHONE)) if e.name == "interaction.recorded"]
    done: list[Subject] = []

    def between(path: str) -> None:
        if not done:
            done.append(scene.forget(PHONE))
            scene.clock = NOON + 10
            with pytest.raises(TemporaryFailure):
                scene.place.erase(done[0], lambda: True)

    scene.crm.between = between
    scene.follow(event)
    ids = (event.data["interaction_id"],)
    subject = replace(done[0], located={"interactions": ids})
    scene.clock = NOON + 100
    scene.erased(subject)
    assert not scene.views() and not scene.says("segredo")


def test_whatever_call_it_fails_at_all_goes_in_the_end(scene: Scene) -> None:
    lost = urllib3.exceptions.ReadTimeoutError(None, "", "")  # type: ignore[arg-type]
    for when in ("before", "after"):
        for at in range(30):
            scene = Scene(scene.provider)
            scene.live(said("1", PHONE, EMAIL), said("2", EMAIL), said("n", NEIGHBOUR))
            subject = scene.forget(PHONE, EMAIL)
            calls = len(scene.crm.calls)
            # Three times the same: the client repeats it by itself.
            scene.crm.faults = [("", None)] * at + [(when, lost)] * 3
            with suppress(EnlaceError):
                scene.place.erase(subject, lambda: True)
            scene.crm.faults = []
            scene.erased(subject)
            [view] = scene.views()
            assert view.phone == NEIGHBOUR[1] and len(view.activities) == 1
            if len(scene.crm.calls) - calls < at:
                break


@pytest.mark.parametrize("first", [PHONE, NEIGHBOUR])
@pytest.mark.parametrize("told", ["before", "after", "never"])
def test_a_contact_that_others_are_on_is_left_to_them(
    scene: Scene, first: tuple[str, str], told: str
) -> None:
    """Whoever was known first gives the customer its id; so it changes, or does not."""
    times = {
        one: f"2026-11-{20 if one == first else 21}T12:00:00.000Z" for one in (PHONE, NEIGHBOUR)
    }
    nameless: dict[str, Any] = {"traits": {}}
    scene.live(said("1", PHONE, at=times[PHONE]))
    scene.live(said("2", NEIGHBOUR, at=times[NEIGHBOUR], **nameless))
    scene.same(PHONE, NEIGHBOUR)
    scene.deliver_all()
    scene.live(said("3", NEIGHBOUR, at="2026-11-21T13:00:00.000Z", **nameless))
    subject = scene.forget(PHONE)
    if told == "before":
        scene.deliver_all()
    scene.erased(subject)
    if told == "never":
        scene.waiting.clear()
    scene.deliver_all()
    [view] = scene.views()
    assert (view.phone, view.name) == (NEIGHBOUR[1], "")
    assert PHONE[1] not in repr(view)
    assert scene.shown() == scene.truth()
    scene.live(said("4", NEIGHBOUR, at="2026-11-21T14:00:00.000Z", **nameless))
    assert scene.shown() == scene.truth()


def test_what_lies_in_the_recycle_bin_says_nothing() -> None:
    scene = Scene("salesforce")
    scene.live(said("1", PHONE, EMAIL))
    scene.crm.bin_stays = True
    scene.erased(scene.forget(PHONE, EMAIL))
    assert len(scene.crm.bin) == 2
    for text in (PHONE[1], EMAIL[1], "João", "segredo"):
        assert not scene.says(text)
    scene.crm.bin_stays = False


def test_a_newcomer_at_the_address_is_somebody_else(scene: Scene) -> None:
    scene.live(said("1", PHONE))
    subject = scene.forget(PHONE)
    new = said("new", PHONE, at=LATER, traits={"name": "Bia"})
    scene.live(replace(new, received_at=LATER))
    scene.erased(subject)
    assert PHONE[1] in repr(scene.views())
    [view] = scene.views()
    assert (view.customer_id, view.name) == (customers(scene.store, PHONE)[0], "Bia")
    if scene.provider != "rd_station":
        assert scene.shown() == scene.truth()
    again = said("again", PHONE, at="2026-11-22T13:05:00.000Z", traits={"name": "Bia"})
    scene.live(replace(again, received_at="2026-11-22T13:05:00.000Z"))
    assert any("again" in repr(v.activities) or v.activities for v in scene.views())
    scene.erased(subject)
    assert len(scene.views()) == 1


@pytest.mark.parametrize("shared", [False, True], ids=["own contact", "shared contact"])
def test_what_a_restored_table_remembers_goes_without_asking_the_crm(
    scene: Scene, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.live(said("1", PHONE, EMAIL), said("2", EMAIL), said("n", NEIGHBOUR))
    before = scene.mappings.mappings.copy()
    shown = {key: scene.mappings.showing(key) for key in map(key_of, (PHONE, EMAIL, NEIGHBOUR))}
    subject = scene.forget(PHONE) if shared else scene.forget(PHONE, EMAIL)
    restored = RestoredMappings(scene.place)
    assert restored.census(subject).found == 1
    views = scene.views()

    assert not restored.erase(subject, lambda: False)
    assert restored.erase(subject, lambda: True)
    assert restored.census(subject).found == 0
    assert scene.views() == views
    for key in subject.keys:
        assert shown[key] and scene.mappings.showing(key) == []
        assert not any(key in one.levels for one in scene.mappings.mappings.values())
    others = {key: shown[key] for key in shown if key not in subject.keys}
    assert {key: scene.mappings.showing(key) for key in others} == others
    assert len(scene.mappings.mappings) == len(before) - (not shared)
