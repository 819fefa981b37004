"""How names, dates, phones and addresses come out of people's hands.

Every function gives the text and says what was done to it, so that measures can tell
which kind of difference they stumble over.
"""

from __future__ import annotations

import random
import unicodedata

from bench.brazil_names import SPELLINGS
from bench.brazil_people import Person

_NEAR = {
    letter: row[max(0, n - 1) : n] + row[n + 1 : n + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for n, letter in enumerate(row)
}


class Hand:
    """Somebody who types, now and then wrongly.

    Parameters
    ----------
    draw : random.Random
    care : float
        0 for whoever types exactly, 1 for the usual clerk, more for the careless.
    """

    def __init__(self, draw: random.Random, care: float = 1.0) -> None:
        self._draw = draw
        self._care = care

    def _happens(self, chance: float) -> bool:
        return self._draw.random() < chance * self._care

    def name(self, person: Person, marks: set[str]) -> str:
        """The whole name, or what was made of it."""
        draw = self._draw
        given, surnames = list(person.given), list(person.surnames)
        if person.married and draw.random() < 0.5:
            surnames = list(person.married)
            marks.add("married")
        if self._happens(0.08) and person.called != given[0]:
            given = [person.called]
            marks.add("nickname")
        elif len(given) > 1 and self._happens(0.25):
            given = given[:1]
            marks.add("second name dropped")
        parts = [*given, *surnames, *((person.suffix,) if person.suffix else ())]
        if person.suffix and self._happens(0.3):
            parts.pop()
            marks.add("suffix dropped")
        if len(parts) > 2 and self._happens(0.12):
            parts = [parts[0], parts[len(given) + len(surnames) - 1]]
            marks.add("first and last")
        elif len(parts) > 2 and self._happens(0.08):
            parts = [parts[0], *(f"{_bare(p)[0]}." for p in parts[1:-1]), parts[-1]]
            marks.add("initials")
        if self._happens(0.05):
            changed = [SPELLINGS.get(part, part) for part in parts]
            if changed != parts:
                parts = changed
                marks.add("spelling")
        if self._happens(0.05):
            number = draw.randrange(len(parts))
            parts[number] = self.slip(parts[number])
            marks.add("typing error")
        if len(parts) > 1 and self._happens(0.02):
            parts = [*parts[1:], parts[0]]
            marks.add("swapped")
        text = " ".join(parts)
        if draw.random() < 0.1:
            text = " ".join(w for w in text.split() if w not in ("da", "de", "do", "dos", "das"))
        if draw.random() < 0.4:
            text = without_accents(text)
        return text.upper() if draw.random() < 0.25 else text

    def slip(self, text: str) -> str:
        """One letter inserted, left out, mistaken for its neighbour or swapped with it."""
        draw = self._draw
        at = draw.randrange(len(text))
        letter = text[at]
        kind = draw.choice(("insert", "leave out", "mistake", "swap"))
        if kind == "insert":
            return text[:at] + letter + text[at:]
        if kind == "leave out" and len(text) > 3:
            return text[:at] + text[at + 1 :]
        if kind == "swap" and 0 < at < len(text) - 1:
            return text[:at] + text[at + 1] + letter + text[at + 2 :]
        near = _NEAR.get(without_accents(letter.lower()), "a")
        return text[:at] + draw.choice(near) + text[at + 1 :]

    def birth(self, person: Person, marks: set[str]) -> str:
        """The birth date, as ISO 8601 or as Brazilians write it."""
        draw = self._draw
        year, month, day = person.birth.split("-")
        if self._happens(0.03):
            where = draw.choice(("year", "month", "day", "swap"))
            marks.add("birth date slip")
            if where == "swap" and int(day) <= 12:
                month, day = day, month
            elif where == "year":
                year = year[:3] + str((int(year[3]) + draw.randrange(1, 10)) % 10)
            elif where == "month":
                month = f"{draw.randrange(1, 13):02d}"
            else:
                day = f"{draw.randrange(1, 29):02d}"
        elif self._happens(0.01):
            year, month, day = "1900", "01", "01"
            marks.add("birth date placeholder")
        return f"{day}/{month}/{year}" if draw.random() < 0.3 else f"{year}-{month}-{day}"

    def phone(self, number: str, marks: set[str]) -> str:
        """A phone as people write it; a mobile perhaps without the ninth digit."""
        draw = self._draw
        area, line = number[3:5], number[5:]
        if len(line) == 9 and draw.random() < 0.15:
            line = line[1:]
            marks.add("no ninth digit")
        head, tail = line[:-4], line[-4:]
        return draw.choice(
            (
                f"+55{area}{line}",
                f"({area}) {head}-{tail}",
                f"{area} {head} {tail}",
                f"0{area}{head}{tail}",
                f"+55 {area} {head}-{tail}",
            )
        )

    def cpf(self, number: str) -> str:
        """With dots, or without."""
        if self._draw.random() < 0.5:
            return number
        return f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}"

    def email(self, person: Person) -> str:
        """The own address, or the household's."""
        if person.shares_email and self._draw.random() < 0.5:
            return person.home.email
        return person.email

    def address(self, person: Person) -> dict[str, str]:
        """City, state, CEP and street, some of them left out."""
        draw, home = self._draw, person.home
        street = home.street.replace("Avenida", "Av.") if draw.random() < 0.4 else home.street
        if self._happens(0.05):
            street = self.slip(street)
        cep = home.cep if draw.random() < 0.6 else home.cep.replace("-", "")
        known = {
            "city": home.city.name if draw.random() < 0.6 else without_accents(home.city.name),
            "state": home.city.state,
            "cep": cep,
            "address": f"{street}, {home.number}",
        }
        return {name: value for name, value in known.items() if draw.random() < 0.8}


def without_accents(text: str) -> str:
    """The same text for a clerk without a Brazilian keyboard."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _bare(part: str) -> str:
    return part.split()[-1]
