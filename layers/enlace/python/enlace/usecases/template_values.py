"""What the variables of a template are filled with: checked, and as clean text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from enlace.domain.money import format_money
from enlace.domain.outgoing import Links
from enlace.domain.template_source import GIVEN, MONEY, MONEY_FIELDS, Variable, is_name, is_url
from enlace.domain.template_version import TemplateVersion
from enlace.errors import InvalidPayload

#: Control characters, line breaks of Unicode, and what turns the direction of text round.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_MAX_VALUE_LENGTH = 2000
_MAX_ITEMS = 50


def values_of(known: TemplateVersion, data: Mapping[str, Any], language: str) -> dict[str, Any]:
    """What a template's variables are filled with; the links of the message come to it.

    Raises
    ------
    InvalidPayload
        If the variables are not exactly those that it declares.
    """
    fields = {field: value for field, value in data.items() if field not in GIVEN}
    declared = known.variables
    if MONEY in declared and declared[MONEY].type == "money" and set(MONEY_FIELDS) & set(fields):
        amount, currency = (fields.pop(field, None) for field in MONEY_FIELDS)
        if type(amount) is not int or not isinstance(currency, str) or len(currency) != 3:
            raise InvalidPayload("amount_minor and currency must come together")
        fields[MONEY] = format_money(amount, currency, language)
    missing = [name for name, v in declared.items() if name not in fields and not v.optional]
    # A field's name that is no word may be a value that went astray: it is not repeated.
    unknown = sorted(name if is_name(name) else "?" for name in fields if name not in declared)
    if missing or unknown:
        raise InvalidPayload(f"template {known.name}: missing {sorted(missing)}, unknown {unknown}")
    return {
        name: _value(name, variable, fields[name]) if name in fields else _left_out(variable)
        for name, variable in declared.items()
    }


def _left_out(variable: Variable) -> str | list[str]:
    return [] if variable.type == "list" else ""


def _value(name: str, variable: Variable, value: Any) -> str | list[str]:
    if variable.type == "list":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InvalidPayload(f"variable {name}: must be a list of texts")
        if len(value) > _MAX_ITEMS:
            raise InvalidPayload(f"variable {name}: up to {_MAX_ITEMS} texts")
        return [clean(item) for item in value]
    if variable.type == "url":
        if is_url(value):
            return str(value)
        raise InvalidPayload(f"variable {name}: must be a link, https://…")
    if type(value) is int and abs(value) < 10**18:
        return str(value)
    if variable.type == "integer" or not isinstance(value, str):
        what = "a whole number" if variable.type == "integer" else "text or a whole number"
        raise InvalidPayload(f"variable {name}: must be {what}")
    return clean(value)


def given(data: Mapping[str, Any], links: Links, extra: Mapping[str, str]) -> dict[str, str]:
    """The links of a message, as variables.

    Raises
    ------
    InvalidPayload
        If one is no link.
    """
    values = {name: data[name] for name in GIVEN if data.get(name)}
    values |= {"unsubscribe_url": links.unsubscribe} if links.unsubscribe else {}
    values |= {"preferences_url": links.preferences} if links.preferences else {}
    values |= {name: extra[name] for name in GIVEN if extra.get(name)}
    for name, value in values.items():
        if not is_url(value):
            raise InvalidPayload(f"variable {name}: must be a link, https://…")
    return dict.fromkeys(GIVEN, "") | values


def clean(value: str) -> str:
    """A value as one line of valid text, cut at 2,000 characters."""
    # A lone surrogate is valid JSON, and no provider's UTF-8.
    text = value[: 2 * _MAX_VALUE_LENGTH].encode("utf-8", "replace").decode()
    return _CONTROL.sub(" ", text).strip()[:_MAX_VALUE_LENGTH]
