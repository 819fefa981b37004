"""Words that take consent back, and those that only look like them (cases 34 and 35)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enlace.domain.opt_out import Reply, opt_out_in, read_reply
from tests.stores.builders import interaction


@pytest.mark.parametrize(
    "text",
    [
        *("stop.", "Sáir", "PARE!", "SAIR", "quero sair", "Quero SAIR por favor 🙏", "parar"),
        *(
            "Cancelar",
            "descadastrar, obrigada",
            "  remover  ",
            "STOP ALL",
            "opt-out",
            "UNSUBSCRIBE",
        ),
        *("Baja", "por favor darse de baja", "Não quero mais receber!", "eu quero sair da lista"),
        *("oi, me tira da lista pfv", "ｓａｉｒ"),
    ],
)
def test_a_word_alone_takes_consent_back(text: str) -> None:
    assert read_reply(text) is Reply.STOP


@pytest.mark.parametrize(
    "text",
    ["sair mais cedo", "cancelar agendamento", "quero cancelar meu pedido 123", "parar o débito"],
)
def test_a_word_with_a_complement_is_for_a_person(text: str) -> None:
    assert read_reply(text) is Reply.AMBIGUOUS


@pytest.mark.parametrize(
    "text",
    [
        *("", "oi", "que horas vocês param?", "não pare de enviar", "sairemos às dez", "stopover"),
        *("ok", "👍", "quero", "por favor", "sair " * 60),
    ],
)
def test_other_texts_say_nothing(text: str) -> None:
    assert read_reply(text) is Reply.OTHER


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert read_reply(text) in Reply


@given(st.text(max_size=60) | st.sampled_from(["Quero SAIR, pf", "opt-out", "me  tira da lista"]))
def test_the_quick_look_misses_nothing(text: str) -> None:
    said = interaction("1", ("phone", "+5511987654321"), data={"text": text})
    reply = read_reply(text)
    assert opt_out_in(said) == (None if reply is Reply.OTHER else str(reply))
