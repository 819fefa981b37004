"""What the rule ``contradiction`` prevents, and what it costs.

Sets of the generator's people, each of whom leaves rows with a CPF and nothing else
that joins. ``lent``: every tenth CPF is used by two or three people. ``mistyped``: one row
in thirty carries a CPF that was mistyped into somebody else's. In both, people's rows
under their own CPF lack names and birth dates; ``sparse`` is ``lent`` with the rows under
another's CPF lacking them too, so that nothing could tell some of them apart. They go
through the real resolve use case on the memory store, with the rule on, as it ships, and
off.

``python -m bench.contradiction`` prints pairs wrongly joined and pairs lost, by kind, and
keeps the figures in ``bench/results``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

from bench.brazil_people import Person, Population
from bench.brazil_typing import Hand
from bench.report import RESULTS
from bench.world import ROOT
from enlace.domain.rules import parse_rules
from local.replay import replay

PEOPLE, SEED = 3000, 7
#: Of ten CPFs, how many are lent; of the lent ones, how many to two others.
LENT, TWICE = 0.1, 0.25
#: Of the rows, how many carry a CPF mistyped into another person's.
MISTYPED = 1 / 30
#: Kinds of pairs that are told, the commonest first.
_KINDS = 12
#: Where the latest results are kept.
RECORDED = RESULTS / "contradiction.json"
_NAMELESS, _WITHOUT_BIRTH = 0.05, 0.4
_START = datetime(2025, 1, 1, tzinfo=UTC)
_RULES = ROOT / "layers" / "enlace" / "python" / "enlace" / "rules" / "default.toml"


@dataclass(frozen=True)
class Row:
    """A row of some system, with whose it is and whose CPF it carries."""

    id: str
    body: dict[str, Any]
    person: Person
    owner: Person
    marks: frozenset[str]

    @property
    def known(self) -> str:
        """What it says of the person beside the CPF."""
        traits = self.body["traits"]
        return " and ".join(t for t in ("name", "birth_date") if t in traits) or "nothing"


@dataclass
class Outcome:
    """How well customers fit people: pairs of rows.

    Parameters
    ----------
    joined, right, true : int
        Pairs in one customer; those of them that are one person; and the pairs of one
        person that carry the same CPF, which is all that a CPF can join.
    wrong, lost : dict of kind to number
        Pairs of two people joined; true pairs not joined, by what makes them differ.
    """

    joined: int = 0
    right: int = 0
    true: int = 0
    wrong: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """For the results file; the commonest kinds only."""
        kinds = {
            name: dict(list(found.items())[:_KINDS])
            for name, found in (("wrong", self.wrong), ("lost", self.lost))
        }
        return {**asdict(self), **kinds, "precision": self.precision, "recall": self.recall}

    @property
    def precision(self) -> float:
        """Of the pairs joined, the share that is one person."""
        return self.right / self.joined if self.joined else 1.0

    @property
    def recall(self) -> float:
        """Of the pairs that the CPF could join, the share joined."""
        return self.right / self.true if self.true else 1.0


def lent(people: int, seed: int, *, complete: bool = True) -> list[Row]:
    """Rows among which every tenth CPF is used by two or three people.

    Parameters
    ----------
    complete : bool
        Whether rows under another's CPF always have a name and a birth date.
    """
    population = Population(seed).people(people)
    writer = _Writer(seed, complete=complete)
    for owner in population:
        writer.rows(owner, owner, writer.draw.choice((2, 2, 3, 4)))
        if writer.draw.random() >= LENT:
            continue
        for _ in range(2 if writer.draw.random() < TWICE else 1):
            # Half of them live in the same house, and may bear the same surname.
            near = owner.relatives if writer.draw.random() < 0.5 else []
            user = writer.draw.choice(near or population)
            if user is not owner:
                writer.rows(user, owner, writer.draw.choice((1, 1, 2)))
    return writer.shuffled()


def mistyped(people: int, seed: int) -> list[Row]:
    """Rows of which one in thirty carries a CPF mistyped into another person's."""
    population = Population(seed).people(people)
    writer = _Writer(seed)
    for person in population:
        for _ in range(writer.draw.choice((2, 2, 3, 4))):
            wrong = writer.draw.random() < MISTYPED
            writer.rows(person, writer.draw.choice(population) if wrong else person, 1)
    return writer.shuffled()


def sparse(people: int, seed: int) -> list[Row]:
    """As :func:`lent`, with names and birth dates missing on all sides."""
    return lent(people, seed, complete=False)


#: The sets by name.
SETS: dict[str, Callable[[int, int], list[Row]]] = {
    "lent": lent,
    "mistyped": mistyped,
    "sparse": sparse,
}


class _Writer:
    def __init__(self, seed: int, *, complete: bool = True) -> None:
        self._complete = complete
        self.draw = random.Random(f"contradiction {seed}")
        self._hand = Hand(self.draw)
        self._rows: list[Row] = []

    def rows(self, person: Person, owner: Person, number: int) -> None:
        """``number`` rows of ``person`` under the CPF of ``owner``."""
        for _ in range(number):
            self._rows.append(self._row(person, owner))

    def _row(self, person: Person, owner: Person) -> Row:
        draw, marks = self.draw, set[str]()
        source, level = draw.choice((("erp", "imported"), ("till", "stated"), ("shop", "stated")))
        identity = f"{source}-{len(self._rows)}"
        traits: dict[str, str] = {}
        whole = self._complete and person is not owner
        if draw.random() >= _NAMELESS or whole:
            traits["name"] = self._hand.name(person, marks)
        if draw.random() >= _WITHOUT_BIRTH or whole:
            traits["birth_date"] = self._hand.birth(person, marks)
        moment = _START + timedelta(minutes=draw.randrange(600 * 1440))
        cpf = {"kind": "cpf", "value": self._hand.cpf(owner.cpf), "level": level}
        body = {
            "source_id": identity,
            "channel": "import" if level == "imported" else source,
            "type": "customer.identified",
            "occurred_at": f"{moment:%Y-%m-%dT%H:%M:%S}.000Z",
            "contact_point": {"kind": f"record:{source}", "value": identity, "level": level},
            "identifiers": [cpf],
            "traits": traits,
        }
        return Row(identity, body, person, owner, frozenset(marks))

    def shuffled(self) -> list[Row]:
        """All rows, in the order in which they happened."""
        return sorted(self._rows, key=lambda row: str(row.body["occurred_at"]))


def customers(rows: Iterable[Row], *, guarded: bool) -> dict[str, str]:
    """Row id -> customer id, through the resolve use case on the memory store."""
    text = _RULES.read_text(encoding="utf-8")
    if not guarded:
        text = text.replace("contradiction = true", "contradiction = false")
    rules = parse_rules(text)
    if rules.of("cpf").contradiction is not guarded:
        raise ValueError("the rules file is not of the form that this measure edits")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text("\n".join(json.dumps(row.body) for row in rows), encoding="utf-8")
        found = replay(path, rules).customer_of
    return {
        value: customer for (kind, value), customer in found.items() if kind.startswith("record:")
    }


def judged(rows: Iterable[Row], customer_of: Mapping[str, str]) -> Outcome:
    """Pairs of rows, right and wrong.

    Rows only meet through a CPF, so no pair of different CPFs can be joined.
    """
    outcome = Outcome()
    wrong: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    users: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        users[row.owner.cpf].append(row)
    for group in users.values():
        shared = len({row.person.id for row in group}) > 1
        for a, b in combinations(group, 2):
            one_person = a.person.id == b.person.id
            one_customer = customer_of[a.id] == customer_of[b.id]
            outcome.true += one_person
            outcome.joined += one_customer
            outcome.right += one_person and one_customer
            if one_customer and not one_person:
                wrong[_two_people(a, b)] += 1
            elif one_person and not one_customer:
                lost[_one_person(a, b, shared=shared)] += 1
    outcome.wrong = dict(wrong.most_common())
    outcome.lost = dict(lost.most_common())
    return outcome


def _two_people(a: Row, b: Row) -> str:
    near = "relatives" if b.person in a.person.relatives else "strangers"
    return f"{near}; known: {' / '.join(sorted((a.known, b.known)))}"


def _one_person(a: Row, b: Row, *, shared: bool) -> str:
    marks = ", ".join(sorted(a.marks | b.marks)) or "no difference"
    whose = "own CPF" if a.person is a.owner else "another's CPF"
    return f"{whose}{', used by others too' if shared else ''}; {marks}"


def measure(make: Callable[[int, int], list[Row]], people: int, seed: int) -> dict[str, Outcome]:
    """Outcomes of one set with the rule ``on`` and ``off``."""
    rows = make(people, seed)
    return {name: judged(rows, customers(rows, guarded=name == "on")) for name in ("on", "off")}


def main(arguments: list[str] | None = None) -> int:
    """Measure all sets and print what went wrong, by kind."""
    parser = argparse.ArgumentParser(prog="python -m bench.contradiction", description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    recorded: dict[str, Any] = {}
    for title, make in SETS.items():
        outcomes = measure(make, options.people, options.seed)
        recorded[title] = {name: outcome.told() for name, outcome in outcomes.items()}
        for name, outcome in outcomes.items():
            print(
                f"{title}, rule {name}: {outcome.joined} pairs joined, precision "
                f"{outcome.precision:.4f}, recall {outcome.recall:.4f} of {outcome.true}"
            )
        for what, kinds in (("wrong", outcomes["on"].wrong), ("lost", outcomes["on"].lost)):
            for kind, number in list(kinds.items())[:_KINDS]:
                print(f"  {what:5} {number:5}  {kind}")
    if options.people == PEOPLE and options.seed == SEED:
        content = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "people": PEOPLE, "seed": SEED}
        RECORDED.write_text(
            json.dumps(content | recorded, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
