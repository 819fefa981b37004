"""Spellings that sound the same in Brazil share a key; names that differ do not."""

from __future__ import annotations

import pytest

from enlace.domain.names import name_parts
from enlace.matching.phonetic import phonetic_key


@pytest.mark.parametrize(
    "spellings",
    """
    Souza Sousa|Luiz Luís|Thiago Tiago Thyago|Wagner Vagner|Philipe Felipe Filipe Phillippe
    Cezar César|Xavier Chavier|Matheus Mateus|Kátia Cátia|Giovanna Geovana Jovana|Helena Elena
    Raphael Rafael|Isabella Izabela|Victor Vítor|Baptista Batista|Ignácio Inácio
    Assumpção Assunção|Gonçalves Gonsalves|Conceição Conceissão|Mendonça Mendonsa|França Fransa
    Christian Cristian|Stephanie Estefani Stefany|Yasmin Iasmim|Jean Gean|Jefferson Geferson
    Wellington Uelinton Welington|Wanderley Vanderlei|Kaique Caíque|Henrique Enrique|Erick Eric
    Elizabeth Elisabete|Isaac Isaque|David Davi|Ruth Rute|Lourdes Lurdes|Manoel Manuel|Kauan Cauã
    Ferreira Ferrera|Teixeira Texeira|Nascimento Nacimento|Queiroz Queirós|Rodrigues Rodriguez
    Moraes Morais|Sophia Sofia|Thaís Tays|Rayssa Raíssa|Jhonatan Jonathan|Schmidt Schmitt
    Jorge George|Yuri Iuri|Hugo Ugo|Nelson Nelsom|Sampaio Sanpaio|João Joam|Abrahão Abraão
    """.replace("\n", "|")
    .replace("    ", "")
    .strip("|")
    .split("|"),
)
def test_one_sound_one_key(spellings: str) -> None:
    assert len({phonetic_key(*name_parts(spelling)) for spelling in spellings.split()}) == 1


@pytest.mark.parametrize(
    "names",
    [
        *("Maria Mário Mauro Mara", "Marina Mariana", "Paulo Paula", "Silva Silveira"),
        *("Marinho Marino", "Carlos Carla", "Pereira Parreira", "Daniel Daniela", "Campos Campo"),
    ],
)
def test_other_names_keep_other_keys(names: str) -> None:
    keys = {phonetic_key(*name_parts(name)) for name in names.split()}
    assert len(keys) == len(names.split())


def test_other_alphabets_are_kept() -> None:
    assert phonetic_key("иван") == "иван"
