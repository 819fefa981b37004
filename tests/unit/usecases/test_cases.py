"""One conversation over many channels is one case; what it tells goes to whom it may."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.circle import circle
from enlace.domain.interaction import Interaction
from enlace.domain.protocol import format_protocol, make_protocol
from enlace.domain.records import CustomerHint
from tests.stores.builders import CPFS, interaction
from tests.unit.usecases.case_scene import CaseScene

MESSENGER = ("messenger:306800000000001", "7000000000000001")
PHONE = ("phone", "+5511987650001")
EMAIL = ("email", "joao.silva@example.com")
STRANGER = ("phone", "+5511987659999")
OUR_MAIL = {"channel": "email", "type_": "message.sent", "direction": "outbound"}


def at(hours: float) -> str:
    day, rest = divmod(int(hours * 60), 24 * 60)
    return f"2026-11-{10 + day:02d}T{rest // 60:02d}:{rest % 60:02d}:00.000Z"


def complaint(source_id: str, point: tuple[str, ...], hours: float, **more: Any) -> Interaction:
    fields = {"type_": "complaint.opened", "data": {"nature": "complaint", "text": "Sem sinal"}}
    return interaction(source_id, point, at=at(hours), **{**fields, **more})


def said(
    source_id: str, point: tuple[str, ...], hours: float, text: str = "Olá", **more: Any
) -> Interaction:
    return interaction(source_id, point, at=at(hours), **{"data": {"text": text}, **more})


@pytest.fixture
def scene() -> CaseScene:
    return CaseScene()


def joined_customer(scene: CaseScene, *points: tuple[str, str], verified: bool = True) -> None:
    for n, point in enumerate(points):
        scene.happen(said(f"known-{n}", point, 0))
    for point in points[1:]:
        scene.same(points[0], point, verified=verified)


class TestAcrossChannels:
    def test_facebook_telephone_and_sms_are_one_case(self, scene: CaseScene) -> None:
        joined_customer(scene, PHONE, MESSENGER)
        scene.happen(
            said("chat", MESSENGER, 9.9, "Meu celular está sem sinal", channel="messenger"),
            complaint("desk", MESSENGER, 10, channel="messenger"),
            said("ring", (*PHONE, "stated"), 11, channel="voice", type_="call.started"),
            said("talk", (*PHONE, "stated"), 11.1, channel="voice", type_="call.ended"),
        )
        (case,) = scene.open
        number = format_protocol(case.protocol)
        scene.happen(said("sms", PHONE, 12, f"Protocolo {number}: voltou", channel="sms"))
        assert scene.thread(case.protocol) == {
            "chat": "window", "desk": "opened", "ring": "window", "talk": "window",
            "sms": "reference",
        }  # fmt: skip
        # Messenger has no sender; the text message is answered at its own number.
        assert scene.commands() == [("protocol_continued", scene.key(PHONE), case.protocol)]

    def test_a_complaint_on_another_channel_of_the_circle_joins_and_is_told_once(
        self, scene: CaseScene
    ) -> None:
        joined_customer(scene, PHONE, EMAIL)
        scene.happen(
            complaint("1", PHONE, 10), complaint("2", EMAIL, 12), complaint("3", EMAIL, 13)
        )
        (case,) = scene.open
        assert scene.thread(case.protocol) == {"1": "opened", "2": "window", "3": "window"}
        assert scene.commands() == [
            ("protocol_opened", scene.key(PHONE), case.protocol),
            ("protocol_continued", scene.key(EMAIL), case.protocol),
        ]

    @pytest.mark.parametrize(("hours", "cases"), [(82, 1), (82.1, 2)])
    def test_the_window_ends(self, scene: CaseScene, hours: float, cases: int) -> None:
        scene.happen(complaint("1", PHONE, 10), complaint("2", PHONE, hours))
        assert len(scene.open) == cases

    def test_each_contact_prolongs_the_window(self, scene: CaseScene) -> None:
        scene.happen(
            complaint("1", PHONE, 10), *(said(f"m{n}", PHONE, 10 + 70 * n) for n in (1, 2))
        )
        (case,) = scene.open
        assert len(scene.thread(case.protocol)) == 3

    def test_a_day_of_silence_before_it_is_not_part_of_it(self, scene: CaseScene) -> None:
        scene.happen(said("old", PHONE, 8), said("led", PHONE, 9.5), complaint("1", PHONE, 10))
        (case,) = scene.open
        assert scene.thread(case.protocol) == {"led": "window", "1": "opened"}

    def test_two_contact_points_at_once_may_open_two(self) -> None:
        # Neither customer knew of the other when each complained.
        scene = CaseScene()
        scene.happen(complaint("1", PHONE, 10), complaint("2", EMAIL, 10))
        scene.same(PHONE, EMAIL, verified=True)
        assert len(scene.open) == 2
        scene.happen(said("3", EMAIL, 11))
        (newer,) = [c for c in scene.open if c.contact_key == scene.key(EMAIL)]
        assert "3" in {s for c in scene.open for s in scene.thread(c.protocol)}
        assert newer.is_open

    def test_what_asks_for_nothing_opens_nothing_and_is_not_even_looked_at(
        self, scene: CaseScene
    ) -> None:
        scene.happen(
            said("1", PHONE, 1),
            said("2", PHONE, 2, data={"nature": "praise", "request": True}),
            said("3", PHONE, 3, data={"nature": "information"}),
            said("4", PHONE, 4, type_="page.viewed", data={"nature": "complaint"}),
        )
        assert scene.open == []
        # Praise that is marked as a request is looked at, and left.
        assert scene.reached["dispatch_message"] == 1

    @pytest.mark.parametrize("type_", ["message.received", "mention.received", "call.ended"])
    @pytest.mark.parametrize(
        "data",
        [{"nature": "complaint"}, {"request": True}, {"nature": "information", "request": True}],
    )
    def test_what_asks_opens_one(self, scene: CaseScene, type_: str, data: dict[str, Any]) -> None:
        scene.happen(said("1", PHONE, 1, type_=type_, data=data))
        (case,) = scene.open
        assert (case.nature or None) == data.get("nature")


class TestByReference:
    @pytest.mark.parametrize(
        "data",
        [
            {"text": "sobre {n}, nada ainda"},
            {"subject": "Re: protocolo {d}", "text": "oi"},
            {"text": "{d}"},
        ],
    )
    def test_a_number_in_text_or_subject(self, scene: CaseScene, data: dict[str, str]) -> None:
        joined_customer(scene, PHONE, EMAIL)
        scene.happen(complaint("1", PHONE, 10))
        (case,) = scene.open
        names = {"n": case.protocol, "d": format_protocol(case.protocol)}
        filled = {name: text.format(**names) for name, text in data.items()}
        scene.happen(said("2", EMAIL, 200, data=filled))
        assert scene.thread(case.protocol) == {"1": "opened", "2": "reference"}
        assert scene.commands()[-1] == ("protocol_continued", scene.key(EMAIL), case.protocol)

    def test_a_stranger_who_quotes_it_joins_nothing_and_learns_nothing(
        self, scene: CaseScene
    ) -> None:
        scene.happen(complaint("1", PHONE, 10))
        (case,) = scene.open
        scene.happen(
            said("2", STRANGER, 11, case.protocol),
            complaint("3", STRANGER, 12, conversation={"protocol": case.protocol}),
        )
        assert scene.thread(case.protocol) == {"1": "opened"}
        told = [command for command in scene.commands() if command[1] == scene.key(STRANGER)]
        (own,) = [c for c in scene.open if c.protocol != case.protocol]
        assert told == [("protocol_opened", scene.key(STRANGER), own.protocol)]
        assert own.related == ()

    def test_a_number_that_no_case_has(self, scene: CaseScene) -> None:
        free = make_protocol("nobody", at(1))
        scene.happen(
            said("1", PHONE, 1, free), complaint("2", PHONE, 2, conversation={"protocol": free})
        )
        assert len(scene.open) == 1


class TestByThread:
    def test_a_reply_to_our_own_email_after_the_window(self, scene: CaseScene) -> None:
        scene.happen(complaint("1", EMAIL, 10))
        (asked,) = scene.named("send.message")
        sent = {
            "message_id": asked.data["message_id"],
            "template": "protocol_opened",
            "provider_message_id": "0100aabb-01",
        }
        scene.happen(
            said("s", EMAIL, 10.1, **OUR_MAIL, data=sent),
            said(
                "2",
                EMAIL,
                200,
                channel="email",
                conversation={"reply_to": "<0100aabb-01@sa-east-1.amazonses.com>"},
            ),
        )
        (case,) = scene.open
        assert scene.thread(case.protocol) == {"1": "opened", "2": "thread"}

    @pytest.mark.parametrize(
        ("first", "later"),
        [
            ({"message_id": "<a@x>"}, {"reply_to": "<a@x>"}),
            ({"message_id": "<a@x>"}, {"references": ["<a@x>", "<b@y>"]}),
            ({}, {"reply_to": "1"}),
            ({"id": "thread-1"}, {"id": "thread-1"}),
        ],
    )
    def test_what_a_reply_names(
        self, scene: CaseScene, first: dict[str, Any], later: dict[str, Any]
    ) -> None:
        scene.happen(
            complaint("1", PHONE, 10, conversation=first),
            said("2", PHONE, 200, conversation=later),
        )
        (case,) = scene.open
        assert scene.thread(case.protocol) == {"1": "opened", "2": "thread"}

    def test_somebody_elses_thread_is_not_followed(self, scene: CaseScene) -> None:
        scene.happen(
            complaint("1", PHONE, 10, conversation={"id": "post-1"}),
            said("2", STRANGER, 11, conversation={"id": "post-1", "reply_to": "1"}),
        )
        (case,) = scene.open
        assert scene.thread(case.protocol) == {"1": "opened"}


class TestSafeStitching:
    def test_what_was_only_stated_informs_the_company_alone(self, scene: CaseScene) -> None:
        scene.happen(complaint("1", PHONE, 10), said("2", STRANGER, 11, "Sou eu"))
        scene.happen(interaction("3", STRANGER, PHONE, at=at(11.5)), said("4", STRANGER, 12))
        (case,) = scene.open
        # What he said before anything joined them stays apart; what stated it joins.
        assert scene.thread(case.protocol) == {"1": "opened", "3": "window", "4": "window"}
        scene.happen(said("5", STRANGER, 13, f"protocolo {case.protocol}?"))
        assert scene.thread(case.protocol)["5"] == "reference"
        assert {key for _, key, _ in scene.commands()} == {scene.key(PHONE)}

    def test_whoever_asks_from_outside_the_circle_is_answered_as_if_alone(
        self, scene: CaseScene
    ) -> None:
        scene.happen(complaint("1", PHONE, 10))
        (victims,) = scene.open
        scene.happen(
            interaction("2", STRANGER, PHONE, at=at(11)),
            complaint("3", STRANGER, 12, data={"nature": "complaint", "text": victims.protocol}),
        )
        (own,) = [c for c in scene.open if c.protocol != victims.protocol]
        assert own.related == (victims.protocol,)
        assert scene.commands()[-1] == ("protocol_opened", scene.key(STRANGER), own.protocol)

    def test_a_case_in_a_name_that_was_only_stated_is_told_to_nobody(
        self, scene: CaseScene
    ) -> None:
        scene.happen(complaint("form", (*EMAIL, "stated"), 10))
        assert scene.commands() == []
        scene.happen(complaint("mail", EMAIL, 11))
        assert len(scene.open) == 2
        (own,) = [c for c in scene.open if c.level == "proven"]
        assert scene.commands() == [("protocol_opened", scene.key(EMAIL), own.protocol)]

    @settings(max_examples=40, deadline=None)
    @given(st.data())
    def test_no_number_leaves_the_circle_of_the_case(self, data: st.DataObject) -> None:
        points = [PHONE, EMAIL, STRANGER, ("cpf", CPFS[0])]
        scene = CaseScene()
        for n in range(data.draw(st.integers(1, 7))):
            point = data.draw(st.sampled_from(points))
            others = data.draw(st.lists(st.sampled_from(points), max_size=2))
            levels = st.sampled_from(["proven", "stated"])
            numbers = [c.protocol for c in scene.open]
            text = data.draw(st.sampled_from(["oi", *numbers]))
            made = interaction(
                f"i{n}",
                (*point, data.draw(levels)),
                *((*other, data.draw(levels)) for other in others),
                at=at(10 + n),
                type_=data.draw(st.sampled_from(["complaint.opened", "message.received"])),
                data={"text": text},
            )
            before = len(scene.commands())
            scene.happen(made)
            for _, key, protocol in scene.commands()[before:]:
                case = scene.cases.by_protocol[protocol]
                customer = scene.memberships.of(key)
                assert customer is not None
                assert key == scene.key(point)
                assert case.contact_key in circle(customer.ties, key)
                assert case.level == "proven"


class TestOrderAndRepetition:
    @settings(max_examples=40, deadline=None)
    @given(st.permutations(range(6)), st.booleans())
    def test_the_order_of_arrival_changes_nothing(self, order: list[int], late: bool) -> None:
        scene = CaseScene(hold=late)
        joined_customer(scene, PHONE, EMAIL)
        made = [
            said("before", PHONE, 9.5),
            complaint("1", PHONE, 10),
            said("2", EMAIL, 11),
            said("3", (*PHONE, "stated"), 12, type_="call.ended"),
            said("4", EMAIL, 13),
            said("elsewhere", STRANGER, 12),
        ]
        for n in order:
            scene.happen(made[n])
        scene.let_go()
        (case,) = scene.open
        assert set(scene.thread(case.protocol)) == {"before", "1", "2", "3", "4"}

    def test_two_complaints_in_the_wrong_order_make_one_case(self, scene: CaseScene) -> None:
        scene.happen(complaint("2", PHONE, 12), complaint("1", PHONE, 10))
        (case,) = scene.open
        assert scene.thread(case.protocol) == {"1": "window", "2": "opened"}

    def test_another_dispatcher_that_was_faster_is_joined(
        self, scene: CaseScene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Both looked for an open case before either had opened one.
        real, seen = scene.cases.open_of, []

        def blind_at_first(keys: Any) -> Any:
            seen.append(keys)
            if len(seen) == 1:
                scene.cases.open(
                    contact_key=scene.key(PHONE), contact_kind="phone", interaction_id="other",
                    customer_id="c", nature="complaint", opened_at=at(9.9), level="proven",
                )  # fmt: skip
                return []
            return real(keys)

        monkeypatch.setattr(scene.cases, "open_of", blind_at_first)
        scene.happen(complaint("1", PHONE, 10))
        (case,) = scene.open
        assert case.interaction_id == "other"


class TestClosing:
    @pytest.fixture
    def closed(self, scene: CaseScene) -> str:
        scene.happen(complaint("1", PHONE, 10))
        (case,) = scene.open
        conversation = {"protocol": case.protocol}
        scene.happen(said("end", PHONE, 20, type_="case.closed", conversation=conversation))
        assert scene.open == []
        return case.protocol

    def test_it_leaves_the_open_ones_and_the_hints(self, scene: CaseScene, closed: str) -> None:
        (told,) = scene.named("case.closed")
        assert (told.data["protocol"], told.data["by"]) == (closed, "generic")
        assert scene.store.records[scene.key(PHONE)].hint is None
        reached = scene.reached["dispatch_message"]
        scene.happen(said("later", PHONE, 21))
        assert scene.reached["dispatch_message"] == reached

    def test_a_reply_soon_after_reopens_it(self, scene: CaseScene, closed: str) -> None:
        scene.happen(said("2", PHONE, 90, f"{closed} voltou a falhar"))
        (case,) = scene.open
        assert case.protocol == closed
        assert scene.thread(closed)["2"] == "reference"
        assert len(scene.named("case.reopened")) == 1
        assert scene.store.records[scene.key(PHONE)].hint is not None

    def test_a_number_long_after_begins_another_that_follows_it(
        self, scene: CaseScene, closed: str
    ) -> None:
        scene.happen(said("2", PHONE, 93, f"{closed} voltou a falhar"))
        (case,) = scene.open
        assert (case.follows, case.protocol != closed) == (closed, True)
        (_, opened) = scene.named("case.opened")
        assert opened.data["follows"] == closed

    def test_thanks_in_the_same_thread_long_after_begin_nothing(
        self, scene: CaseScene, closed: str
    ) -> None:
        scene.happen(said("2", PHONE, 200, "obrigado", conversation={"reply_to": "1"}))
        assert scene.open == []

    def test_what_was_said_before_joins_without_reopening(
        self, scene: CaseScene, closed: str
    ) -> None:
        scene.happen(said("2", PHONE, 15, closed))
        assert scene.open == []
        assert scene.thread(closed)["2"] == "reference"

    def test_the_companys_own_answer_reopens_nothing(self, scene: CaseScene, closed: str) -> None:
        named = {"protocol": closed}
        scene.happen(
            said("a", PHONE, 21, type_="complaint.answered", conversation=named),
            said("b", PHONE, 22, type_="message.sent", direction="outbound", conversation=named),
        )
        assert scene.open == []
        assert list(scene.thread(closed)) == ["1", "end", "a", "b"]

    def test_a_new_complaint_opens_a_new_case(self, scene: CaseScene, closed: str) -> None:
        scene.happen(complaint("2", PHONE, 21))
        (case,) = scene.open
        assert case.protocol != closed


class TestReports:
    def test_another_system_hands_it_over(self, scene: CaseScene) -> None:
        scene.happen(complaint("1", PHONE, 10))
        (case,) = scene.open
        named = {"protocol": format_protocol(case.protocol)}
        scene.happen(
            said(
                "b", PHONE, 13, type_="case.transferred", conversation=named,
                data={"to": "redes", "channel": "telefone", "reason": "antena"},
            ),
            said("a", PHONE, 12, type_="case.assigned", conversation=named, data={"to": "ana"}),
        )  # fmt: skip
        (case,) = scene.open
        # The assignment came late, and is history.
        assert (case.assignee, case.team) == ("redes", "telefone")
        assert [c.kind for c in scene.cases.changes(case.protocol, 9)] == [
            "assigned",
            "transferred",
        ]
        (event,) = scene.named("case.transferred")
        assert (event.data["to"], event.data["channel"]) == ("redes", "telefone")
        assert len(scene.named("case.assigned")) == 1

    def test_a_report_that_names_no_case_of_its_customer_changes_none(
        self, scene: CaseScene
    ) -> None:
        scene.happen(complaint("1", PHONE, 10))
        (case,) = scene.open
        named = {"protocol": case.protocol}
        scene.happen(
            said("a", STRANGER, 11, type_="case.closed", conversation=named),
            said("b", PHONE, 12, type_="case.closed"),
        )
        assert scene.open == [case]


class TestMergesAndSplits:
    def test_hints_follow_what_holds(self, scene: CaseScene) -> None:
        joined_customer(scene, PHONE)
        scene.happen(said("e", EMAIL, 1))
        phone, email = scene.key(PHONE), scene.key(EMAIL)
        decision = scene.same(PHONE, EMAIL)
        records = scene.store.records
        assert records[phone].hint == records[email].hint
        assert records[phone].hint == CustomerHint(tuple(sorted((phone, email))), open_case=False)
        scene.happen(complaint("1", PHONE, 10))
        assert records[email].hint == CustomerHint(tuple(sorted((phone, email))), open_case=True)
        scene.withdraw(decision)
        assert records[email].hint is None
        assert records[phone].hint == CustomerHint((phone,), open_case=True)

    def test_events_in_the_wrong_order_end_in_the_same_hints(self) -> None:
        scene = CaseScene(hold=True)
        scene.happen(said("p", PHONE, 1), said("e", EMAIL, 1), complaint("1", PHONE, 10))
        scene.withdraw(scene.same(PHONE, EMAIL))
        decision = scene.same(PHONE, EMAIL)
        scene.held.reverse()
        scene.let_go()
        both = tuple(sorted((scene.key(PHONE), scene.key(EMAIL))))
        hints = {scene.store.records[key].hint for key in both}
        assert decision and hints == {CustomerHint(both, open_case=True)}

    def test_a_merge_that_comes_between_is_seen(
        self, scene: CaseScene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene.happen(said("p", PHONE, 1), said("e", EMAIL, 1))
        real, calls = scene.store.put_hint, []

        def merging(key: str, hint: CustomerHint | None) -> None:
            real(key, hint)
            calls.append(key)
            if len(calls) == 1:
                # Told of by an event that is handled before this write, and so too early.
                scene.same(PHONE, EMAIL)

        scene.hold = True
        scene.happen(complaint("1", PHONE, 10))
        (opened,) = scene.named("case.opened")
        monkeypatch.setattr(scene.store, "put_hint", merging)
        # Once only: a second delivery would put it right by chance.
        scene.follow(opened)
        both = tuple(sorted((scene.key(PHONE), scene.key(EMAIL))))
        assert {scene.store.records[key].hint for key in both} == {CustomerHint(both, True)}

    def test_a_case_survives_a_split_with_the_contact_point_that_opened_it(
        self, scene: CaseScene
    ) -> None:
        scene.happen(said("p", PHONE, 1), said("e", EMAIL, 1))
        decision = scene.same(PHONE, EMAIL, verified=True)
        scene.happen(complaint("1", PHONE, 10), said("2", EMAIL, 11))
        scene.withdraw(decision)
        (case,) = scene.open
        assert scene.thread(case.protocol) == {"1": "opened", "2": "window"}
        scene.happen(said("3", EMAIL, 12), said("4", PHONE, 12))
        assert set(scene.thread(case.protocol)) == {"1", "2", "4"}
