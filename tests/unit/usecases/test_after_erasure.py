"""Events of the bus that arrive after whom they tell of was erased end quietly."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.envelope import Event
from tests.stores.builders import interaction
from tests.unit.consent.test_follow_consents import Scene as ConsentScene
from tests.unit.usecases.case_scene import CaseScene

PHONE = ("phone", "+5511987654321")


@pytest.fixture
def scene() -> CaseScene:
    return CaseScene()


def complaint(scene: CaseScene) -> Event:
    scene.happen(interaction("i", PHONE, data={"text": "oi", "nature": "complaint"}))
    [event] = scene.named("interaction.recorded")
    return event


def state(scene: CaseScene) -> Any:
    return dict(scene.cases.by_protocol), len(scene.events)


def test_dispatch_finds_no_interaction(scene: CaseScene) -> None:
    event = complaint(scene)
    scene.store.timelines.clear()
    before = state(scene)
    assert scene.dispatch(event) == "nothing: erased"
    assert state(scene) == before


def test_dispatch_finds_nobody(scene: CaseScene) -> None:
    event = complaint(scene)
    scene.store.records.clear()
    scene.cases.__init__()  # type: ignore[misc]
    assert scene.dispatch(event) == "nothing: erased"
    assert not scene.cases.by_protocol


def test_following_customers_finds_nobody(scene: CaseScene) -> None:
    complaint(scene)
    [opened] = scene.named("case.opened")
    scene.store.records.clear()
    scene.store.timelines.clear()
    assert scene.follow(opened) == "0 hints, 0 contacts joined"


def test_what_was_said_about_consent_finds_no_interaction() -> None:
    scene = ConsentScene()
    stop = scene.recorded(PHONE, "sms", data={"text": "sair"})
    scene.store.timelines.clear()
    assert scene.follow(stop) == "nothing: erased"
    assert not scene.entries and not scene.consents.ledgers
