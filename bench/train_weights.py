"""How the weights that ship were learned: ``python -m bench.train_weights -o OUT.json``.

The generated Brazilians of :mod:`bench.brazil` go through the real resolver into memory;
what their contact points then say of them, and nothing of who they are, is learned from.
Two things are added to what the generator writes, because weights must know them:
rows of a system also hold phone and e-mail as traits, and one row in eight has the
address of before the last move, most moves being within a city.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.brazil import generate
from enlace.matching.features import Features, features_of
from enlace.matching.learn import learn
from enlace.rules import default_rules
from local.replay import replay_records

_ADDRESS = ("city", "state", "cep", "address")
_MOVED = 1 / 8
_WITHIN_THE_CITY = 0.7


def training_set(people: int, seed: int) -> list[Features]:
    """What the contact points of so many generated people say of them."""
    interactions = [interaction for interaction, _ in generate(people, seed)]
    _move(interactions, random.Random(f"moves {seed}"))
    for interaction in interactions:
        if interaction["contact_point"]["kind"].startswith("record:"):
            interaction["traits"] |= {
                identifier["kind"]: identifier["value"]
                for identifier in interaction["identifiers"]
                if identifier["kind"] in ("phone", "email")
            }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "interactions.jsonl"
        path.write_text("\n".join(map(json.dumps, interactions)), encoding="utf-8")
        records, invalid = replay_records(path, default_rules())
    if invalid:
        raise ValueError(f"the generator wrote what is no interaction: {invalid[0]}")
    features = [
        features_of(r.kind, r.value, r.traits) for r in records if r.traits and not r.blocked
    ]
    return [one for one in features if replace(one, own="") != Features()]


def _move(interactions: list[dict[str, Any]], draw: random.Random) -> None:
    """Give some rows another household's address."""
    addresses: dict[str, list[dict[str, str]]] = defaultdict(list)
    for interaction in interactions:
        address = {name: interaction["traits"].get(name) for name in _ADDRESS}
        if all(address.values()):
            addresses[address["city"]].append(address)
    if not addresses:
        return
    cities = sorted(addresses)
    for interaction in interactions:
        traits = interaction["traits"]
        known = [name for name in _ADDRESS if name in traits]
        if not known or draw.random() >= _MOVED:
            continue
        city = traits.get("city")
        if city not in addresses or draw.random() >= _WITHIN_THE_CITY:
            city = draw.choice(cities)
        other = draw.choice(addresses[city])
        traits |= {name: other[name] for name in known}


def main(arguments: list[str] | None = None) -> int:
    """Learn and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.train_weights", description=__doc__)
    parser.add_argument("--people", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--version", required=True)
    parser.add_argument("--date", required=True, help="YYYY-MM-DD")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.json")
    options = parser.parse_args(arguments)
    features = training_set(options.people, options.seed)
    weights = learn(
        features,
        version=options.version,
        date=options.date,
        trained_on=(
            f"python -m bench.train_weights --people {options.people} --seed {options.seed}:"
            f" {len(features)} contact points of generated Brazilians, without labels"
        ),
        samples=300_000,
    )
    options.out.write_text(weights.to_json(), encoding="utf-8")
    print(f"learned from {len(features)} contact points", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
