"""A seeded generator of Brazilians, and of what they leave on a company's channels.

``python -m bench.brazil --people 1000 --seed 1 -o people.jsonl --truth truth.csv`` writes
interactions of the contract, one a line, and who each of them was. Nobody in it exists:
names are drawn by their frequency in the census, numbers at random with right check
digits, and addresses end in example.com.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.brazil_people import Person, Population
from bench.brazil_typing import Hand

_START = datetime(2025, 1, 1, tzinfo=UTC)
_DAYS = 600
#: Of our own page and account, at which the networks' ids are scoped.
PAGE = "17841400000000000"


@dataclass(frozen=True)
class Sample:
    """An interaction, whose it is, and what was done to the truth on the way.

    Parameters
    ----------
    kind : str
        The way in: ``erp``, ``till``, ``site``, ``whatsapp`` …
    marks : frozenset of str
        ``nickname``, ``married``, ``typing error`` …
    """

    interaction: dict[str, Any]
    person: Person
    kind: str
    marks: frozenset[str]


def generate(people: int, seed: int) -> list[tuple[dict[str, Any], str]]:
    """Interactions with the id of the person behind each.

    Parameters
    ----------
    people : int
        How many; each leaves one to six interactions.
    seed : int
        The same seed gives the same list, on every machine and Python version.
    """
    return [(sample.interaction, sample.person.id) for sample in samples(people, seed)]


def samples(people: int, seed: int) -> list[Sample]:
    """As :func:`generate`, with kinds and marks; in the order of their times."""
    draw = random.Random(f"records {seed}")
    writer = Writer(draw)
    found = []
    for person in Population(seed).people(people):
        ways = draw.sample(tuple(_WAYS), k=draw.choice((1, 1, 2, 2, 3, 3, 4, 5, 6)))
        found += [writer.sample(person, way) for way in ways]
    return sorted(found, key=lambda sample: str(sample.interaction["occurred_at"]))


class Writer:
    """Writes what one way in makes of a person."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._hand = Hand(draw)
        self._number = 0

    def sample(self, person: Person, way: str) -> Sample:
        """One interaction of a person."""
        self._number += 1
        marks: set[str] = set()
        body = _WAYS[way](person, self._hand, self._draw, marks, self._number)
        moment = _START + timedelta(seconds=self._draw.randrange(_DAYS * 86400))
        time = f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
        body = {"source_id": f"{way}-{self._number}", "occurred_at": time, **body}
        return Sample(body, person, way, frozenset(marks))


Way = Callable[[Person, Hand, random.Random, set[str], int], dict[str, Any]]


def _some(draw: random.Random, chances: list[tuple[float, str, str]]) -> list[dict[str, str]]:
    return [
        {"kind": kind, "value": value, "level": "stated"}
        for chance, kind, value in chances
        if value and draw.random() < chance
    ]


def _row(source: str, level: str, cpf: float, birth: float, rest: float) -> Way:
    """A row of some system, with the chances that it knows CPF, birth date and the rest."""

    def way(p: Person, hand: Hand, draw: random.Random, marks: set[str], n: int) -> dict[str, Any]:
        traits = {"name": hand.name(p, marks)}
        if draw.random() < birth:
            traits["birth_date"] = hand.birth(p, marks)
        if draw.random() < rest:
            traits |= hand.address(p)
        phone = p.old_mobile if p.old_mobile and draw.random() < 0.5 else p.mobile
        if draw.random() < 0.15:
            phone = p.home.landline
        identifiers = _some(
            draw,
            [
                (cpf, "cpf", hand.cpf(p.cpf)),
                (rest, "email", hand.email(p)),
                (rest, "phone", hand.phone(phone, marks)),
            ],
        )
        if not any(identifier["kind"] == "phone" for identifier in identifiers):
            marks.discard("no ninth digit")
        return {
            "channel": "import" if level == "imported" else source,
            "type": "customer.identified",
            "contact_point": {"kind": f"record:{source}", "value": f"{source}-{n}", "level": level},
            "identifiers": [{**identifier, "level": level} for identifier in identifiers],
            "traits": traits,
        }

    return way


def _site(p: Person, hand: Hand, draw: random.Random, marks: set[str], n: int) -> dict[str, Any]:
    traits = {"name": hand.name(p, marks)} if draw.random() < 0.95 else {}
    if draw.random() < 0.4:
        traits["birth_date"] = hand.birth(p, marks)
    if draw.random() < 0.5:
        traits |= hand.address(p)
    phone = hand.phone(p.mobile, marks) if draw.random() < 0.5 else ""
    return {
        "channel": "site",
        "type": "customer.identified",
        "contact_point": {"kind": "email", "value": hand.email(p), "level": "stated"},
        "identifiers": _some(draw, [(0.35, "cpf", hand.cpf(p.cpf)), (1.0, "phone", phone)]),
        "traits": traits,
    }


def _message(kind: str, channel: str) -> Way:
    """A message on a network: a name as the profile has it, and little else."""

    def way(p: Person, hand: Hand, draw: random.Random, marks: set[str], n: int) -> dict[str, Any]:
        value = {
            "phone": p.mobile,
            "email": p.email,
            # The networks' own ids tell nothing.
            f"instagram:{PAGE}": f"{int(p.cpf) * 7919 % 10**15:015d}",
            "x": p.handle,
        }[kind]
        form = draw.random()
        if form < 0.35:
            name = p.called
            marks.add("only called")
        elif form < 0.7:
            name = f"{p.given[0]} {p.surnames[-1].split()[-1]}"
            marks.add("first and last")
        else:
            name = hand.name(p, marks)
        traits = {"name": name}
        if kind.startswith("instagram"):
            traits["username"] = p.handle
        return {
            "channel": channel,
            "type": "message.received",
            "contact_point": {"kind": kind, "value": value, "level": "proven"},
            "identifiers": _some(draw, [(0.1, "cpf", hand.cpf(p.cpf))]),
            "traits": traits,
            "data": {"text": "Oi, tudo bem?"},
        }

    return way


def _call(p: Person, hand: Hand, draw: random.Random, marks: set[str], n: int) -> dict[str, Any]:
    traits = {"name": hand.name(p, marks)}
    if draw.random() < 0.3:
        traits["birth_date"] = hand.birth(p, marks)
    number = p.mobile if draw.random() < 0.7 else p.home.landline
    return {
        "channel": "twilio_voice",
        "type": "call.ended",
        "contact_point": {"kind": "phone", "value": number, "level": "proven"},
        "identifiers": _some(draw, [(0.5, "cpf", hand.cpf(p.cpf))]),
        "traits": traits,
    }


_WAYS: dict[str, Way] = {
    "erp": _row("erp", "imported", cpf=0.8, birth=0.8, rest=0.7),
    "crm": _row("crm", "imported", cpf=0.4, birth=0.6, rest=0.6),
    "till": _row("till", "stated", cpf=0.7, birth=0.25, rest=0.1),
    "partner": _row("partner", "imported", cpf=0.0, birth=0.75, rest=0.5),
    "site": _site,
    "whatsapp": _message("phone", "whatsapp"),
    "email": _message("email", "email"),
    "instagram": _message(f"instagram:{PAGE}", "instagram"),
    "x": _message("x", "x"),
    "call": _call,
}


def contact_point(interaction: dict[str, Any]) -> tuple[str, str]:
    """Kind and value through which an interaction came, as it was written."""
    point = interaction["contact_point"]
    return str(point["kind"]), str(point["value"])


def main(arguments: list[str] | None = None) -> int:
    """Write a file of interactions."""
    parser = argparse.ArgumentParser(prog="python -m bench.brazil", description=__doc__)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.jsonl")
    parser.add_argument(
        "--truth", type=Path, metavar="TRUTH.csv", help="source_id,person,way,marks"
    )
    options = parser.parse_args(arguments)
    found = samples(options.people, options.seed)
    with options.output.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(s.interaction, ensure_ascii=False) + "\n" for s in found)
    if options.truth:
        with options.truth.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["source_id", "person", "way", "marks"])
            for s in found:
                marks = "; ".join(sorted(s.marks))
                writer.writerow([s.interaction["source_id"], s.person.id, s.kind, marks])
    print(f"{len(found)} interactions of {options.people} people", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
