"""Ten thousand requests of mixed purposes: the counts add up, caps hold, nobody twice.

What the providers took is the judge; who may be written to is kept beside it, in words of
its own.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta

from enlace.domain.delivery import State
from enlace.rules import message_policy
from tests.unit.messages.scene import MessageScene

REQUESTS = 10_000
PEOPLE = 1_500
SEED = 20261123


def test_ten_thousand_requests_add_up() -> None:
    rng = random.Random(SEED)
    # Nobody reads here, and without fall-backs one message is one message taken.
    scene = MessageScene(replace(message_policy(), fallback_after_seconds={}))
    people: list[dict[str, tuple[str, str]]] = []
    granted: set[tuple[str, str]] = set()
    person_of: dict[str, int] = {}
    for number in range(PEOPLE):
        phone = ("phone", f"+55{rng.choice(('11', '21', '68', '92'))}9{80000000 + number}")
        email = ("email", f"pessoa{number}@example.com")
        person: dict[str, tuple[str, str]] = {}
        if number % 5 != 1:
            person["email"] = email
            scene.contact(f"e{number}", email, channel="email")
        if number % 5 != 2:
            person["sms"] = phone
            others = [(*email, "proven")] if "email" in person else []
            channel = rng.choice(("sms", "sms", "whatsapp"))
            scene.contact(f"p{number}", phone, *others, channel=channel)
        for channel, address in person.items():
            person_of[address[1]] = number
            says = rng.choice(("granted", "granted", "", "withdrawn"))
            if says:
                scene.says(address, says, channel=channel)
            if says == "granted":
                granted.add((channel, address[1]))
        people.append(person)
    scene.run()
    asked: dict[str, str] = {}
    for number in range(REQUESTS):
        person = rng.choice(people)
        purpose = rng.choice(("marketing", "marketing", "transactional"))
        to = rng.choice(list(person.values()))
        channels = rng.choice((("preferred",), ("sms", "email"), ("email", "sms")))
        for _ in range(1 + (number % 20 == 0)):
            message = scene.ask(to, purpose=purpose, channels=channels, key=f"k{number}")
            asked[message.message_id] = purpose
        if number % 500 == 499:
            scene.run()
            # Three hours on: nights, mornings and a Sunday come and go.
            scene.wait(hours=3)
    for _ in range(8):
        scene.wait(hours=12)
    assert len(asked) == REQUESTS

    states = Counter((asked[id_], str(scene.deliveries.records[id_].state)) for id_ in asked)
    taken = Counter(message.message_id for _, message, _ in scene.taken)
    assert max(taken.values()) == 1
    for purpose in ("marketing", "transactional"):
        wanted = sum(known == purpose for known in asked.values())
        ended = {state: states[purpose, state] for state in ("sent", "denied", "failed")}
        assert sum(ended.values()) == wanted, states
        assert ended["sent"] == sum(m.purpose == purpose for _, m, _ in scene.taken)
        assert ended["sent"] > 100 and ended["failed"] == 0
    by_channel = Counter(scene.deliveries.records[id_].channel for id_ in taken)
    assert by_channel == Counter(name for name, *_ in scene.taken)
    assert set(by_channel) >= {"email", "sms"} and states["marketing", "denied"] > 1_000

    got = defaultdict(list)
    for channel, message, at in scene.taken:
        if message.purpose == "marketing":
            assert (channel, message.address) in granted
            got[person_of[message.address]].append(at)
    for times in got.values():
        for cap in scene.policy.caps:
            for begin in times:
                within = [t for t in times if begin <= t < begin + timedelta(hours=cap.hours)]
                assert len(within) <= cap.most
    reasons = Counter(
        scene.deliveries.records[id_].reason.split(":")[0]
        for id_ in asked
        if scene.deliveries.records[id_].state == State.DENIED
    )
    assert reasons["frequency cap"] > 50
