"""Where the generator's Brazilians live.

Residents: IBGE, Censo Demográfico 2022, in thousands. Ranges of the first five digits of
a CEP: after Correios, *Faixa de CEP*, to the thousand or so. Area codes: Anatel,
*códigos nacionais*.
"""

from __future__ import annotations

from typing import NamedTuple


class City(NamedTuple):
    """A city: residents in thousands, area code, and first and last CEP in thousands."""

    name: str
    state: str
    residents: int
    area: int
    first: int
    last: int


CITIES = (
    City("São Paulo", "SP", 11452, 11, 1000, 5999),
    City("Rio de Janeiro", "RJ", 6211, 21, 20000, 23799),
    City("Brasília", "DF", 2817, 61, 70000, 72799),
    City("Fortaleza", "CE", 2429, 85, 60000, 61599),
    City("Salvador", "BA", 2418, 71, 40000, 42499),
    City("Belo Horizonte", "MG", 2316, 31, 30000, 31999),
    City("Manaus", "AM", 2064, 92, 69000, 69099),
    City("Curitiba", "PR", 1774, 41, 80000, 82999),
    City("Recife", "PE", 1489, 81, 50000, 52999),
    City("Goiânia", "GO", 1437, 62, 74000, 74899),
    City("Porto Alegre", "RS", 1333, 51, 90000, 91999),
    City("Belém", "PA", 1303, 91, 66000, 66999),
    City("Guarulhos", "SP", 1292, 11, 7000, 7399),
    City("Campinas", "SP", 1139, 19, 13000, 13139),
    City("São Luís", "MA", 1038, 98, 65000, 65109),
    City("Maceió", "AL", 958, 82, 57000, 57099),
    City("Campo Grande", "MS", 898, 67, 79000, 79124),
    City("Teresina", "PI", 866, 86, 64000, 64099),
    City("João Pessoa", "PB", 834, 83, 58000, 58099),
    City("Natal", "RN", 751, 84, 59000, 59139),
    City("Santo André", "SP", 749, 11, 9000, 9299),
    City("Osasco", "SP", 729, 11, 6000, 6299),
    City("Sorocaba", "SP", 724, 15, 18000, 18109),
    City("Uberlândia", "MG", 713, 34, 38400, 38415),
    City("Ribeirão Preto", "SP", 699, 16, 14000, 14114),
    City("São José dos Campos", "SP", 697, 12, 12200, 12248),
    City("Cuiabá", "MT", 651, 65, 78000, 78109),
    City("Contagem", "MG", 622, 31, 32000, 32399),
    City("Joinville", "SC", 616, 47, 89200, 89239),
    City("Feira de Santana", "BA", 616, 75, 44000, 44109),
    City("Aracaju", "SE", 603, 79, 49000, 49098),
    City("Londrina", "PR", 556, 43, 86000, 86099),
    City("Juiz de Fora", "MG", 541, 32, 36000, 36099),
    City("Florianópolis", "SC", 537, 48, 88000, 88099),
    City("Niterói", "RJ", 482, 21, 24000, 24399),
    City("Vitória", "ES", 323, 27, 29000, 29099),
)

STREETS = tuple(
    f"{kind} {name}"
    for kind, names in {
        "Rua": (
            "São João|das Flores|Sete de Setembro|Quinze de Novembro|Tiradentes|Santo Antônio|"
            "Dom Pedro II|Duque de Caxias|Castro Alves|Rui Barbosa|Santos Dumont|da Paz|"
            "Bela Vista|Boa Esperança|José Bonifácio|Marechal Deodoro|Santa Rita|São Pedro|"
            "Projetada A|dos Ipês|das Acácias|Pará|Bahia|Goiás|Sergipe|Amazonas|Minas Gerais"
        ),
        "Avenida": (
            "Brasil|Getúlio Vargas|Presidente Kennedy|Independência|Beira Rio|Rio Branco|"
            "JK|Paulo VI|Central|dos Estados|Paraná|São Paulo"
        ),
        "Travessa": "São José|da Matriz|do Comércio|Primavera|Esperança",
    }.items()
    for name in names.split("|")
)
