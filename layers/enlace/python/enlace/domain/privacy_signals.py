"""What a browser or a consent platform says about sharing personal data.

Such a signal never grants anything: it denies, or takes back its own denial.

Sources: Global Privacy Control (W3C, the request header ``Sec-GPC: 1``); Google's consent
mode v2 (``ad_storage``, ``ad_user_data``, ``ad_personalization``, ``analytics_storage``);
IAB Europe TCF 2.3, the core segment of a TC string (bit lengths as in ``@iabtcf/core``);
Segment's consent object (``categoryPreferences``); checked 2026-11-23.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

GRANTED, DENIED = "granted", "denied"

_ADS = frozenset(("sharing", "advertising"))
_ANALYTICS = frozenset(("analytics",))
#: The purposes that each signal can deny.
_PURPOSES = {
    "gpc": _ADS,
    "tcf": _ADS,
    "ad_storage": _ADS,
    "ad_user_data": _ADS,
    "ad_personalization": _ADS,
    "analytics_storage": _ANALYTICS,
    "category_advertising": _ADS,
    "category_datasharing": _ADS,
    "category_analytics": _ANALYTICS,
}
_CONSENT_MODE = ("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage")
_CATEGORIES = ("advertising", "datasharing", "analytics")

#: Version, created, last updated, CMP id and version, screen, language, vendor list,
#: policy, service-specific, non-standard texts, special features.
_BEFORE_PURPOSES = 6 + 36 + 36 + 12 + 12 + 6 + 12 + 12 + 6 + 1 + 1 + 12
_PURPOSES_BITS = 24
#: Storage, a profile for advertising, advertising by it: without all three nothing is shared.
_WANTED = (1, 3, 4)
_DISCLOSED_VENDORS = 1
_MAX_STRING = 4096


def denies(name: str, purpose: str) -> bool:
    """Whether a denial by this signal is about this purpose."""
    return purpose in _PURPOSES.get(name, ())


def read_signals(raw: Any, *, gpc: bool = False) -> dict[str, str]:
    """The signals among what a site says of consent, as ``granted`` or ``denied`` by name.

    Parameters
    ----------
    raw
        An object with any of ``gpc`` (true: objects), consent mode's four words (there or
        in ``consent_mode``), ``tcf`` (the TC string, or its outcome as a word) and Segment's
        ``categoryPreferences``; what is worded differently is left out.
    gpc : bool
        The request itself carried ``Sec-GPC: 1``.
    """
    body: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    found: dict[str, str] = {}
    # Only an objection is a signal: a browser without it says nothing.
    if gpc or body.get("gpc") in (True, "1", 1, DENIED):
        found["gpc"] = DENIED
    nested = body.get("consent_mode")
    for words in (body, nested if isinstance(nested, dict) else {}):
        for name in _CONSENT_MODE:
            if (word := _word(words.get(name))) is not None:
                found[name] = word
    tcf = body.get("tcf")
    if isinstance(tcf, str) and tcf:
        found["tcf"] = tcf if tcf in (GRANTED, DENIED) else _of_tc_string(tcf)
    categories = body.get("categoryPreferences")
    for name, value in categories.items() if isinstance(categories, dict) else ():
        if (word := _word(value)) is not None and name.lower() in _CATEGORIES:
            found[f"category_{name.lower()}"] = word
    for name in ("category_advertising", "category_datasharing", "category_analytics"):
        if (word := _word(body.get(name))) is not None:
            found[name] = word
    return found


def _word(value: Any) -> str | None:
    if isinstance(value, bool):
        return GRANTED if value else DENIED
    return value if isinstance(value, str) and value in (GRANTED, DENIED) else None


def _of_tc_string(text: str) -> str:
    """What a TC string says of sharing; one that is not valid consents to nothing."""
    core, *segments = text[:_MAX_STRING].split(".")
    # Since 28 February 2026 a string without the vendors that were shown is none.
    kinds = {segment[:1] for segment in segments}
    if not any(_bits(kind + "AAA")[:3] == f"{_DISCLOSED_VENDORS:03b}" for kind in kinds if kind):
        return DENIED
    bits = _bits(core)
    purposes = bits[_BEFORE_PURPOSES : _BEFORE_PURPOSES + _PURPOSES_BITS]
    if bits[:6] != f"{2:06b}" or len(purposes) < _PURPOSES_BITS:
        return DENIED
    return GRANTED if all(purposes[number - 1] == "1" for number in _WANTED) else DENIED


def _bits(segment: str) -> str:
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (ValueError, binascii.Error):
        return ""
    return "".join(f"{byte:08b}" for byte in raw)
