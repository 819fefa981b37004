"""Retention on moto: who is gone for good, who stays, at any crash, at what cost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import botocore.client
import pytest

from enlace.aws.case_table import CaseTable
from enlace.aws.erase_cases import CasePlace
from enlace.aws.erase_timeline import TimelinePlace
from enlace.aws.history import DynamoHistory
from enlace.aws.partitions import Partitions
from enlace.aws.purged_contacts import PurgedContacts
from enlace.aws.purged_items import PurgedConsents, PurgedMessages
from enlace.aws.store import DynamoStore
from enlace.aws.subject_keys import SubjectKeys
from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.erasure import Census, Subject
from enlace.usecases.expire_contacts import ExpireContacts
from enlace.usecases.purge import LEASE_SECONDS, Purge, Purgeable, Task
from tests.aws.erasing import (
    CALL_STRIDE,
    always,
    cut_anywhere,
    dynamodb,
    identifier,
    items,
    make_tables,
)
from tests.stores.builders import CPFS, interaction, order, resolver
from tests.stores.forgetting import Told, forgetting

__all__ = ["dynamodb"]

GONE, STAYS = ("phone", "+5511987654321"), ("email", "ana@example.com")
CPF, OTHER_CPF = ("cpf", CPFS[0]), ("cpf", CPFS[1])
LONG_AGO, LATELY = "2023-01-05T09:00:00.000Z", "2026-11-01T09:00:00.000Z"
CUTOFF = "2024-11-23T00:00:00.000Z"
START = datetime.fromisoformat("2026-11-23T00:00:00.000Z").timestamp()


class Likenesses:
    """What finds likenesses, here in memory: who is asked about must be gone by then."""

    name, method = "candidates", "delete"

    def __init__(self, store: DynamoStore) -> None:
        self._store = store
        self.gone: set[str] = set()

    def census(self, subject: Subject) -> Census:
        return Census(0)

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        assert not self._store.get_identifiers(subject.keys, consistent=True)
        self.gone |= set(subject.keys)
        return True


class Scene:
    def __init__(self, client: Any) -> None:
        make_tables(client)
        for table in ("privacy", "consent"):
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")
                ],
            )
        self.client, self.at = client, START
        self.store = DynamoStore(client, "identity", "timeline")
        self.rows = VersionedRows(client, "privacy")
        self.resolver = resolver(self.store)
        self.cases = CaseTable(client, "case")
        self.likenesses, self.told = Likenesses(self.store), Told()
        self.holds: dict[tuple[str, str], str] = {}
        #: Where timelines are sealed.
        self.keys: SubjectKeys | None = None

    def record(
        self, source: str, point: tuple[str, ...], *others: tuple[str, ...], at: str, **fields: Any
    ) -> str:
        made = interaction(source, point, *others, at=at, **fields)
        made = replace(made, received_at=fields.get("received_at", at))
        self.resolver.resolve(made)
        return made.id

    def live(self) -> None:
        """Somebody who is gone, and a customer who is about; each stated a tax number."""
        self.record("g1", GONE, CPF, at=LONG_AGO, data={"text": "bom dia"})
        bought = replace(order("g2", GONE, 1000, at=LONG_AGO), received_at=LONG_AGO)
        self.resolver.resolve(bought)
        self.record("s1", STAYS, OTHER_CPF, at=LONG_AGO)
        self.record("s2", STAYS, at=LATELY)
        self.others = self.of(STAYS, OTHER_CPF)

    @property
    def contacts(self) -> ExpireContacts:
        cases = CasePlace(Partitions(self.client, "case"), self.cases.transact)
        return ExpireContacts(
            PurgedContacts(self.client, "identity", "timeline", self.keys),
            self.store,
            places=[TimelinePlace(Partitions(self.client, "timeline"), cases.thread), cases],
            likenesses=self.likenesses,
            forget=forgetting(self.store, self.told),
            holds=lambda: self.holds,
            rows=self.rows,
            shards=2,
        )

    def purge(self, *stores: Purgeable) -> Purge:
        purge = Purge(
            self.rows, job="purge_retention", policy="p", clock=lambda: self.at, every_seconds=0
        )
        tasks = [Task(store, CUTOFF, 100) for store in stores or (self.contacts,)]
        assert purge.run(tasks, always)
        self.at += LEASE_SECONDS + 1
        return purge

    def newest(self, point: tuple[str, str]) -> dict[str, Any]:
        """The key of the newest interaction."""
        said = [item for item in self.of(point) if item.get("sk", {"S": "~"})["S"][0].isdigit()]
        return {name: said[-1][name] for name in ("pk", "sk")}

    def of(self, *points: tuple[str, str]) -> list[dict[str, Any]]:
        keys = {identifier(*point).key for point in points}
        found = items(self.client, "timeline") + items(self.client, "identity")
        return [item for item in found if item["pk"]["S"] in keys]


@pytest.fixture
def scene(dynamodb: Any) -> Scene:
    return Scene(dynamodb)


def test_who_is_gone_for_good_goes_and_others_stay_to_the_byte(scene: Scene) -> None:
    scene.live()
    scene.purge()
    # Who stated it is gone: the number is nobody's any more.
    scene.purge()
    assert not scene.of(GONE, CPF)
    assert scene.of(STAYS, OTHER_CPF) == scene.others
    assert scene.likenesses.gone == {identifier(*GONE).key, identifier(*CPF).key}
    everything = json.dumps([items(scene.client, t) for t in ("identity", "timeline", "case")])
    assert GONE[1] not in everything and CPF[1] not in everything
    # No fence: whoever comes again is somebody new, and welcome with whatever they bring.
    scene.record("g9", GONE, at=LONG_AGO, received_at=LATELY)
    assert scene.of(GONE)


def test_an_old_address_of_a_customer_who_is_about_stays_theirs(scene: Scene) -> None:
    proven = ("email", "ana@example.com", "proven")
    scene.record("a", GONE, proven, at=LONG_AGO)
    scene.record("b", STAYS, at=LATELY)
    scene.purge()
    kinds = [item for item in scene.of(GONE) if "birth" in item]
    assert len(kinds) == 1 and len(scene.of(GONE)) == 1, "its history went, the address stays"
    assert scene.purge().counts["timeline_due"] == 0


def test_what_was_imported_lately_is_not_gone_yet(scene: Scene) -> None:
    scene.record("i", GONE, at=LONG_AGO, received_at=LATELY)
    assert scene.purge().counts["timeline_due"] == 0
    assert scene.of(GONE)


def test_a_held_interaction_keeps_its_contact_point_until_it_is_released(scene: Scene) -> None:
    scene.live()
    held = scene.record("g3", GONE, at=LONG_AGO)
    scene.holds = {("timeline", held): "hold-1"}
    assert scene.purge().counts["timeline_held"] == 1
    assert len([item for item in scene.of(GONE) if "birth" not in item]) >= 3
    scene.holds = {}
    scene.purge()
    assert not scene.of(GONE)


# Of all calls, some hundred rounds, each on tables of its own.
@pytest.mark.timeout(1800)
def test_cut_off_at_any_call_nothing_stays_and_nothing_goes_that_should_not(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare() -> Scene:
        prepared = Scene(scene.client)
        prepared.live()
        return prepared

    runs = 0
    for cut in cut_anywhere(
        monkeypatch, prepare, lambda prepared: prepared.purge(), stride=CALL_STRIDE
    ):
        cut.at += LEASE_SECONDS + 1
        cut.purge()
        cut.purge()
        assert not cut.of(GONE, CPF)
        assert cut.of(STAYS, OTHER_CPF) == cut.others
        # The end of a customer may be told twice; who finds likenesses has followed all.
        assert cut.likenesses.gone == {identifier(*GONE).key, identifier(*CPF).key}
        assert not cut.rows.under("job#purge_retention:forgetting", "")
        runs += 1
    assert runs > 40 // CALL_STRIDE


def test_case_21_what_has_run_out_is_hidden_before_a_purge_comes(scene: Scene) -> None:
    scene.live()
    history = DynamoHistory(scene.client, "timeline", "case", ended=lambda: CUTOFF)
    for point, seen in ((GONE, 0), (STAYS, 2)):
        key = identifier(*point).key
        assert len(history.newest(key, 5).items) == seen
        assert len(history.page(key, before=None, since=None, limit=5)) == seen
    # The second page of somebody who is about begins with what is old.
    key = identifier(*STAYS).key
    assert len(history.page(key, before=LATELY, since=None, limit=5)) == 1


def test_messages_and_what_was_kept_of_erased_addresses_go_by_their_day(scene: Scene) -> None:
    for id_, at in (("old", LONG_AGO), ("new", LATELY)):
        scene.client.put_item(
            TableName="delivery", Item={"pk": {"S": f"message#{id_}"}, "accepted_at": {"S": at}}
        )
        for reduced in (True, False):
            body = {"received_at": LONG_AGO, **({"reduced_at": at} if reduced else {})}
            ledger = {"pk": {"S": id_}, "sk": {"S": f"ledger#{reduced}"}}
            item = {**ledger, "body": {"S": json.dumps(body)}}
            scene.client.put_item(TableName="consent", Item=item)
    state = {"pk": {"S": "old"}, "sk": {"S": "state"}, "body": {"S": "{}"}}
    scene.client.put_item(TableName="consent", Item=state)
    files: list[str] = []
    scene.purge(
        PurgedMessages(scene.client, "delivery", erase_files=files.append),
        PurgedConsents(scene.client, "consent"),
    )
    assert [item["pk"]["S"] for item in items(scene.client, "delivery")] == ["message#new"]
    assert files == ["old"]
    left = [(item["pk"]["S"], item["sk"]["S"]) for item in items(scene.client, "consent")]
    assert left == [
        ("new", "ledger#False"),
        ("new", "ledger#True"),
        ("old", "ledger#False"),
        ("old", "state"),
    ]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Calls to AWS by operation."""
    made: Counter[str] = Counter()
    make = botocore.client.BaseClient._make_api_call

    def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        made[operation] += 1
        return make(client, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    return made


def test_the_cost_grows_with_what_is_deleted(scene: Scene, calls: Counter[str]) -> None:
    costs = []
    for count in (250, 1000):
        for n in range(count):
            scene.client.put_item(
                TableName="delivery",
                Item={"pk": {"S": f"message#{count}-{n}"}, "accepted_at": {"S": LONG_AGO}},
            )
        calls.clear()
        store = PurgedMessages(scene.client, "delivery", erase_files=lambda id_: None)
        assert scene.purge(store).counts["messages_deleted"] == count
        assert calls["DeleteItem"] == count
        costs.append(calls.total() / count)
    assert costs[1] <= costs[0] < 1.5


def test_a_contact_point_costs_a_bounded_number_of_calls(scene: Scene, calls: Counter[str]) -> None:
    costs = []
    for count in (10, 40):
        for n in range(count):
            point = ("phone", f"+55119{count:02d}{n:06d}")
            scene.record(f"{count}-{n}", point, at=LONG_AGO)
        calls.clear()
        assert scene.purge().counts["timeline_deleted"] == count
        costs.append(calls.total() / count)
        assert not [item for item in items(scene.client, "identity") if "birth" in item]
    assert costs[1] <= costs[0] * 1.05
