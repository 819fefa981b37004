"""Amounts of money as text in the languages of the messages.

Babel knows every locale, but its data would more than double what a sender
imports; three languages and one number format each are few enough to write out.
Source of the minor units: ISO 4217, list one.
"""

from __future__ import annotations

_NO_MINOR = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THREE_DIGITS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_SYMBOLS = {"BRL": "R$", "USD": "US$", "EUR": "€"}
#: Thousands and decimal separators.
_SEPARATORS = {"pt-BR": (".", ","), "es": (".", ","), "en": (",", ".")}


def minor_digits(currency: str) -> int:
    """Digits after the decimal separator of a currency: 2 unless ISO 4217 says otherwise."""
    if currency in _NO_MINOR:
        return 0
    return 3 if currency in _THREE_DIGITS else 2


def format_money(amount_minor: int, currency: str, language: str) -> str:
    """An amount as customers read it: ``R$ 1.234,56``, ``1.234,56 €``, ``R$ 1,234.56``.

    Parameters
    ----------
    amount_minor : int
        In minor units (centavos).
    currency : str
        ISO 4217 code; shown itself where it has no well-known symbol.
    language : str
        ``pt-BR``, ``es`` or ``en``.

    Notes
    -----
    A plain space stands before or after the symbol: a no-break space is not in
    the SMS alphabet and would halve what fits into a message.
    """
    thousands, decimal = _SEPARATORS[language]
    digits = minor_digits(currency)
    whole, rest = divmod(abs(amount_minor), 10**digits)
    number = f"{whole:,}".replace(",", thousands)
    if digits:
        number += f"{decimal}{rest:0{digits}d}"
    sign = "-" if amount_minor < 0 else ""
    symbol = _SYMBOLS.get(currency, currency)
    return f"{sign}{number} {symbol}" if language == "es" else f"{sign}{symbol} {number}"
