"""How a Brazilian name sounds, so that *Souza* and *Sousa* share a key.

The rules are written for names, from what their spellings share when spoken in
Brazil. Sources: C. C. Jordão and J. L. G. Rosa, "Metaphone-pt_BR: the phonetic
importance on search and correction of textual information", CICLing 2012; the
digraph table of Ipea's ``metaphonebr`` (2025); the Orthographic Agreement of 1943
and 1990, which took silent letters (*Baptista*, *Ignacio*) and *th*, *ph*, *y* out
of common words but left them in people's names. Unlike Metaphone the vowels stay:
*Maria*, *Mário* and *Mauro* are three names.
"""

from __future__ import annotations

import re
from functools import lru_cache

#: ``(pattern, replacement)``, applied in this order to letters a to z.
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"([b-df-hj-np-tv-z])\1+", r"\1"),
        # The cedilla is gone by now: the endings in which it is commonly lost.
        (r"cao$|coes$", "sao"),
        (r"ncalv", "nsalv"),
        (r"(?<=[eo]n)c(?=[ao]$)|(?<=ran)c(?=a$)", "s"),
        (r"sch|sh|ch(?![rlt])", "x"),
        (r"ph", "f"),
        (r"lh", "1"),
        (r"nh", "3"),
        (r"h", ""),
        (r"y", "i"),
        (r"w|^u(?=[aeio])", "v"),
        (r"ou", "o"),
        # Silent consonants that names keep: Victor, Baptista, Ignacio, Assumpcao, Schmidt.
        (r"(?<=[aeio])[cp]t", "t"),
        (r"mp(?=[cs])", "n"),
        (r"^ign", "in"),
        (r"dt", "t"),
        (r"ngt", "nt"),
        (r"sc(?=[ei])", "s"),
        (r"c(?=[ei])", "s"),
        (r"g(?=[ei])", "j"),
        (r"gu(?=[ei])", "g"),
        (r"qu(?=[ei])|ck|[cq]", "k"),
        (r"z", "s"),
        (r"k?s?x+s?|ks", "x"),
        # Geovana, Giovana, Jovana; Jean, Gean.
        (r"(?<=j)[ei](?=[ao])", ""),
        (r"m(?![aeiou])", "n"),
        (r"(?<=u)an$", "a"),
        (r"a[mo]$", "an"),
        (r"^davi?d$", "davi"),
        # No Brazilian ends on a stop or begins with s and a consonant: Ruth, Stefany.
        (r"([bdfgkptv])$", r"\1i"),
        (r"^s(?=[bdfgklmnpqtv])", "is"),
        # Unstressed e and o are spoken as i and u: Felipe, Filipe; Manoel, Manuel.
        (r"e", "i"),
        (r"o", "u"),
        (r"(.)\1+", r"\1"),
    )
)


@lru_cache(maxsize=65536)
def phonetic_key(part: str) -> str:
    """How one part of a name sounds.

    Parameters
    ----------
    part : str
        As :func:`enlace.domain.names.name_parts` gives it. Other letters than
        a to z are kept as they are.

    Examples
    --------
    >>> phonetic_key("philippe") == phonetic_key("felipe")
    True
    """
    key = part
    for pattern, replacement in _RULES:
        key = pattern.sub(replacement, key)
    return key
