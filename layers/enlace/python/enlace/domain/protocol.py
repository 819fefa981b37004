"""Protocol numbers: what a customer notes down and dictates back.

``YYYYMMDD`` (UTC) + 8 digits + 1 check digit. The digits come from a hash of the
interaction's id, so there is no counter that every case would have to queue for,
and a redelivery gets the same number again. Two interactions of one day may hash
alike (a chance of one in 10**8 per pair); whoever stores the number does so
conditionally, and asks for the next ``attempt`` when it is taken.

The number identifies a case; it is no secret and opens nothing by itself.

The check digit is Damm's: it catches every single wrong digit and every swap of
neighbours, the two ways in which dictation fails, with digits only. Source:
H. M. Damm, *Total anti-symmetrische Quasigruppen*, Marburg 2004. python-stdnum
has it too, but the domain imports the standard library only; a test holds the
two against each other.
"""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256

_SERIAL_DIGITS = 8
_LENGTH = 8 + _SERIAL_DIGITS + 1
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T")
_SEPARATORS = re.compile(r"[\s.\-]+")
_DIGITS = re.compile(rf"[0-9]{{{_LENGTH}}}\Z")
#: Begins with a literal, so that searching a text without the number costs next to nothing.
_WRITTEN = re.compile(rf"2(?:[\s.\-]{{0,3}}[0-9]){{{_LENGTH - 1}}}")
_MAX_TEXT = 20_000
_MAX_FOUND = 5
#: Digits as they are said in Portuguese, Spanish and English; "meia" is the half dozen.
_SPOKEN = {
    **dict.fromkeys(("zero", "cero"), "0"),
    **dict.fromkeys(("um", "uma", "uno", "una", "one"), "1"),
    **dict.fromkeys(("dois", "duas", "dos", "two"), "2"),
    **dict.fromkeys(("três", "tres", "three"), "3"),
    **dict.fromkeys(("quatro", "cuatro", "four"), "4"),
    **dict.fromkeys(("cinco", "five"), "5"),
    **dict.fromkeys(("seis", "meia", "six"), "6"),
    **dict.fromkeys(("sete", "siete", "seven"), "7"),
    **dict.fromkeys(("oito", "ocho", "eight"), "8"),
    **dict.fromkeys(("nove", "nueve", "nine"), "9"),
}
_WORDS = re.compile(r"[^\W\d_]+|[0-9]")

# Row: the interim digit so far; column: the next digit.
_DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def make_protocol(interaction_id: str, occurred_at: str, attempt: int = 0) -> str:
    """The protocol number of the case that an interaction opens.

    Parameters
    ----------
    interaction_id : str
    occurred_at : str
        Contract time (UTC); gives the date.
    attempt : int
        0, then 1, 2 … while the number turns out to be another case's.

    Returns
    -------
    str
        17 digits without separators.

    Raises
    ------
    ValueError
        If ``occurred_at`` is not a contract time, or ``attempt`` is negative.
    """
    day = _DAY.match(occurred_at)
    if day is None or attempt < 0:
        raise ValueError("occurred_at must be a contract time and attempt 0 or more")
    digest = sha256(f"protocol\x1f{interaction_id}\x1f{attempt}".encode()).digest()
    serial = int.from_bytes(digest[:16], "big") % 10**_SERIAL_DIGITS
    body = f"{''.join(day.groups())}{serial:0{_SERIAL_DIGITS}d}"
    return body + _check_digit(body)


def normalise_protocol(text: str) -> str | None:
    """The 17 digits of a protocol number as somebody typed or dictated it.

    Spaces, hyphens and dots are left out. None unless it is a possible number:
    right length, a real date, the right check digit.
    """
    digits = _SEPARATORS.sub("", text)
    if not _DIGITS.match(digits) or _check_digit(digits) != "0":
        return None
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None
    return digits


def is_valid_protocol(text: str) -> bool:
    """Whether ``text`` is a possible protocol number, separators allowed."""
    return normalise_protocol(text) is not None


def find_protocols(text: str) -> list[str]:
    """The possible protocol numbers in a text, written or spelt out digit by digit.

    Parameters
    ----------
    text : str
        What somebody wrote or said; only its first 20,000 characters are searched.

    Returns
    -------
    list of str
        17 digits each, in the text's order, at most five. That one exists, and
        whose it is, nobody has looked up.
    """
    text = text[:_MAX_TEXT]
    found = _written(text) if "2" in text else []
    # Every number begins with 20: who spells one out says a nought.
    if not found and ("zero" in (lower := text.lower()) or "cero" in lower):
        found = _written(_digits_spoken(text))
    return found


def _written(text: str) -> list[str]:
    found: list[str] = []
    for match in _WRITTEN.finditer(text):
        start, end = match.span()
        # Part of a longer number it is none of ours.
        if text[start - 1 : start].isdigit() or text[end : end + 1].isdigit():
            continue
        number = normalise_protocol(match[0])
        if number and number not in found:
            found.append(number)
            if len(found) == _MAX_FOUND:
                break
    return found


def _digits_spoken(text: str) -> str:
    """The text with said digits as digits, and any other word as a break."""
    words = (word.lower() for word in _WORDS.findall(text))
    return "".join(_SPOKEN.get(word, word if word.isdigit() else "|") for word in words)


def format_protocol(protocol: str) -> str:
    """The number in groups, to print and to read out: ``20261120-1234-5678-9``."""
    return f"{protocol[:8]}-{protocol[8:12]}-{protocol[12:16]}-{protocol[16:]}"


def _check_digit(digits: str) -> str:
    # Over a number with its check digit at the end, this gives "0".
    interim = 0
    for digit in digits:
        interim = int(_DAMM[interim][int(digit)])
    return str(interim)
