"""How many segments an SMS takes: each one is billed.

Source: 3GPP TS 23.038 (GSM 7-bit default alphabet and its extension table) and
TS 23.040 (a part of a concatenated message loses 7 or 3 characters to its header).
"""

from __future__ import annotations

from typing import NamedTuple

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Sent as an escape and a second character.
_EXTENDED = frozenset("\f^{}\\[~]|€")


class Segments(NamedTuple):
    """Encoding (``GSM-7`` or ``UCS-2``) and the number of segments."""

    encoding: str
    parts: int


def count_segments(text: str) -> Segments:
    """Encoding and segments of an SMS text.

    GSM-7: 160 characters, or 153 in each part of a longer message; UCS-2: 70 or
    67 units of 16 bits. A character of two units is not torn between two parts.
    """
    if all(c in _BASIC or c in _EXTENDED for c in text):
        widths = [2 if c in _EXTENDED else 1 for c in text]
        return Segments("GSM-7", _count(widths, 160, 153))
    return Segments("UCS-2", _count([2 if ord(c) > 0xFFFF else 1 for c in text], 70, 67))


def _count(widths: list[int], single: int, part: int) -> int:
    if sum(widths) <= single:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > part:
            parts, used = parts + 1, 0
        used += width
    return parts


def outside_gsm(text: str) -> str:
    """The characters for which a text does not fit into GSM-7, each once."""
    return "".join(dict.fromkeys(c for c in text if c not in _BASIC and c not in _EXTENDED))
