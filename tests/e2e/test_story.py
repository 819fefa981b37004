"""João's story on the stack: what ``make demo`` plays, held against what it promises."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from enlace.domain.protocol import format_protocol, is_valid_protocol
from local.demo import __main__ as demo
from local.demo.cast import Cast
from local.demo.screen import Screen
from local.demo.story import Facts

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def facts(stack: dict[str, Any]) -> Iterator[Facts]:
    """The facts that ``python -m local.demo --json`` prints."""
    with pytest.MonkeyPatch.context() as patch:
        printed = io.StringIO()
        patch.setattr("sys.stdout", printed)
        status = demo.main(["--json"])
    assert status == 0, "the demo failed; its one line is on standard error"
    yield json.loads(printed.getvalue())


def identifiers(view: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(i["kind"].partition(":")[0], i["value"]): i["level"] for i in view["identifiers"]}


def test_on_social_media_nobody_is_recognised(facts: Facts) -> None:
    assert facts["customers_on_social_media"] == 4


def test_in_the_end_every_channel_is_one_customer(facts: Facts) -> None:
    people = facts["people"]
    levels = identifiers(facts["view"])
    assert levels == {
        ("phone", people["joao_phone"]): "proven",
        ("whatsapp_bsuid", people["joao_bsuid"]): "proven",
        ("x", people["joao_x"]): "proven",
        ("instagram", people["joao_instagram"]): "proven",
        ("messenger", people["joao_messenger"]): "proven",
        ("x", people["joao_company_x"]): "stated",
        ("email", people["joao_work_email"]): "stated",
        ("email", people["joao_email"]): "stated",
        ("cpf", people["joao_cpf"]): "stated",
        ("user_id", people["joao_user_id"]): "stated",
        ("anonymous_id", people["joao_browser"]): "stated",
    }


def test_every_identifier_is_explained_by_events_or_decisions_that_exist(facts: Facts) -> None:
    events = {item["id"] for item in facts["timeline"]}
    decisions = {made["conciliation_id"] for made in facts["conciliations"]}
    assert len(facts["explained"]) == len(facts["view"]["identifiers"]) - 1
    for item in facts["explained"]:
        assert item["path"], item
        for step in item["path"]:
            assert step["accepted"]
            sources = {source["event_id"] for source in step["sources"]}
            made = {decision["conciliation_id"] for decision in step["decisions"]}
            assert sources or made
            assert sources <= events
            assert made <= decisions


def test_one_timeline_over_all_channels(facts: Facts) -> None:
    inbound = sorted(
        (item["channel"], item["type"])
        for item in facts["timeline"]
        if item["direction"] == "inbound"
    )
    assert inbound == sorted(
        [
            ("x", "mention.received"),
            ("x", "message.received"),
            ("atendimento", "customer.identified"),
            ("instagram", "comment.received"),
            ("messenger", "message.received"),
            ("whatsapp", "message.received"),
            ("atendimento", "complaint.opened"),
            ("voice", "call.started"),
            ("voice", "call.ended"),
            ("segment", "customer.identified"),
            ("segment", "page.viewed"),
            ("shop", "order.placed"),
            ("pos", "order.placed"),
            ("email", "message.received"),
            ("atendimento", "complaint.opened"),
            ("sms", "message.received"),
            ("messenger", "message.received"),
            ("atendimento", "complaint.opened"),
            ("voice", "call.started"),
            ("voice", "call.ended"),
            ("sms", "message.received"),
            # His own sign-in on the shared tablet.
            ("segment", "customer.identified"),
        ]
    )
    times = [item["occurred_at"] for item in facts["timeline"]]
    assert times == sorted(times, reverse=True)
    assert facts["purchases"]["value"] == [{"currency": "BRL", "orders": 2, "amount": 134980}]


def test_messages_went_out_once_and_to_the_conversations_own_address(facts: Facts) -> None:
    people = facts["people"]
    assert is_valid_protocol(facts["protocol"])
    (text,) = facts["sms"]
    assert text["PhoneNumber"] == people["joao_phone"]
    assert format_protocol(facts["protocol"]) in text["Message"]
    emails = {mail["Subject"]: mail["BodyText"] for mail in facts["emails"]}
    assert len(facts["emails"]) == len(emails) == 2
    assert all(mail["To"] == [people["joao_email"]] for mail in facts["emails"])
    (confirmation,) = (
        text for subject, text in emails.items() if people["online_order"] in subject
    )
    assert "1.299,90" in confirmation
    (protocol,) = (s for s in emails if people["online_order"] not in s)
    number = protocol.split()[-1].replace("-", "")
    # The e-mail address was only stated: who asks there gets a number of their own.
    assert set(facts["protocols"]) == {facts["protocol"], number}
    assert number != facts["protocol"]


def test_facebook_telephone_and_sms_are_one_protocol_and_one_timeline(facts: Facts) -> None:
    people, case = facts["people"], facts["continued"]["case"]
    assert [
        (item["interaction"]["channel"], item["interaction"]["type"])
        for item in reversed(case["items"])
    ] == [
        ("messenger", "message.received"),
        ("atendimento", "complaint.opened"),
        ("voice", "call.started"),
        ("voice", "call.ended"),
        ("sms", "message.received"),
    ]
    how = [item["joined_by"] for item in reversed(case["items"])]
    # Begin and end of one call are one thread, whichever is filed first, unless both are in the
    # same moment.
    assert "window" in how[2:4] and set(how[2:4]) <= {"thread", "window"}
    assert how[:2] + how[4:] == ["window", "opened", "reference"]
    assert case["protocol"] not in facts["protocols"]
    assert case["opener"]["value"] == people["joao_messenger"]
    assert case["customer_id"] == facts["customer_id"]
    assert (case["state"], case["assignee"], case["team"]) == ("open", "redes", "telefone")
    assert [change["kind"] for change in case["history"]] == ["transferred"]
    timeline = {item["id"] for item in facts["timeline"]}
    assert {item["interaction"]["id"] for item in case["items"]} <= timeline
    # Facebook has no sender yet; the SMS is answered at the number that it came from.
    first, answer = sorted(
        facts["continued"]["sms"], key=lambda t: format_protocol(case["protocol"]) in t["Message"]
    )
    assert first == facts["sms"][0]
    assert format_protocol(case["protocol"]) in answer["Message"]
    assert answer["PhoneNumber"] == people["joao_phone"]
    # What was closed is no longer open.
    assert {c["protocol"] for c in facts["view"]["open_protocols"]} == {case["protocol"]}


def test_crm_follows_the_merges(facts: Facts) -> None:
    before, after = facts["crm_before"], facts["crm_after"]
    assert len(before) == 5
    assert list(after) == [facts["customer_id"]]
    assert after[facts["customer_id"]] == sorted(n for notes in before.values() for n in notes)
    assert len(set(after[facts["customer_id"]])) == len(after[facts["customer_id"]])


def test_a_homonym_on_the_same_tablet_is_never_mixed_up(facts: Facts) -> None:
    people = facts["people"]
    assert len(set(facts["tablet_customers"])) == 4
    assert [traits["name"]["value"] for traits in facts["names"]] == ["João da Silva"] * 2
    homonym = identifiers(facts["homonym"])
    assert set(homonym) == {
        ("phone", people["homonym_phone"]),
        ("whatsapp_bsuid", people["homonym_bsuid"]),
        ("email", people["homonym_email"]),
    }
    assert facts["homonym_received"] == []


def test_a_mistaken_merge_is_undone_exactly_and_the_crm_follows(facts: Facts) -> None:
    undo = facts["undo"]
    joao, homonym = undo["before"]
    assert joao["customer_id"] != homonym["customer_id"]
    merged = {view["customer_id"] for view in undo["during"]}
    assert len(merged) == 1
    assert set(identifiers(undo["during"][0])) == {*identifiers(joao), *identifiers(homonym)}
    assert undo["after"] == undo["before"]
    assert list(undo["crm_during"]) == list(merged)
    assert len(undo["crm_before"]) == 2
    assert undo["crm_after"] == undo["crm_before"]


def test_an_agent_sees_everything_and_a_bot_the_proven_circle(facts: Facts) -> None:
    people, agent, bot = facts["people"], facts["agent"], facts["bot"]
    assert ("email", people["joao_email"]) in identifiers(agent)
    assert agent["last_purchase"]["order_id"] == people["partner_order"]
    protocol = facts["continued"]["case"]["protocol"]
    assert {case["protocol"] for case in bot["open_protocols"]} == {protocol}
    assert set(identifiers(bot)) == {
        ("phone", people["joao_phone"]),
        ("whatsapp_bsuid", people["joao_bsuid"]),
        ("x", people["joao_x"]),
        ("instagram", people["joao_instagram"]),
        ("messenger", people["joao_messenger"]),
    }
    assert bot["last_purchase"] is None


def test_a_stranger_who_states_his_cpf_and_email_gets_nothing_of_his(facts: Facts) -> None:
    people, stranger = facts["people"], facts["stranger"]
    assert identifiers(stranger["agent"])["email", people["joao_email"]] == "stated"
    assert identifiers(stranger["agent"])["phone", people["joao_phone"]] == "stated"
    told = stranger["customer"]
    assert set(identifiers(told)) == {
        ("phone", people["stranger_phone"]),
        ("whatsapp_bsuid", people["stranger_bsuid"]),
    }
    assert told["customer_id"] != facts["customer_id"]
    assert told["last_purchase"] is None and told["purchases"]["orders"] == 0
    (own,) = told["open_protocols"]
    (text,) = stranger["sms"]
    assert format_protocol(own["protocol"]) in text["Message"]
    assert own["protocol"] not in {c["protocol"] for c in facts["view"]["open_protocols"]}
    assert stranger["sent_to_joao_meanwhile"] == 0
    assert stranger["bot_of_joao"] == facts["bot"]


def test_the_last_screen_is_plain_text_where_there_is_no_terminal(
    facts: Facts, stack: dict[str, Any]
) -> None:
    out = io.StringIO()
    Screen(Console(file=out, width=120, highlight=False)).show(facts, stack, 1.0)
    shown = out.getvalue()
    assert "\x1b" not in shown
    for text in (
        facts["people"]["joao_phone"],
        format_protocol(facts["protocol"]),
        facts["people"]["online_order"],
        stack["api_url"],
        "undone exactly",
    ):
        assert text in shown


def test_each_run_has_people_of_its_own() -> None:
    one, other = Cast(), Cast()
    shared = {name for name in one.names if one[name] == other[name]}
    assert shared == {"page", "instagram_account", "x_account"}
    assert Cast(one.run).names == one.names
