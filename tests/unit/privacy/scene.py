"""An erasure's saga with places in memory, whose power can be cut at any call."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from enlace.domain.erasure import HOLD_GROUND, Census, Kept, Subject, SubjectIdentifier
from enlace.errors import TemporaryFailure
from enlace.usecases.certify_erasure import Certifier
from enlace.usecases.erase_subject import EraseSubject, Outcome
from enlace.usecases.erasure_ports import ErasureRequest
from local.memory_rows import MemoryRows
from tests.unit.usecases.fakes import Crash

MAIL = SubjectIdentifier("email#aa", "email", "joao@example.com", "Joao@example.com")
PHONE = SubjectIdentifier("phone#bb", "phone", "+5511912345678")
OTHER = "email#neighbour"
START = 1_780_000_000.0
NOW = "2026-11-23T12:00:00.000Z"


class Power:
    """Cuts the function off before or after its nth call of anything outside."""

    def __init__(self) -> None:
        self.calls = 0
        self.cut_at: int | None = None
        self.after = False

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            cut = self.calls == self.cut_at
            if cut and not self.after:
                raise Crash
            result = call(*args, **kwargs)
            if cut:
                raise Crash
            return result

        return made


class Wired:
    """An object whose every public method may be the last."""

    def __init__(self, inner: Any, power: Power):
        self._inner, self._power = inner, power

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        return self._power.wrap(value) if callable(value) else value


@dataclass
class Shelf:
    """A place: items by address key, some of which stay."""

    name: str
    items: dict[str, list[str]]
    keep: frozenset[str] = frozenset()
    method: str = "delete"
    a_time: int = 2
    broken: int = 0
    asked: int = 0
    needs: str = ""
    gives: tuple[str, tuple[str, ...]] | None = None
    seen: list[Subject] = field(default_factory=list)

    def _mine(self, subject: Subject) -> Iterator[tuple[str, str]]:
        for key in subject.keys:
            for item in self.items.get(key, []):
                yield key, item

    def _kept(self, subject: Subject, item: str) -> bool:
        return item in self.keep or (self.name, item) in subject.holds

    def census(self, subject: Subject) -> Census:
        mine = list(self._mine(subject))
        kept = [item for _, item in mine if self._kept(subject, item)]
        held = [subject.holds[self.name, item] for item in kept if item not in self.keep]
        notes = (Kept("what the law keeps", len(kept), "a law"),) if kept else ()
        if held:
            notes = tuple(Kept("held", held.count(id_), f"{HOLD_GROUND}{id_}") for id_ in set(held))
        return Census(len(mine), notes, dict([self.gives]) if self.gives else {})

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        self.asked += 1
        self.seen.append(subject)
        if self.broken:
            self.broken -= 1
            raise TemporaryFailure(f"{self.name}: does not answer")
        if self.needs and not subject.ids(self.needs):
            raise AssertionError(f"{self.name} was not told of {self.needs}")
        gone = [pair for pair in self._mine(subject) if not self._kept(subject, pair[1])]
        for key, item in gone[: self.a_time]:
            self.items[key].remove(item)
        return len(gone) <= self.a_time


class Registry:
    """Requests, a fence, a seal, a signer, in memory."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.forgotten = False
        self.fences: dict[str, str] = {}
        self.erasing: set[str] = set()
        self.marked = 0
        self.told: list[str] = []
        self.announced: list[tuple[str, ...]] = []

    def erasure(self, request_id: str) -> ErasureRequest:
        return ErasureRequest(request_id, MAIL, whole_customer=True)

    def advance(self, request_id: str, state: str, *, reason: str = "") -> None:
        if self.states[-1:] != [state]:
            self.states.append(state)

    def forget(self, request_id: str) -> None:
        self.forgotten = True

    def raise_at(self, keys: list[str], at: str, request_id: str) -> None:
        self.erasing.update(keys)
        self.fences.update({key: max(at, self.fences.get(key, "")) for key in keys})

    def lower(self, keys: list[str]) -> None:
        self.erasing.difference_update(keys)

    def seal(self, text: str, purpose: str) -> str:
        return f"{purpose}|{text[::-1]}"

    def open(self, sealed: str, purpose: str) -> str:
        for_, _, text = sealed.partition("|")
        assert for_ == purpose
        return text[::-1]

    def sign(self, digest: bytes) -> dict[str, str]:
        return {"value": hashlib.sha256(b"key" + digest).hexdigest()}

    def summary(self, request_id: str) -> dict[str, str]:
        return {"request_id": request_id, "regulation": "lgpd", "deadline": "2026-12-08"}

    def mark(self, number: int) -> None:
        self.marked = max(self.marked, number)

    def tell(self, request: ErasureRequest, subject: Subject, certificate: str) -> None:
        assert subject.identifiers[0].value, "whom should it be told to"
        self.told.append(certificate)

    def announce(self, request_id: str, customers: list[str], at: str) -> None:
        self.announced.append(tuple(customers))


@dataclass
class Whom:
    identifiers: tuple[SubjectIdentifier, ...] = (MAIL, PHONE)
    customer_ids: tuple[str, ...] = ("c1",)


class Scene:
    """A saga over four shelves."""

    def __init__(self) -> None:
        self.power, self.rows, self.registry = Power(), MemoryRows(), Registry()
        self.now = START
        self.identity = Shelf("identity", {MAIL.key: ["record"], PHONE.key: ["record"]})
        self.timeline = Shelf(
            "timeline",
            {MAIL.key: [f"i{n}" for n in range(7)], PHONE.key: ["p1"], OTHER: ["theirs"]},
            gives=("messages", ("m1", "m2")),
        )
        self.consents = Shelf(
            "consents", {MAIL.key: ["ledger", "state"]}, keep=frozenset({"ledger"}), method="redact"
        )
        self.messages = Shelf("messages", {PHONE.key: ["m1", "m2"]}, needs="messages")
        self.crm = Shelf("crm:hubspot", {MAIL.key: ["contact"]})
        self.whom = Whom()
        self.retired: list[tuple[float, list[str]]] = []

    def saga(self) -> EraseSubject:
        wired = {
            name: Wired(getattr(self, name), self.power)
            for name in ("identity", "timeline", "consents", "messages", "crm", "registry", "rows")
        }
        registry: Any = wired["registry"]
        rows: Any = wired["rows"]
        return EraseSubject(
            rows,
            requests=registry,
            find=lambda identifier, whole: self.whom,
            fence=registry,
            identity=wired["identity"],  # type: ignore[arg-type]
            places=[wired["timeline"], wired["consents"], wired["messages"]],  # type: ignore[list-item]
            processors=[wired["crm"]],  # type: ignore[list-item]
            seal=registry,
            certifier=Certifier(
                rows,
                registry,
                request=registry.summary,
                mark=registry.mark,
                versions={"code": "test"},
                now=lambda: "2026-11-23T12:00:00.000Z",
            ),
            tell=registry.tell,
            announce=registry.announce,
            clock=lambda: self.now,
            wait_seconds=120,
            retire=lambda keys: self.retired.append((self.now, sorted(keys))),
        )

    def finish(self, request_id: str = "r1", most: int = 400) -> Outcome:
        for _ in range(most):
            outcome = self.saga().run(request_id)
            if not outcome.again_in:
                return outcome
            self.now += outcome.again_in
        raise AssertionError(f"not finished: {outcome}")

    def certificate(self, request_id: str = "r1", round_: int = 1) -> dict[str, Any]:
        row = self.rows.get(f"request#{request_id}", f"certificate#{round_:02d}")
        assert row is not None
        return dict(row.body)

    def counts(self) -> list[tuple[str, int, int, int]]:
        return [
            (one["place"], one["found"], one["deleted"], one["retained"])
            for one in self.certificate()["places"]
        ]


EXPECTED = [
    ("identity", 2, 2, 0),
    ("timeline", 8, 8, 0),
    ("consents", 2, 1, 1),
    ("messages", 2, 2, 0),
    ("crm:hubspot", 1, 1, 0),
]
