"""Names of people as they are typed, and when two of them may be one name.

Portuguese first: accents come and go, *da*, *dos* and *e* are left out, *José*
signs as *Zé*, a middle name becomes an initial, and marriage changes everything
but the given name. The domain imports the standard library only, so the distance
is a few lines here; the candidates' scores, which need more, use a library.
"""

from __future__ import annotations

import unicodedata

#: Say nothing about who somebody is: particles, titles, and words for descent.
_LEFT_OUT = frozenset(
    (
        *("da", "das", "de", "del", "di", "do", "dos", "du", "e", "la", "las", "los", "van"),
        *("von", "y", "sr", "sra", "srta", "dr", "dra", "dona", "don", "mr", "mrs", "ms"),
        *("filho", "filha", "junior", "jr", "neto", "neta", "sobrinho", "segundo"),
    )
)

#: Surnames so common that sharing one says nothing. Source: IBGE, Nomes no Brasil,
#: Censo Demográfico 2022, the most frequent surnames.
COMMON_SURNAMES = frozenset(
    (
        *("silva", "santos", "oliveira", "souza", "sousa", "pereira", "ferreira", "lima"),
        *("alves", "rodrigues", "costa", "gomes", "ribeiro", "martins", "carvalho"),
        *("almeida", "barbosa", "nascimento", "araujo", "soares", "jesus"),
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
    "cacau": ("claudia", "claudio"),
    "cadu": ("carlos",),
    "cata": ("catarina",),
    "chico": ("francisco",),
    "cris": ("cristina", "cristiane", "cristiano", "christiane"),
    "dani": ("daniela", "daniele", "daniel", "danielle"),
    "deia": ("andrea", "andreia"),
    "dede": ("andre", "andrea"),
    "didi": ("diego", "edite"),
    "dri": ("adriana",),
    "du": ("eduardo", "eduarda"),
    "duda": ("eduarda", "maria", "eduardo"),
    "dudu": ("eduardo",),
    "edu": ("eduardo",),
    "fabi": ("fabiana", "fabiola"),
    "fe": ("fernanda", "fernando", "felipe"),
    "fer": ("fernanda", "fernando"),
    "fred": ("frederico",),
    "gabi": ("gabriela", "gabrielle"),
    "gil": ("gilberto", "gilson", "gilmar"),
    "guga": ("gustavo", "augusto"),
    "gui": ("guilherme",),
    "guto": ("augusto", "gustavo"),
    "isa": ("isabel", "isabela", "isabella", "isadora"),
    "ju": ("juliana", "julia", "julio"),
    "juca": ("jose", "joaquim"),
    "juli": ("juliana", "julia"),
    "lala": ("larissa", "laura"),
    "lari": ("larissa",),
    "leo": ("leonardo", "leonor", "leandro"),
    "lu": ("lucia", "luciana", "luana", "luiza", "luisa", "luciano", "lucas"),
    "luci": ("lucia", "luciana", "lucilene"),
    "lulu": ("lucia", "luciana", "luiza", "luisa"),
    "malu": ("maria",),
    "manu": ("manuela", "emanuela", "emanuel", "manoel", "manuel"),
    "mari": ("mariana", "maria", "marina"),
    "mel": ("melissa",),
    "mila": ("camila",),
    "mimi": ("michele", "miriam"),
    "nanda": ("fernanda",),
    "nando": ("fernando", "ferdinando"),
    "nati": ("natalia",),
    "paty": ("patricia",),
    "pati": ("patricia",),
    "pat": ("patricia",),
    "pri": ("priscila", "priscilla"),
    "quim": ("joaquim",),
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
    "tiao": ("sebastiao",),
    "tide": ("aristides", "clotilde"),
    "toninho": ("antonio",),
    "tonho": ("antonio",),
    "toni": ("antonio",),
    "tony": ("antonio",),
    "val": ("valeria", "valdir", "valter", "valdemar"),
    "vava": ("valdir", "valter"),
    "vini": ("vinicius",),
    "vivi": ("viviane", "viviana"),
    "xande": ("alexandre",),
    "xandre": ("alexandre",),
    "zeca": ("jose",),
    "zezinho": ("jose",),
    "ze": ("jose",),
}


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


def same_part(a: str, b: str) -> bool:
    """Whether two parts of names may be one, typed twice.

    Equal, one the initial or a nickname of the other, or within what a slip of the
    finger does: one edit from three letters on, two from six.
    """
    if a == b:
        return True
    short, long = sorted((a, b), key=len)
    if len(short) == 1:
        return long.startswith(short)
    if _short_for(short, long) or _short_for(long, short):
        return True
    slips = 0 if len(short) < 3 else 1 if len(short) < 6 else 2
    return len(long) - len(short) <= slips and edit_distance(a, b) <= slips


def _short_for(nickname: str, name: str) -> bool:
    base = nickname.removesuffix("inha").removesuffix("inho")
    return name in NICKNAMES.get(nickname, ()) or (
        # Mariazinha, Carlinhos, Fernandinha: the diminutive of the name itself.
        base != nickname and len(base) >= 3 and name.startswith(base.removesuffix("z"))
    )


def agreement(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """How two names stand to each other.

    Returns
    -------
    int
        3 if all parts of one, and two at least, stand in the other. 2 if the first name
        of one does: marriage leaves it, and a family does not share it. 1 if they share
        any other part that tells people apart. 0 if they differ in every part.
    """
    short, long = sorted((a, b), key=len)
    if len(short) > 1 and all(any(same_part(part, other) for other in long) for part in short):
        return 3
    if any(same_part(a[0], part) for part in b) or any(same_part(b[0], part) for part in a):
        return 2
    if len(a) != len(b) and edit_distance("".join(a), "".join(b)) <= 1:
        # A space that slipped into a name, or out of it.
        return 2
    telling = [[part for part in name if part not in COMMON_SURNAMES] for name in (a, b)]
    return int(any(same_part(x, y) for x in telling[0] for y in telling[1]))


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
