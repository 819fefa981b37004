"""Identifiers in one form each, so that equal people have equal values.

Kept out of ``domain`` because it stands on the field's libraries:
``phonenumbers`` (ITU numbering plans), ``python-stdnum`` (check digits) and
``idna``. They are imported at first use: a resolver that sees only e-mails need
not load the world's numbering plans.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from enlace.domain.rules import Rules, root

# Brazilian mobiles as phonenumbers' metadata has them (9.0): most of the traffic,
# recognised without the library's 150 microseconds. A test compares the two.
_BRAZILIAN_MOBILE = re.compile(
    r"\+55(?:[14689][1-9]|2[12478]|3[1-578]|5[13-5]|7[13-579])9\d{8}\Z", re.ASCII
)
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[a-z0-9\-]+(?:\.[a-z0-9\-]+)+\Z")


@dataclass(frozen=True, slots=True)
class Normalised:
    """An identifier's one form.

    Parameters
    ----------
    value : str
        Normalised; what two sightings are compared by.
    valid : bool
        False if it is not what its kind says (an invalid CPF, a short code as a
        phone): its interactions are kept under it, and it joins nobody.
    """

    value: str
    valid: bool


def normalise(kind: str, value: str, rules: Rules) -> Normalised:
    """The one form of ``value``; never raises.

    Parameters
    ----------
    kind : str
        With or without scope.
    value : str
        As a channel or a person wrote it.
    """
    base = root(kind)
    if base == "email":
        return _email(value, rules.fold_local_part)
    if base == "phone":
        return _phone(value, rules.default_region)
    if base == "cpf":
        return _checked("br.cpf", value)
    if base == "cnpj":
        return _checked("br.cnpj", value)
    return Normalised(value.strip(), True)


def _email(value: str, fold_local_part: bool) -> Normalised:
    text = value.strip()
    if not _PLAIN_EMAIL.match(text):
        text = unicodedata.normalize("NFKC", text).strip()
        local, at, domain = text.rpartition("@")
        if not at or not local or len(text) > 254 or re.search(r"[\s<>,;\x00-\x1f]", text):
            return Normalised(text.casefold(), False)
        try:
            domain = domain.casefold().rstrip(".")
            if not domain.isascii():
                import idna

                domain = idna.encode(domain, uts46=True).decode()
        except UnicodeError:
            return Normalised(text.casefold(), False)
        if not re.fullmatch(r"[a-z0-9\-]+(\.[a-z0-9\-]+)+", domain):
            return Normalised(text.casefold(), False)
        text = f"{local}@{domain}"
    if fold_local_part:
        text = text.casefold()
    return Normalised(text, len(text) <= 254)


@lru_cache(maxsize=4096)
def _phone(value: str, region: str) -> Normalised:
    if _BRAZILIAN_MOBILE.match(value):
        return Normalised(value, True)
    import phonenumbers

    text = value.strip()
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return Normalised(text.casefold(), False)
    if number.country_code == 55 and not phonenumbers.is_valid_number(number):
        # A mobile from before the ninth digit came (2012-2016): same line, one match value.
        # A number that is valid as it stands (a landline) is never rewritten.
        national = str(number.national_number)
        if len(national) == 10 and national[2] in "6789":
            candidate = phonenumbers.PhoneNumber(
                country_code=55, national_number=int(f"{national[:2]}9{national[2:]}")
            )
            if phonenumbers.is_valid_number(candidate):
                number = candidate
    valid = phonenumbers.is_valid_number(number)
    number.extension = None
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Normalised(formatted, valid) if valid else Normalised(text.casefold(), False)


def _checked(module: str, value: str) -> Normalised:
    from importlib import import_module

    from stdnum.exceptions import ValidationError

    number = import_module(f"stdnum.{module}")
    try:
        return Normalised(number.validate(value), True)
    except ValidationError:
        return Normalised(value.strip().casefold(), False)
