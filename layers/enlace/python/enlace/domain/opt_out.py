"""Words by which people say on a text channel that they want no more of it.

A word alone (*SAIR*, *stop.*, *quero sair, por favor*) takes consent back. A word with
a complement (*sair mais cedo*, *cancelar agendamento*) may mean something else: a person
decides, and marketing pauses meanwhile. Some words (*VOLTAR*, *START*) take a stop back.
Portuguese first: the providers' own lists have no Portuguese in them.

A browser's privacy signals are opt-outs too, and are looked for here as well, since
whoever publishes what was recorded asks once.

Sources: Twilio "Default keywords" (STOP …, START, UNSTOP) and the parameter ``OptOutType``
of "Advanced Opt-Out", AWS End User Messaging "Required keywords"
(ARRET, TD, REMOVE, OPT-OUT), Anatel's SAIR; the other Portuguese and Spanish words are
ours.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum

from enlace.domain.interaction import Interaction


def _longest_first(phrases: Iterable[str]) -> list[str]:
    return sorted(phrases, key=len, reverse=True)


#: Longer texts are letters to somebody, and not replies to a campaign.
_MAX_CHARACTERS = 160

_WORDS = frozenset(
    (
        *("sair", "pare", "parar", "cancelar", "cancela", "descadastrar", "descadastre"),
        *("remover", "remova", "desinscrever", "saida"),
        *("baja", "alto", "detener", "salir", "cancelar suscripcion", "darse de baja"),
        *("stop", "stopall", "unsubscribe", "end", "quit", "cancel", "revoke", "optout"),
        *("opt out", "remove", "arret", "td", "stop all"),
        *("nao quero mais receber", "nao quero receber", "nao perturbe", "me remova"),
        *("me descadastre", "me tire da lista", "me tira da lista", "no quiero recibir mas"),
    )
)
#: YES and SIM answer too many other questions.
_AGAIN = frozenset(("start", "unstop", "voltar", "volver", "reativar", "reactivar"))
_BEFORE = _longest_first(
    (
        *("por favor", "pf", "pfv", "favor", "quero", "queria", "gostaria de", "eu", "pode"),
        *("oi", "ola", "bom dia", "boa tarde", "boa noite", "i want to", "quiero", "hi"),
        *("please", "hello"),
    )
)
_AFTER = _longest_first(
    (
        *("por favor", "pf", "pfv", "favor", "obrigado", "obrigada", "obg", "please"),
        *("thanks", "thank you", "gracias", "agora", "ja", "now", "ahora", "da lista", "tudo"),
    )
)


class Reply(StrEnum):
    """What a text says about being written to."""

    STOP = "stop"
    START = "start"
    AMBIGUOUS = "ambiguous"
    OTHER = "other"


#: What an interaction with privacy signals says, and where it carries them in its data.
SIGNAL, SIGNALS = "signal", "privacy_signals"
#: What a provider that reads the words itself has read.
_READ_BY_PROVIDER = {"STOP": Reply.STOP, "START": Reply.START, "HELP": Reply.OTHER}

#: The longest part of each word: most texts hold none of them, and need no closer look.
_PARTS = sorted({max(word.split(), key=len) for word in _WORDS | _AGAIN}, key=len)
_TELLING = tuple(
    part for n, part in enumerate(_PARTS) if not any(shorter in part for shorter in _PARTS[:n])
)


def opt_out_in(interaction: Interaction) -> str | None:
    """``stop``, ``start`` or ``ambiguous`` where a message that came in asks for it.

    ``signal`` where a browser's privacy signals came along with whatever else was done.
    """
    data = interaction.data
    if interaction.type != "message.received" or interaction.direction != "inbound":
        return SIGNAL if data.get(SIGNALS) else None
    if "opt_out_type" in data:
        read = _READ_BY_PROVIDER.get(str(data["opt_out_type"]))
        if read is not None:
            return None if read is Reply.OTHER else str(read)
    text = data.get("text")
    if not isinstance(text, str) or len(text) > _MAX_CHARACTERS:
        return None
    # Accents, wide letters and the like are folded before they can be compared.
    if text.isascii():
        lower = text.lower()
        if not any(part in lower for part in _TELLING):
            return None
    reply = read_reply(text)
    return None if reply is Reply.OTHER else str(reply)


def read_reply(text: str) -> Reply:
    """Whether a text takes consent back, or that back.

    Parameters
    ----------
    text : str
        As it was written.
    """
    if len(text) > _MAX_CHARACTERS:
        return Reply.OTHER
    said = _without(_plain(text), _BEFORE, _AFTER)
    if said in _WORDS:
        return Reply.STOP
    if said in _AGAIN:
        return Reply.START
    if any(said.startswith(f"{word} ") for word in _WORDS):
        return Reply.AMBIGUOUS
    return Reply.OTHER


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(
        "".join(c if c.isalnum() else " " for c in folded if not unicodedata.combining(c)).split()
    )


def _without(text: str, before: Sequence[str], after: Sequence[str]) -> str:
    shorter = text
    while True:
        for phrase in before:
            if shorter.startswith(f"{phrase} ") and shorter not in _WORDS:
                shorter = shorter[len(phrase) + 1 :]
        for phrase in after:
            if shorter.endswith(f" {phrase}") and shorter not in _WORDS:
                shorter = shorter[: -len(phrase) - 1]
        if shorter == text:
            return shorter
        text = shorter
