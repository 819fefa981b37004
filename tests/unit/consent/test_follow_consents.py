"""What is said on the channels about being written to (cases 24, 34, 35, 36, 40)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from enlace.domain.consent import CONFIRMATION, OPT_IN, ConsentPolicy, evaluate
from enlace.domain.envelope import AddressRef, Entry
from enlace.domain.events import interaction_recorded
from enlace.domain.interaction import Interaction, utc_text
from enlace.domain.opt_out import opt_out_in
from enlace.domain.privacy_signals import DENIED, GRANTED
from enlace.errors import TemporaryFailure
from enlace.senders.registry import sender_channels
from enlace.usecases.approach import Approach
from enlace.usecases.consents import Consents
from enlace.usecases.double_opt_in import REQUEST_DAYS
from enlace.usecases.follow_consents import FollowConsents
from local.memory_consents import MemoryConsents
from local.memory_store import MemoryStore
from tests.stores.builders import interaction, resolver
from tests.unit.usecases.fakes import event

PHONE = ("phone", "+5511987654321")
EMAIL = ("email", "joao@example.com")
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Scene:
    def __init__(self, policy: ConsentPolicy | None = None) -> None:
        self.policy = policy or ConsentPolicy()
        self.store, self.consents = MemoryStore(), MemoryConsents()
        self.entries: list[Entry] = []
        self.now, self.count, self.bus_is_down = START, 0, False
        use_case = Consents(
            self.consents, policy=self.policy, now=self.time, sleep=lambda seconds: None
        )
        self.use_case = use_case
        self.follow = FollowConsents(
            use_case,
            timeline=self.store,
            bus=self,
            channels=sender_channels(),
            now=self.time,
            later=lambda seconds: utc_text(self.now + timedelta(seconds=seconds)),
        )

    def time(self) -> str:
        return utc_text(self.now)

    def publish_all(self, entries: list[Entry]) -> None:
        if self.bus_is_down:
            raise TemporaryFailure("the bus is down")
        self.entries += entries

    def recorded(self, point: tuple[str, ...], channel: str, **fields: Any) -> Any:
        """An interaction through the real resolver, and its event."""
        self.count += 1
        self.now += timedelta(minutes=1)
        at = self.time()
        made: Interaction = interaction(
            f"i-{self.count}", point, at=at, received_at=at, channel=channel, **fields
        )
        done = resolver(self.store).resolve(made)
        return event(
            "interaction.recorded",
            {
                "interaction_id": made.id,
                "customer_id": done.customer_id,
                "channel": channel,
                "account": made.account,
                "type": made.type,
                "direction": made.direction,
                "occurred_at": done.occurred_at,
                "contact_point": {"kind": point[0], "key": done.contact_point},
                "timeline_key": done.timeline_key,
                "opt_out": opt_out_in(made),
            },
        )

    def text(self, text: str, point: tuple[str, ...] = PHONE, channel: str = "sms") -> str:
        return self.follow(self.recorded(point, channel, data={"text": text}))

    def allowed(self, purpose: str, channel: str) -> bool:
        (stored,) = self.consents.states_by_key.values()
        return evaluate(
            stored.consent, purpose, channel, now=self.time(), policy=self.policy
        ).allowed

    def messages(self) -> list[dict[str, Any]]:
        details = [json.loads(e.detail) for e in self.entries if e.detail_type == "send.message.v1"]
        return [detail["data"] for detail in details]


def grant(scene: Scene, channel: str) -> None:
    scene.follow(
        scene.recorded(
            PHONE, channel, type_="consent.granted", data={"purpose": "marketing", "form": "site"}
        )
    )


def test_sair_by_sms_ends_what_is_sent_there_and_is_confirmed_once() -> None:
    scene = Scene()
    grant(scene, "sms")
    assert scene.allowed("marketing", "sms")
    assert scene.text("Sáir!") == "withdrawn: marketing on sms"
    assert not scene.allowed("marketing", "sms") and not scene.allowed("transactional", "sms")
    (confirmation,) = scene.messages()
    assert (confirmation["purpose"], confirmation["template"]) == (
        CONFIRMATION,
        "opt_out_confirmed",
    )
    assert scene.allowed(CONFIRMATION, "sms")
    scene.text("PARE")
    assert len(scene.messages()) == 1
    scene.now += timedelta(minutes=6)
    assert not scene.allowed(CONFIRMATION, "sms")


def test_a_redelivery_says_the_same_and_records_nothing_more() -> None:
    scene = Scene()
    stop = scene.recorded(PHONE, "sms", data={"text": "sair"})
    scene.bus_is_down = True
    with pytest.raises(TemporaryFailure):
        scene.follow(stop)
    scene.bus_is_down = False
    scene.follow(stop)
    first, scene.entries = scene.entries, []
    scene.follow(stop)
    assert [e.detail for e in scene.entries] == [e.detail for e in first]
    assert len(first) == 2
    (ledger,) = scene.consents.ledgers.values()
    assert len(ledger) == 1


def test_an_ambiguous_reply_pauses_marketing_until_somebody_has_read_it() -> None:
    scene = Scene()
    grant(scene, "sms")
    assert scene.text("cancelar agendamento") == "paused: marketing on sms"
    assert not scene.allowed("marketing", "sms") and scene.allowed("transactional", "sms")
    assert scene.messages() == []


def test_whatsapp_and_sms_of_one_number_have_words_of_their_own() -> None:
    scene = Scene()
    grant(scene, "sms")
    grant(scene, "whatsapp")
    scene.text("stop", channel="whatsapp")
    assert not scene.allowed("marketing", "whatsapp")
    assert scene.allowed("marketing", "sms") and scene.allowed("transactional", "whatsapp")


def test_nobody_opts_a_stranger_out() -> None:
    scene = Scene()
    assert scene.text("sair", (*PHONE, "stated")).startswith("nothing")
    assert scene.consents.states_by_key == {}


def test_a_complaint_stops_marketing_everywhere_and_a_dead_address_everything() -> None:
    scene = Scene()
    scene.follow(
        scene.recorded(
            (*EMAIL, "stated"),
            "email",
            type_="consent.withdrawn",
            data={"purpose": "marketing", "actor": "subject", "reason": "complaint"},
        )
    )
    assert not scene.allowed("marketing", "email") and not scene.allowed("marketing", "sms")
    assert scene.allowed("transactional", "email")
    failed = {"type_": "message.failed", "direction": "outbound"}
    data = {"reason": "bounce", "bounce_type": "Transient"}
    said = scene.follow(scene.recorded((*EMAIL, "stated"), "email", data=data, **failed))
    assert said.startswith("nothing") and scene.allowed("transactional", "email")
    data = {"reason": "bounce", "bounce_type": "Permanent"}
    scene.follow(scene.recorded((*EMAIL, "stated"), "email", data=data, **failed))
    assert not scene.allowed("transactional", "email")


def test_a_grant_counts_as_the_subjects_only_where_possession_is_proven() -> None:
    scene = Scene()
    scene.text("sair")
    data = {"purpose": "marketing"}
    granted = {"type_": "consent.granted", "data": data}
    scene.follow(scene.recorded((*PHONE, "stated"), "sms", **granted))
    assert not scene.allowed("marketing", "sms")
    scene.follow(scene.recorded(PHONE, "sms", **granted))
    assert scene.allowed("marketing", "sms")


def test_what_comes_late_counts_from_when_it_was_said() -> None:
    scene = Scene()
    stop = scene.recorded(PHONE, "sms", data={"text": "sair"})
    grant(scene, "sms")
    scene.follow(stop)
    assert scene.allowed("marketing", "sms")


STOPPED = {"channel": "sms", "purpose": "marketing", "actor": "subject", "reason": "stop"}


def test_a_stop_that_the_provider_was_told_stops_the_channel_and_is_not_confirmed_twice() -> None:
    for way in ("status", "message"):
        scene = Scene()
        grant(scene, "sms")
        if way == "status":
            told = {"type_": "consent.withdrawn", "data": STOPPED}
            scene.follow(scene.recorded((*PHONE, "stated"), "sms", **told))
        else:
            data = {"text": "Stop", "opt_out_type": "STOP"}
            scene.follow(scene.recorded(PHONE, "sms", data=data))
        assert not scene.allowed("marketing", "sms") and not scene.allowed("transactional", "sms")
        assert scene.messages() == []


def test_a_word_that_takes_the_stop_back_lifts_it_for_whoever_had_opted_in() -> None:
    scene = Scene()
    grant(scene, "sms")
    scene.text("sair")
    assert scene.text("voltar", (*PHONE, "stated")).startswith("nothing")
    assert not scene.allowed("transactional", "sms")
    restart = scene.recorded(PHONE, "sms", data={"text": "VOLTAR"})
    assert scene.follow(restart) == "granted: marketing on sms"
    assert scene.allowed("marketing", "sms") and scene.allowed("transactional", "sms")
    # A redelivery says the same again, although nothing stands any more that it could lift.
    assert scene.follow(restart) == "granted: marketing on sms"
    assert scene.text("start").startswith("nothing")


def test_it_is_no_opt_in_for_whoever_never_did_and_lifts_nothing_wider() -> None:
    scene = Scene()
    assert scene.text("voltar") == "nothing: it says nothing new"
    scene.text("sair")
    assert scene.text("unstop") == "granted: delivery on sms"
    assert scene.allowed("transactional", "sms") and not scene.allowed("marketing", "sms")
    scene = Scene()
    grant(scene, "sms")
    complaint = {"purpose": "marketing", "actor": "subject", "reason": "complaint"}
    scene.follow(scene.recorded(PHONE, "sms", type_="consent.withdrawn", data=complaint))
    scene.text("sair")
    scene.text("start")
    assert scene.allowed("transactional", "sms") and not scene.allowed("marketing", "sms")


def test_an_unclear_reply_is_a_request_that_somebody_reads() -> None:
    scene = Scene()
    said = scene.recorded(PHONE, "sms", data={"text": "cancelar agendamento"})
    assert said.data["opt_out"] == "ambiguous"
    made = interaction("x", PHONE, data={"text": "cancelar agendamento"})
    recorded = interaction_recorded(
        made,
        customer_id="c",
        contact_point=AddressRef("phone", "phone#0123456789012345678901"),
        timeline_key="t",
        occurred_at=scene.time(),
        recorded_at=scene.time(),
        opt_out=opt_out_in(made),
    )
    assert json.loads(recorded.detail)["data"]["request"] is True
    approach = Approach.of(said.data, {"contact_point": {"level": "proven"}}, scene.now)
    assert approach.asking


def visit(scene: Scene, *, point: tuple[str, ...], **signals: str) -> str:
    data = {"privacy_signals": signals}
    return scene.follow(scene.recorded(point, "segment", type_="page.viewed", data=data))


def test_a_browsers_signal_is_kept_once_a_day_and_stands_beside_what_was_granted() -> None:
    scene = Scene()
    point = ("anonymous_id:site", "507f191e-810c", "stated")
    assert visit(scene, point=point, gpc=DENIED) == "signalled: sharing on segment"
    assert visit(scene, point=point, gpc=DENIED).startswith("nothing")
    scene.now += timedelta(hours=25)
    assert visit(scene, point=point, gpc=DENIED) == "signalled: sharing on segment"
    (ledger,) = scene.consents.ledgers.values()
    assert len(ledger) == 2
    (stored,) = scene.consents.states_by_key.values()
    assert stored.consent.purposes == {} and set(stored.consent.signals) == {"gpc"}


def test_who_only_claims_to_be_somebody_can_object_and_take_nothing_back() -> None:
    scene = Scene()
    claimed = ("user_id", "cliente-1001", "stated")
    visit(scene, point=claimed, ad_storage=DENIED)
    assert visit(scene, point=claimed, ad_storage=GRANTED).startswith("nothing")
    proven = ("user_id", "cliente-1001", "proven")
    assert visit(scene, point=proven, ad_storage=GRANTED).startswith("signalled")


DOUBLE = ConsentPolicy(double_opt_in=frozenset(("email",)))


def test_a_yes_that_did_not_come_through_the_address_is_asked_for_once() -> None:
    scene = Scene(DOUBLE)
    form = {"type_": "consent.granted", "data": {"form": "site"}, "traits": {"language": "es"}}
    first = scene.recorded((*EMAIL, "stated"), "email", **form)
    assert scene.follow(first) == "requested: marketing on email"
    for _ in range(2):
        scene.follow(scene.recorded((*EMAIL, "stated"), "email", **form))
    scene.follow(first)
    assert len({message["message_id"] for message in scene.messages()}) == 1
    asked = scene.messages()[0]
    assert (asked["purpose"], asked["template"]) == (OPT_IN, "confirm_opt_in")
    assert (asked["language"], asked["data"]) == ("es", {"purpose": "marketing"})
    assert scene.allowed(OPT_IN, "email") and not scene.allowed("marketing", "email")
    (key,) = scene.consents.states_by_key
    (confirmed,) = scene.use_case.confirm(key, "email", "confirmed-1", purpose="marketing")
    assert confirmed.ruling.allowed and not scene.allowed(OPT_IN, "email")
    assert scene.use_case.confirm(key, "email", "confirmed-2") == []


def test_after_its_end_it_can_be_asked_again_and_not_be_confirmed() -> None:
    scene = Scene(DOUBLE)
    form = {"type_": "consent.requested", "data": {"purpose": "marketing"}}
    scene.follow(scene.recorded((*EMAIL, "stated"), "email", **form))
    scene.now += timedelta(days=REQUEST_DAYS)
    (key,) = scene.consents.states_by_key
    assert not scene.allowed(OPT_IN, "email")
    assert scene.use_case.confirm(key, "email", "late") == []
    scene.follow(scene.recorded((*EMAIL, "stated"), "email", **form))
    assert len(scene.messages()) == 2 and scene.allowed(OPT_IN, "email")


def test_who_said_no_is_not_asked_and_no_list_asks() -> None:
    scene = Scene(DOUBLE)
    form = {"type_": "consent.granted", "data": {"form": "site"}}
    denied = {"type_": "consent.withdrawn", "data": {"reason": "unsubscribed"}}
    scene.follow(scene.recorded((*EMAIL, "stated"), "email", **denied))
    scene.follow(scene.recorded((*EMAIL, "stated"), "email", **form))
    assert scene.messages() == [] and not scene.allowed(OPT_IN, "email")
    scene = Scene(DOUBLE)
    listed = {"type_": "consent.granted", "data": {"actor": "import"}}
    scene.follow(scene.recorded((*EMAIL, "imported"), "email", **listed))
    assert scene.messages() == [] and not scene.allowed("marketing", "email")


def test_what_came_through_the_address_needs_no_confirmation() -> None:
    scene = Scene(DOUBLE)
    scene.follow(scene.recorded(EMAIL, "email", type_="consent.granted", data={}))
    assert scene.allowed("marketing", "email") and scene.messages() == []
    # Nor does somebody who fills in the form again lose what holds.
    form = {"type_": "consent.granted", "data": {"form": "site"}}
    scene.follow(scene.recorded((*EMAIL, "stated"), "email", **form))
    assert scene.allowed("marketing", "email") and scene.messages() == []
