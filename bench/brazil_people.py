"""Invented Brazilians: households of people who share surnames, addresses and mailboxes."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Generic, TypeVar

from bench.brazil_names import (
    CALLED,
    MEN,
    PARTICLES,
    RARE_BEGINNINGS,
    RARE_ENDINGS,
    SECOND_NAMES,
    SURNAMES,
    WOMEN,
)
from bench.brazil_places import CITIES, STREETS, City

T = TypeVar("T")
#: Share of names taken from the invented rare surnames; the thirty commonest bear about
#: half of all surnames, and 200,000 others the rest.
_RARE = 0.15
#: The names of which every directory has a page; further homonyms on top of chance.
_HOMONYMS = (("Maria", "Silva"), ("José", "Silva"), ("João", "Silva"), ("Maria", "Santos"))


@dataclass(frozen=True)
class Home:
    """Where a household lives, and what it shares."""

    city: City
    cep: str
    street: str
    number: str
    landline: str
    email: str


@dataclass(frozen=True)
class Person:
    """Somebody, as they truly are.

    Parameters
    ----------
    given, surnames : tuple of str
        With particles: ``("Maria", "de Fátima")``, ``("da Silva", "Souza")``.
    suffix : str
        *Filho*, *Junior*, *Neto*, or empty.
    married : tuple of str
        Surnames since the marriage; empty where they stayed.
    birth : str
        ``YYYY-MM-DD``.
    mobile, old_mobile : str
        E.164; the second is empty for most.
    shares_email : bool
        Gives the household's address as often as the own one.
    """

    id: str
    given: tuple[str, ...]
    surnames: tuple[str, ...]
    suffix: str
    married: tuple[str, ...]
    called: str
    birth: str
    cpf: str
    home: Home
    mobile: str
    old_mobile: str
    email: str
    handle: str
    shares_email: bool
    relatives: list[Person] = field(default_factory=list, repr=False, compare=False)


class Population:
    """Draws people; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"people {seed}")
        self._women, self._men = Weighted(WOMEN), Weighted(MEN)
        self._surnames = Weighted(SURNAMES)
        self._cities = Weighted({city: city.residents for city in CITIES})
        self._taken: set[str] = set()

    def people(self, number: int) -> list[Person]:
        """So many people, household by household."""
        found: list[Person] = []
        while len(found) < number:
            found += self._household(len(found))
        return found[:number]

    def _household(self, first: int) -> list[Person]:
        draw = self._random
        home = self._home()
        # Nobody is called Silva Silva.
        family = tuple(dict.fromkeys(self._surname() for _ in range(draw.choice((1, 2, 2, 2)))))
        members: list[Person] = []
        for number in range(draw.choice((1, 1, 1, 2, 2, 3, 4))):
            members.append(self._person(f"p{first + number:06d}", home, family, members))
        for member in members:
            member.relatives.extend(other for other in members if other is not member)
        return members

    def _home(self) -> Home:
        draw = self._random
        city = self._cities.draw(draw)
        # Ten districts hold most of a city's people; a street has one CEP of its own.
        district = city.first + int(draw.random() ** 2 * (city.last - city.first))
        street = draw.choice(STREETS)
        suffix = sum(street.encode()) * 7 % 900
        number = str(int(draw.paretovariate(0.7) * 10) % 4000 + 1)
        line = f"+55{city.area}{draw.choice('23')}{draw.randrange(10**7):07d}"
        return Home(
            city,
            f"{district:05d}-{suffix:03d}",
            street,
            number,
            line,
            f"familia.{plain(street)}{number}.{district}@example.com",
        )

    def _surname(self) -> str:
        draw = self._random
        if draw.random() < _RARE:
            return draw.choice(RARE_BEGINNINGS) + draw.choice(RARE_ENDINGS)
        return self._with_particle(self._surnames.draw(draw))

    def _with_particle(self, surname: str) -> str:
        particle, share = PARTICLES.get(surname, ("", 0.0))
        return f"{particle} {surname}" if self._random.random() < share else surname

    def _person(
        self, identity: str, home: Home, family: tuple[str, ...], before: Sequence[Person]
    ) -> Person:
        draw = self._random
        woman = draw.random() < 0.52
        first = (self._women if woman else self._men).draw(draw)
        surnames = family if before or draw.random() < 0.6 else (self._surname(), *family[-1:])
        if draw.random() < 0.02:
            first, surname = draw.choice(_HOMONYMS)
            surnames = (self._with_particle(surname),)
            woman = first == "Maria"
        given: tuple[str, ...] = (first,)
        second = draw.choice(SECOND_NAMES["w" if woman else "m"])
        if second != first and draw.random() < (0.75 if first in ("Maria", "Ana") else 0.35):
            given = (first, second)
        suffix = ""
        if not woman and before and draw.random() < 0.15:
            # Named after the father, who lives in the same house.
            father = next((p for p in before if p.given[0] in MEN and not p.suffix), None)
            if father is not None:
                given, surnames = father.given, father.surnames
                suffix = draw.choice(("Filho", "Junior", "Júnior", "Neto"))
        married: tuple[str, ...] = ()
        if woman and draw.random() < 0.3:
            his = self._surname()
            married = (*surnames[-1:], his) if draw.random() < 0.65 else (his,)
        mobile = self._mobile(home.city)
        year = draw.randrange(1940, 2008)
        local = self._local_part(given[0], surnames[-1], year)
        return Person(
            id=identity,
            given=given,
            surnames=surnames,
            suffix=suffix,
            married=married,
            called=draw.choice(CALLED.get(given[0], (given[0],))),
            birth=f"{year}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}",
            cpf=self._cpf(),
            home=home,
            mobile=mobile,
            old_mobile=self._mobile(home.city) if draw.random() < 0.25 else "",
            email=f"{local}@example.com",
            handle=self._local_part(given[0], surnames[-1], year % 100),
            shares_email=bool(before) and draw.random() < 0.15,
        )

    def _mobile(self, city: City) -> str:
        return self._fresh(lambda: f"+55{city.area}9{self._random.randrange(6 * 10**7, 10**8)}")

    def _local_part(self, first: str, surname: str, year: int) -> str:
        draw = self._random
        a, b = plain(first), plain(surname.split()[-1])
        forms = (f"{a}.{b}", f"{a}{b}", f"{a[0]}{b}", f"{b}.{a}", f"{a}_{b}")
        form = draw.choice(forms)
        tail = draw.choice((f"{year}", f"{year % 100:02d}", f"{draw.randrange(1000)}"))
        return self._fresh(
            lambda: form + (tail if draw.random() < 0.8 else str(draw.random())[2:6])
        )

    def _cpf(self) -> str:
        return self._fresh(lambda: valid_cpf(f"{self._random.randrange(10**8, 10**9)}"))

    def _fresh(self, make: Callable[[], str]) -> str:
        while (value := make()) in self._taken:
            pass
        self._taken.add(value)
        return value


class Weighted(Generic[T]):
    """Draws keys by their weights."""

    def __init__(self, weights: Mapping[T, int]) -> None:
        self._keys = list(weights)
        self._sums = list(accumulate(weights.values()))

    def draw(self, source: random.Random) -> T:
        """One key."""
        return source.choices(self._keys, cum_weights=self._sums)[0]


def plain(text: str) -> str:
    """Lower case without accents and spaces."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in folded if c.isalnum())


def valid_cpf(first_nine: str) -> str:
    """The CPF with these nine digits.

    Check digits: Receita Federal, two digits modulo 11 with weights from 2 on the right.
    """
    digits = first_nine
    for _ in range(2):
        total = sum(int(d) * w for d, w in zip(reversed(digits), range(2, 12), strict=False))
        digits += str(-total % 11 % 10)
    return digits
