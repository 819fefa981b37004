"""Nobody who said no is messaged, and nobody twice, whatever happens in whatever order.

Opt-outs, opt-ins, imports, merges, splits, deferrals, retries, lost answers, crashes and
redeliveries in any interleaving; what the providers took is the judge. The oracle knows
nothing of the consent's evaluation: it keeps, per address and channel, the last word that
counts.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from enlace.domain.delivery import State
from enlace.errors import EnlaceError, ProviderAmbiguous, ProviderRejected, ProviderUnavailable
from tests.unit.messages.scene import CHANNELS, MessageScene
from tests.unit.usecases.fakes import Crash

PEOPLE = [
    ("phone", "+5511987654321"),
    ("phone", "+5521987650002"),
    ("email", "joao@example.com"),
    ("email", "maria@example.com"),
]
WAYS = {"phone": ("sms", "whatsapp"), "email": ("email",)}


class Oracle:
    """What people said, in words of their own."""

    def __init__(self) -> None:
        self.denied: set[tuple[str, str]] = set()
        self.granted: set[tuple[str, str]] = set()

    def hear(self, address: str, channel: str, state: str, actor: str) -> None:
        place = (address, channel)
        if state == "withdrawn":
            self.denied.add(place)
            self.granted.discard(place)
        elif actor == "subject":
            self.denied.discard(place)
            self.granted.add(place)
        elif place not in self.denied:
            self.granted.add(place)

    def allows(self, address: str, channel: str) -> bool:
        return (address, channel) in self.granted - self.denied


class Run:
    """One history."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.scene = MessageScene()
        self.oracle = Oracle()
        self.asked: list[tuple[Any, str]] = []
        self.decisions: list[str] = []
        self.number = 0
        #: How often a provider took a message without our seeing its answer.
        self.lost: Counter[str] = Counter()
        self._judged = 0
        for number, address in enumerate(PEOPLE):
            self.scene.contact(f"c{number}", address, channel=WAYS[address[0]][0])
            for channel in WAYS[address[0]]:
                if self.pick(True, True, False):
                    self.scene.says(address, "granted", channel=channel)
                    self.oracle.hear(address[1], channel, "granted", "subject")
        self.deliver_all()

    def pick(self, *of: Any) -> Any:
        return self.rng.choice(of)

    def judge(self) -> None:
        """Every message that was taken since was allowed at that moment."""
        for channel, message, at in self.scene.taken[self._judged :]:
            if message.purpose == "marketing":
                assert self.oracle.allows(message.address, channel), (channel, message.address)
                if CHANNELS[channel].quiet_hours:
                    local = at - timedelta(hours=3)
                    assert 9 <= local.hour < 18 and local.weekday() < 6
        self._judged = len(self.scene.taken)

    # What may happen.

    def say(self) -> None:
        address = self.pick(*PEOPLE)
        channel = self.pick(*WAYS[address[0]])
        state = self.pick("granted", "granted", "withdrawn")
        actor = self.pick("subject", "subject", "agent", "import")
        self.scene.clock.forward(seconds=1)
        self.scene.says(address, state, channel=channel, actor=actor)
        self.oracle.hear(address[1], channel, state, actor)

    def reply_stop(self) -> None:
        phone = self.pick(*PEOPLE[:2])
        self.number += 1
        self.scene.clock.forward(seconds=1)
        self.scene.contact(f"sair{self.number}", phone, channel="sms", data={"text": "SAIR"})
        # Heard at once: whether it is heard late is the queue's affair, and told apart below.
        self.deliver_all()
        self.oracle.hear(phone[1], "sms", "withdrawn", "subject")

    def ask(self) -> None:
        self.number += 1
        to = self.pick(*PEOPLE)
        purpose = self.pick("marketing", "marketing", "transactional")
        channels = self.pick(("preferred",), ("sms", "email"), ("whatsapp", "sms", "email"))
        key = f"k{self.number}"
        fields = {"purpose": purpose, "channels": channels}
        self.asked.append((self.scene.ask(to, key=key, **fields), purpose))
        if self.pick(True, False):
            # The caller has not seen the answer.
            self.scene.ask(to, key=key, **fields)

    def merge(self) -> None:
        a, b = self.rng.sample(PEOPLE, 2)
        try:
            self.decisions.append(self.scene.same(a, b, verified=self.pick(True, False)))
        except EnlaceError:
            return

    def split(self) -> None:
        if self.decisions:
            self.scene.withdraw_decision(self.decisions.pop())

    def step(self) -> None:
        """Deliver one event, perhaps twice, perhaps out of turn, perhaps with a fault."""
        queue = self.scene.queue
        if not queue:
            return
        queue.rotate(self.rng.randrange(4))
        event = queue.popleft()
        provider = self.scene.providers[self.pick(*CHANNELS)]
        fault = self.pick("", "", "", "lost", "crash", "busy", "refused", "cut")
        provider.script = {
            "": [],
            "lost": [("after", ProviderAmbiguous("timeout"))],
            "crash": [("after", Crash())],
            "cut": [("before", Crash())],
            "busy": [("before", ProviderUnavailable("throttled"))],
            "refused": [("before", ProviderRejected("no"))],
        }[fault]
        before = len(self.scene.taken)
        done = self.scene.deliver(event)
        if fault in ("lost", "crash") and len(self.scene.taken) > before and not provider.script:
            self.lost[self.scene.taken[-1][1].message_id] += 1
        provider.script = []
        if not done or self.pick(True, False, False):
            queue.append(event)
        self.report()
        self.judge()

    def report(self) -> None:
        """The senders' outcomes are recorded."""
        while self.scene.outcomes:
            self.scene.record(self.scene.outcomes.pop(0))

    def pass_time(self) -> None:
        self.scene.clock.forward(seconds=self.pick(10, 120, 3600, 8 * 3600))
        self.scene.queue.extend(self.scene.alarms.due(self.scene.now))

    def deliver_all(self) -> None:
        for _ in range(200):
            self.report()
            if not self.scene.queue:
                return
            event = self.scene.queue.popleft()
            if not self.scene.deliver(event):
                self.scene.clock.forward(seconds=100)
                self.scene.queue.append(event)
            self.judge()
        raise AssertionError("it never ends")


DOES = (*("say",) * 3, *("ask",) * 3, "merge", "split", *("step",) * 6, "pass_time", "reply_stop")

#: The seed tells the history, so there is nothing to shrink.
SEEDS = given(st.integers(0, 2**32))


@settings(max_examples=150, deadline=None, phases=[Phase.generate])
@SEEDS
def test_nobody_who_said_no_is_messaged_and_nobody_twice(seed: int) -> None:
    run = Run(seed)
    for _ in range(run.rng.randrange(10, 70)):
        getattr(run, run.pick(*DOES))()
        run.judge()
    for _ in range(4):
        run.scene.clock.forward(hours=20)
        run.scene.queue.extend(run.scene.alarms.due(run.scene.now))
        run.deliver_all()
    taken = Counter(message.message_id for _, message, _ in run.scene.taken)
    for message, purpose in run.asked:
        record = run.scene.deliveries.get(message.message_id)
        assert record is not None
        assert record.state not in (State.ACCEPTED, State.DEFERRED)
        times = taken[message.message_id]
        if record.state == State.DENIED:
            assert times == 0
        fallbacks = sum(step.what == "fallback" for step in record.steps)
        if purpose == "marketing":
            # One message is one message: a further one only where the first was not read.
            assert times <= 1 + fallbacks
            by_channel = Counter(
                name for name, m, _ in run.scene.taken if m.message_id == message.message_id
            )
            assert max(by_channel.values(), default=0) <= 1
        else:
            assert times <= 1 + run.lost[message.message_id] + fallbacks


@settings(max_examples=80, deadline=None, phases=[Phase.generate])
@SEEDS
def test_caps_hold_for_every_person(seed: int) -> None:
    """However messages to the addresses of one person are interleaved."""
    run = Run(seed)
    a, b = PEOPLE[0], PEOPLE[2]
    run.scene.same(a, b)
    for address in (a, b):
        run.scene.says(address, "granted", channel=WAYS[address[0]][0])
        run.oracle.hear(address[1], WAYS[address[0]][0], "granted", "subject")
    begin = run.scene.clock()
    for _ in range(run.rng.randrange(4, 9)):
        run.asked.append((run.scene.ask(run.pick(a, b)), "marketing"))
        for _ in range(run.rng.randrange(4)):
            run.step()
    run.deliver_all()
    within = [at for _, m, at in run.scene.taken if m.purpose == "marketing"]
    assert len([at for at in within if at - begin < timedelta(hours=24)]) <= 3
