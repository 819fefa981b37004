"""In which language a page speaks."""

from __future__ import annotations

LANGUAGES = ("pt-BR", "es", "en")


def language_of(asked: str, link: str = "", accepted: str = "") -> str:
    """What was asked for, else the message's language, else the browser's.

    Parameters
    ----------
    asked, link : str
        Language tags; "" for none.
    accepted : str
        An ``Accept-Language`` header (RFC 9110, 12.5.4).
    """
    for tag in (asked, link, *_accepted(accepted)):
        for language in LANGUAGES:
            if tag and tag.lower().split("-")[0] == language.lower().split("-")[0]:
                return language
    return LANGUAGES[0]


def _accepted(header: str) -> list[str]:
    weighed = []
    for place, part in enumerate(header[:400].split(",")):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighed.append((-weight, place, tag.strip()))
    return [tag for _, _, tag in sorted(weighed)]
