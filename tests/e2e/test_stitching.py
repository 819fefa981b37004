"""Safe stitching: on every channel a stranger states the victim's e-mail and CPF, and gets nothing.

Three victims see the same strangers in three orders: the victim first, the strangers first, and
all of them mixed. Afterwards the victim orders and complains again, with everything joined.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from enlace.domain.interaction import epoch_text
from enlace.domain.protocol import format_protocol
from local import stack as local_stack
from local.demo.cast import cpf
from local.demo.hub import Hub
from tests.e2e import vendors
from tests.e2e.queues import drain, set_visibility, visibility_seconds

pytestmark = pytest.mark.timeout(900)

ORDERS = ("victim first", "strangers first", "mixed")
CHANNELS = (
    "whatsapp",
    "messenger",
    "instagram",
    "x",
    "sms",
    "voice",
    "segment",
    "email",
    "reclame_aqui",
)
#: Kinds and levels of the strangers' own contact points.
POINTS = {
    "whatsapp": ("phone", "proven"),
    "messenger": (f"messenger:{vendors.PAGE}", "proven"),
    "instagram": (f"instagram:{vendors.INSTAGRAM}", "proven"),
    "x": ("x", "proven"),
    "sms": ("phone", "proven"),
    "voice": ("phone", "stated"),
    "segment": ("user_id", "stated"),
    "email": ("email", "proven"),
    "reclame_aqui": ("email", "stated"),
}
#: Where the channel itself proves the address, and a sender reaches it.
ANSWERED = ("whatsapp", "sms", "email")


@dataclass
class Scene:
    """A victim and nine strangers."""

    run: str
    number: int
    now: int
    values: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        rng = random.Random(f"{self.run}.{self.number}")
        digits = ["".join(str(rng.randrange(10)) for _ in range(7)) for _ in range(5)]
        me = self.me = f"{self.run}{self.number}"
        self.phone, self.email = f"+55319{8}{digits[0]}", f"vitima.{me}@stitch.example.com"
        self.cpf = cpf(f"{1 + self.number}{digits[1]}{self.number}")
        self.values = {
            **{c: f"{me}{c}" for c in ("messenger", "instagram", "x", "segment")},
            "whatsapp": f"+55319{7}{digits[2]}",
            "sms": f"+55319{6}{digits[3]}",
            "voice": f"+55319{9}{digits[4]}",
            "email": f"estranho.{me}@stitch.example.com",
            "reclame_aqui": f"reclama.{me}@stitch.example.com",
        }
        #: Nothing of these may reach a stranger.
        self.secrets = {self.phone, self.email, self.cpf, f"segredo-{me}", f"PED{me}"}

    def victim(self, part: str) -> list[vendors.Webhook]:
        """The victim's own contacts; ``part`` tells the early ones from the late."""
        id_, at = f"v.{self.me}.{part}", self.now
        secret = f"segredo-{self.me}"
        phone, email = ("phone", self.phone, "proven"), ("email", self.email, "stated")
        data = {**vendors.order(f"PED{self.me}{part}", 99900), "text": secret}
        return [
            vendors.whatsapp(self.phone, f"wamid.{id_}", at, text=secret),
            vendors.own(
                "form",
                id_,
                at + 1,
                "complaint.opened",
                phone,
                ("cpf", self.cpf),
                data={"text": secret},
            ),
            vendors.own("shop", id_, at + 2, "order.placed", email, ("cpf", self.cpf), data=data),
        ]

    def strangers(self) -> list[vendors.Webhook | dict[str, Any]]:
        """Each stranger's contact, and the claim; e-mails as ``{"mail": address}``."""
        v, at = self.values, self.now
        claim = {"email": self.email, "cpf": self.cpf}
        found: list[vendors.Webhook | dict[str, Any]] = [
            vendors.whatsapp(v["whatsapp"], f"wamid.s.{self.me}", at),
            vendors.messenger(v["messenger"], f"m_s.{self.me}", at),
            vendors.instagram(v["instagram"], f"ig_s.{self.me}", at),
            vendors.x(v["x"], f"x_s.{self.me}", at),
            vendors.sms(v["sms"], f"SMs.{self.me}"),
            vendors.voice(v["voice"], f"CAs.{self.me}", at),
            vendors.identify(v["segment"], f"seg_s.{self.me}", at, claim),
            {"mail": v["email"]},
        ]
        for channel in CHANNELS:
            if channel != "segment":
                kind, level = POINTS[channel]
                source = "reclame_aqui" if channel == "reclame_aqui" else "form"
                point = (kind, v[channel], level)
                id_ = f"s.{self.me}.{channel}"
                found.append(
                    vendors.own(
                        source,
                        id_,
                        at + 3,
                        "complaint.opened",
                        point,
                        *claim.items(),
                        data={"text": f"alegacao-{self.me}", "nature": "complaint"},
                    )
                )
        # The boldest: the victim's own address as the contact point of a form and of an order.
        point = ("email", self.email, "stated")
        found.append(
            vendors.own(
                "reclame_aqui",
                f"s.{self.me}.bold",
                at + 4,
                "complaint.opened",
                point,
                ("email", v["email"]),
                data={"text": f"alegacao-{self.me}"},
            )
        )
        return found

    def point(self, channel: str) -> tuple[str, str]:
        """A stranger's contact point."""
        return POINTS[channel][0], self.values[channel]


@dataclass
class Played:
    """The scenes, and all that was sent since before them."""

    hub: Hub
    scenes: dict[str, Scene]
    emails: list[dict[str, Any]]
    texts: list[dict[str, Any]]


@pytest.fixture(scope="module")
def played(stack: dict[str, Any]) -> Played:
    hub, now = Hub(stack), int(time.time()) - 600
    before = set_visibility(hub, visibility_seconds(hub))
    scenes = {name: Scene(f"{now:x}", n, now) for n, name in enumerate(ORDERS)}
    rng = random.Random(now)
    for name, scene in scenes.items():
        victim, strangers = scene.victim("a"), scene.strangers()
        match name:
            case "victim first":
                deliver(hub, scene, victim)
                drain(hub)
                deliver(hub, scene, strangers)
            case "strangers first":
                deliver(hub, scene, strangers[::-1])
                drain(hub)
                deliver(hub, scene, victim)
            case _:
                every = [*victim, *strangers]
                rng.shuffle(every)
                deliver(hub, scene, every)
    drain(hub)
    for scene in scenes.values():
        deliver(hub, scene, scene.victim("b"))
    drain(hub)
    set_visibility(hub, before)
    return Played(hub, scenes, local_stack.sent_emails(), local_stack.sent_sms())


def deliver(hub: Hub, scene: Scene, webhooks: list[Any]) -> None:
    for item in webhooks:
        if isinstance(item, dict):
            mail(hub, item["mail"], f"ses-{scene.me}", scene.now)
        else:
            hub.webhook(*item)


def mail(hub: Hub, address: str, id_: str, at: int) -> None:
    raw = f"From: <{address}>\r\nSubject: Oi\r\nMessage-ID: <{id_}@x>\r\n\r\nOi\r\n".encode()
    verdicts = ("spam", "virus", "spf", "dkim", "dmarc")
    hub.mail(
        id_,
        raw,
        {
            "notificationType": "Received",
            "mail": {"timestamp": epoch_text(at), "source": address, "messageId": id_},
            "receipt": {
                "recipients": ["sac@loja.example.com"],
                **{f"{verdict}Verdict": {"status": "PASS"} for verdict in verdicts},
            },
        },
    )


@pytest.fixture(params=ORDERS)
def scene(played: Played, request: pytest.FixtureRequest) -> Scene:
    return played.scenes[request.param]


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_agent_sees_the_claim_as_stated(played: Played, scene: Scene, channel: str) -> None:
    view = played.hub.customer(*scene.point(channel))
    assert view is not None
    levels = {(i["kind"], i["value"]): i["level"] for i in view["identifiers"]}
    assert levels["cpf", scene.cpf] == "stated"
    assert levels["email", scene.email] == "stated"
    assert levels["phone", scene.phone] == "stated"
    # Joined for the company's eyes, or there would be nothing to protect.
    victim = played.hub.customer("phone", scene.phone)
    assert victim is not None
    assert view["customer_id"] == victim["customer_id"]
    assert len(levels) >= len(CHANNELS)


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_stranger_is_told_nothing_of_the_victims(
    played: Played, scene: Scene, channel: str
) -> None:
    told = played.hub.context(*scene.point(channel), "customer")
    text = json.dumps(told, ensure_ascii=False)
    assert not [secret for secret in forbidden(played, scene) if secret in text]
    assert [(i["kind"], i["value"]) for i in told["identifiers"]] == [scene.point(channel)]
    # The same question by an agent is answered with them, so the search above can find.
    seen = json.dumps(played.hub.context(*scene.point(channel), "agent"), ensure_ascii=False)
    assert scene.email in seen and [
        s for s in forbidden(played, scene) - {scene.email} if s in seen
    ]
    assert told["purchases"]["orders"] == 0 and told["last_purchase"] is None


def test_the_victim_is_told_nothing_of_the_strangers(played: Played, scene: Scene) -> None:
    for point in (("phone", scene.phone), ("email", scene.email)):
        text = json.dumps(played.hub.context(*point, "customer"), ensure_ascii=False)
        assert f"alegacao-{scene.me}" not in text
        assert not [value for value in scene.values.values() if value in text]
    # What the victim's own side must know, so that an empty answer is no success.
    told = played.hub.context("phone", scene.phone, "customer")
    assert {item.get("text") for item in told["recent"]} >= {f"segredo-{scene.me}"}
    # The second complaint goes on with the first one's case.
    assert len(told["open_protocols"]) == 1
    told = played.hub.context("email", scene.email, "customer")
    assert told["last_purchase"]["order_id"].startswith(f"PED{scene.me}")


def test_messages_reach_only_whom_they_are_meant_for(played: Played, scene: Scene) -> None:
    emails = Counter(to for mail in played.emails for to in mail["To"] if scene.me in to)
    # Two order confirmations; no protocol for what a stranger put under the victim's address.
    assert emails == {scene.email: 2, scene.values["email"]: 1}
    numbers = (scene.phone, scene.values["whatsapp"], scene.values["sms"], scene.values["voice"])
    texts = Counter(t["PhoneNumber"] for t in played.texts if t["PhoneNumber"] in numbers)
    assert texts == {scene.phone: 1, scene.values["whatsapp"]: 1, scene.values["sms"]: 1}
    secrets = forbidden(played, scene)
    for message in (*played.emails, *played.texts):
        to = message["To"] if "To" in message else [message["PhoneNumber"]]
        if not {scene.phone, scene.email}.intersection(to):
            text = json.dumps(message, ensure_ascii=False)
            assert not [secret for secret in secrets if secret in text]


def test_an_answer_carries_the_strangers_own_protocol(played: Played, scene: Scene) -> None:
    for channel in ANSWERED:
        told = played.hub.context(*scene.point(channel), "customer")
        (case,) = told["open_protocols"]
        address = scene.values[channel]
        sent = [t["Message"] for t in played.texts if t["PhoneNumber"] == address]
        sent += [mail["BodyText"] for mail in played.emails if address in mail["To"]]
        assert len(sent) == 1
        assert format_protocol(case["protocol"]) in sent[0]


def forbidden(played: Played, scene: Scene) -> set[str]:
    """The victim's values, customer id and protocol numbers."""
    victim = played.hub.customer("phone", scene.phone)
    assert victim is not None
    own = {
        case["protocol"]
        for case in victim["open_protocols"]
        if case["contact_point"]["value"] in (scene.phone, scene.email)
    }
    assert len(own) >= 2
    own |= {format_protocol(protocol) for protocol in own}
    inside = {
        played.hub.context(kind, value, "customer")["customer_id"]
        for kind, value in (("phone", scene.phone), ("email", scene.email))
    }
    return scene.secrets | own | inside
