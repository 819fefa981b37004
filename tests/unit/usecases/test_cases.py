"""One conversation over many channels is one case; what it tells goes to whom it may."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.circle import circle
from enlace.domain.protocol import format_protocol, make_protocol
from tests.stores.builders import CPFS, interaction
from tests.unit.usecases.case_contacts import (
    EMAIL,
    MESSENGER,
    OUR_MAIL,
    PHONE,
    STRANGER,
    at,
    complaint,
    joined_customer,
    said,
)
from tests.unit.usecases.case_scene import CaseScene


@pytest.fixture
def scene() -> CaseScene:
    return CaseScene()


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
