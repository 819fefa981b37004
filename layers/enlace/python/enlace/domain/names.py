"""Names of people as they are typed, and when two of them may be one name.

Portuguese first: accents come and go, *da*, *dos* and *e* are left out, *José*
signs as *Zé*, a middle name becomes an initial, and marriage changes everything
but the given name. The domain imports the standard library only, so the distance
is a few lines here; the candidates' scores, which need more, use a library.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: Say nothing about who somebody is: particles, titles, and words for descent.
_LEFT_OUT = frozenset(
    (
        *("da", "das", "de", "del", "di", "do", "dos", "du", "e", "la", "las", "los", "van"),
        *("von", "y", "sr", "sra", "srta", "dr", "dra", "dona", "don", "mr", "mrs", "ms"),
        *("filho", "filha", "junior", "jr", "neto", "neta", "sobrinho", "segundo"),
    )
)

#: Short forms in daily use, with the given names that they stand for. Source: the
#: Portuguese hypocorisms listed under "Hipocorístico", Wikipédia (2026).
NICKNAMES: dict[str, tuple[str, ...]] = {
    "adri": ("adriana", "adriano"),
    "ale": ("alexandre", "alessandra", "alexandra"),
    "alex": ("alexandre", "alexandra", "alexsandro"),
    "bel": ("isabel", "isabela", "isabella"),
    "bete": ("elisabete", "elizabete", "elizabeth"),
    "beth": ("elisabete", "elizabete", "elizabeth"),
    "beto": ("roberto", "alberto", "gilberto", "humberto", "norberto", "adalberto"),
    "bia": ("beatriz",),
    "biel": ("gabriel",),
    "caca": ("carlos",),
    "cacau": ("claudia", "claudio"),
    "cadu": ("carlos",),
    "cata": ("catarina",),
    "chica": ("francisca",),
    "chico": ("francisco",),
    "chiquinha": ("francisca",),
    "chiquinho": ("francisco",),
    "cida": ("aparecida", "maria"),
    "cris": ("cristina", "cristiane", "cristiano", "christiane"),
    "dani": ("daniela", "daniele", "daniel", "danielle"),
    "dede": ("andre", "andrea"),
    "deia": ("andrea", "andreia"),
    "didi": ("diego", "edite"),
    "digo": ("rodrigo", "diogo"),
    "dri": ("adriana",),
    "drica": ("adriana",),
    "du": ("eduardo", "eduarda"),
    "duda": ("eduarda", "maria", "eduardo"),
    "dudu": ("eduardo",),
    "edu": ("eduardo",),
    "fabi": ("fabiana", "fabiola"),
    "fe": ("fernanda", "fernando", "felipe"),
    "fer": ("fernanda", "fernando"),
    "fred": ("frederico",),
    "gabi": ("gabriela", "gabrielle", "gabriel"),
    "gil": ("gilberto", "gilson", "gilmar"),
    "gu": ("gustavo", "augusto"),
    "guga": ("gustavo", "augusto"),
    "gui": ("guilherme",),
    "guto": ("augusto", "gustavo"),
    "isa": ("isabel", "isabela", "isabella", "isadora"),
    "ju": ("juliana", "julia", "julio"),
    "juca": ("jose", "joaquim"),
    "juli": ("juliana", "julia"),
    "lala": ("larissa", "laura"),
    "lari": ("larissa",),
    "le": ("leandro", "leticia", "leonardo"),
    "leo": ("leonardo", "leonor", "leandro"),
    "lu": ("lucia", "luciana", "luana", "luiza", "luisa", "luciano", "lucas"),
    "luci": ("lucia", "luciana", "lucilene"),
    "lula": ("luiz", "luis"),
    "lulu": ("lucia", "luciana", "luiza", "luisa"),
    "malu": ("maria",),
    "mane": ("manoel", "manuel"),
    "manu": ("manuela", "emanuela", "emanuel", "manoel", "manuel"),
    "mari": ("mariana", "maria", "marina"),
    "mel": ("melissa",),
    "mila": ("camila",),
    "mimi": ("michele", "miriam"),
    "nanda": ("fernanda",),
    "nando": ("fernando", "ferdinando"),
    "nati": ("natalia",),
    "pat": ("patricia",),
    "pati": ("patricia",),
    "paty": ("patricia",),
    "pri": ("priscila", "priscilla"),
    "quim": ("joaquim",),
    "quincas": ("joaquim",),
    "rafa": ("rafael", "rafaela", "raphael"),
    "regi": ("regina", "reginaldo"),
    "ric": ("ricardo",),
    "ro": ("rosangela", "rodrigo", "roberta", "roberto"),
    "rosa": ("rosana", "rosangela", "rosemary"),
    "rose": ("rosana", "rosangela", "rosemary", "rosimeire", "roseli"),
    "sandrinha": ("sandra",),
    "sandro": ("alessandro", "alexsandro"),
    "tata": ("tatiana", "thais", "tais"),
    "tati": ("tatiana", "tatiane"),
    "tete": ("terezinha", "teresinha"),
    "tiao": ("sebastiao",),
    "tide": ("aristides", "clotilde"),
    "tonho": ("antonio",),
    "toni": ("antonio",),
    "toninho": ("antonio",),
    "tony": ("antonio",),
    "val": ("valeria", "valdir", "valter", "valdemar"),
    "vava": ("valdir", "valter"),
    "vini": ("vinicius",),
    "vivi": ("viviane", "viviana"),
    "xande": ("alexandre",),
    "xandre": ("alexandre",),
    "ze": ("jose",),
    "zeca": ("jose",),
    "zezinho": ("jose",),
}

#: *Carlinhos*, *Mariazinha*: the name that they are made of comes first.
_DIMINUTIVE = re.compile(r"(.{2,}?)z?inh[oa]s?")
#: Names of their own with which others begin or end: Ana and Mariana are two people.
_NO_NICKNAMES = frozenset(
    (
        *("alan", "ana", "clara", "elia", "eli", "ester", "eva", "ian", "jose", "julia", "lara"),
        *("lia", "lucia", "luan", "mara", "maria", "mario", "paulo", "rosa", "silvia", "vera"),
    )
)
#: Ways to write one sound, which clerks take for each other.
_SPELLINGS = tuple(
    (re.compile(pattern), letters)
    for pattern, letters in (
        *(("ph", "f"), ("th", "t"), ("y", "i"), ("w", "v"), ("z", "s"), ("ck|k|qu(?=[ei])", "c")),
        (r"(.)\1", r"\1"),
    )
)


def name_parts(text: str) -> tuple[str, ...]:
    """The parts of a name that say who it is, in order.

    Lower case without accents; particles, titles and *Filho*, *Neto* and the like
    are left out, digits and signs separate.

    Examples
    --------
    >>> name_parts("Dr. José Antônio da Conceição Filho")
    ('jose', 'antonio', 'conceicao')
    """
    folded = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(
        c if c.isalpha() else " " for c in folded if not unicodedata.combining(c) and c != "'"
    )
    return tuple(part for part in letters.split() if part not in _LEFT_OUT)


@lru_cache(maxsize=8192)
def same_part(a: str, b: str) -> bool:
    """Whether two parts of names may be one, typed twice.

    Equal, spelt alike (*Raphael*, *Izabella*), one the initial or a nickname of the
    other, or within what a slip of the finger does: one edit from three letters on, two
    from eight.
    """
    if a == b:
        return True
    short, long = sorted((a, b), key=len)
    if len(short) <= 2:
        # J., Ju.
        return long.startswith(short) or _short_for(short, long)
    if _short_for(short, long) or _short_for(long, short) or _spelt(a) == _spelt(b):
        return True
    slips = 1 if len(short) < 8 else 2
    return len(long) - len(short) <= slips and edit_distance(a, b) <= slips


def _short_for(nickname: str, name: str) -> bool:
    if name in NICKNAMES.get(nickname, ()):
        return True
    diminutive = _DIMINUTIVE.fullmatch(nickname)
    if diminutive:
        # Mariazinha, Aninha, Carlinhos, Marquinhos: of the name itself.
        return name.startswith(re.sub("qu$", "c", diminutive[1]))
    if not 3 <= len(nickname) <= 5 or len(name) < len(nickname) + 2 or nickname in _NO_NICKNAMES:
        return False
    # Carol, Cami; and Celo, Biel, Nessa.
    return name.startswith(nickname) or (len(nickname) > 3 and name.endswith(nickname))


def _spelt(part: str) -> str:
    for pattern, letters in _SPELLINGS:
        part = pattern.sub(letters, part)
    return part


def agreement(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """How two names stand to each other.

    Returns
    -------
    int
        2 if all parts of one, and two at least, stand in the other. 1 if the first name
        of one does: marriage leaves it, and a family does not share it. 0 otherwise, be
        the surnames one or not: relatives share them, and so does half a country.
    """
    short, long = sorted((a, b), key=len)
    if len(short) > 1 and all(any(same_part(part, other) for other in long) for part in short):
        return 2
    if _is_called(a[0], b) or _is_called(b[0], a):
        return 1
    # A space that slipped into a name, or out of it.
    return int(len(a) != len(b) and edit_distance("".join(a), "".join(b)) <= 1)


def _is_called(first: str, name: tuple[str, ...]) -> bool:
    # An initial further back says nothing: C. is Costa as well as Caroline.
    return same_part(first, name[0]) or any(
        len(part) > 1 and same_part(first, part) for part in name[1:]
    )


def edit_distance(a: str, b: str) -> int:
    """Edits between two short texts: insert, delete, replace, swap neighbours.

    The restricted Damerau-Levenshtein distance (optimal string alignment); F. J.
    Damerau, "A technique for computer detection and correction of spelling errors", 1964.
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        before, last, row = row, before, [i]
        for j, right in enumerate(b, start=1):
            edits = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                edits = min(edits, last[j - 2] + 1)
            row.append(edits)
    return row[-1]
