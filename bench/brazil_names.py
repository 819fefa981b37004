"""How often Brazilians are called what: figures for the generator of people.

Given names: IBGE, *Nomes no Brasil*, Censo Demográfico 2010, bearers of both sexes
(https://censo2010.ibge.gov.br/nomes). Surnames: IBGE, *Nomes no Brasil*, Censo
Demográfico 2022, published on 2025-11-04, the thirty most frequent (the census of 2010
published no surnames). The census writes no accents; they are put back here.
"""

from __future__ import annotations

_WOMEN = """
Maria 11734129 Ana 3089858 Francisca 725642 Antônia 592815 Adriana 567968 Juliana 564706
Márcia 553706 Fernanda 534757 Patrícia 531065 Aline 511737 Sandra 480379 Camila 471559
Amanda 466432 Bruna 463548 Jéssica 458284 Letícia 435628 Júlia 431842 Luciana 431401
Vanessa 418838 Mariana 383387 Gabriela 381650 Vera 376958 Vitória 369004 Larissa 361845
Cláudia 359494 Beatriz 356351 Luana 356300 Rita 355552 Sônia 355219 Renata 347001
Eliane 343168 Josefa 342606 Simone 340499 Natália 335326 Cristiane 328790 Carla 326684
Débora 313947 Rosângela 310889 Jaqueline 309115 Rosa 307184 Daniela 304310
Aparecida 304024 Marlene 301890 Terezinha 299037 Raimunda 297300 Andreia 292090
Fabiana 291910 Lúcia 287917 Raquel 286415 Ângela 278796 Rafaela 275017 Joana 269732
Luzia 258948 Elaine 257073 Daniele 253502 Regina 253086 Daiane 244811 Sueli 244584
Alessandra 243633 Isabel 239654 Sara 234286 Flávia 233904 Bianca 233715 Érica 232056
Viviane 230822 Silvana 223894 Priscila 223128 Paula 222577 Luiza 220521 Tereza 219822
Isabela 216884 Marta 214961 Caroline 213648 Janaína 210831 Laura 210549 Marli 210457
Tatiane 209605 Marina 208542 Sílvia 204496 Mônica 203930 Michele 202003 Solange 200064
Edna 199612 Fátima 198083 Helena 197591 Cristina 192698 Alice 192260 Carolina 191221
Rosana 190764 Andressa 185738 Célia 184516 Valéria 184492 Eliana 181921 Sabrina 179643
Tânia 172608 Bárbara 171342 Thaís 169620 Denise 169315 Roseli 169171 Gisele 165343
Kátia 163681 Eva 161039 Milena 159042
"""

_MEN = """
José 5754529 João 2984119 Antônio 2576348 Francisco 1772197 Carlos 1489191 Paulo 1423262
Pedro 1219605 Lucas 1127310 Luiz 1107792 Marcos 1106165 Luís 935905 Gabriel 932449
Rafael 821638 Daniel 711338 Marcelo 693215 Bruno 668217 Eduardo 632664 Felipe 621460
Raimundo 613361 Rodrigo 601650 Manoel 592345 Mateus 588819 André 583808 Fernando 556346
Fábio 547965 Leonardo 547601 Gustavo 541480 Guilherme 529001 Leandro 509248 Tiago 495211
Anderson 473250 Ricardo 469703 Márcio 468046 Jorge 465949 Sebastião 462505
Alexandre 444097 Roberto 437288 Edson 431543 Diego 424428 Vitor 422903 Sérgio 404991
Cláudio 352031 Matheus 350434 Thiago 343737 Geraldo 340357 Adriano 338315 Luciano 337492
Júlio 336030 Renato 329535 Alex 311536 Vinícius 304822 Rogério 293596 Samuel 293243
Ronaldo 270324 Mário 269379 Flávio 266719 Igor 266629 Douglas 266507 Davi 255976
Jeferson 253819 Manuel 253784 Cícero 248627 Victor 242154 Miguel 240880 Robson 236282
Maurício 235778 Danilo 233329 Henrique 228718 Caio 227778 Reginaldo 225817 Joaquim 214504
Benedito 214024 Gilberto 213266 Marco 208076 Alan 207442 Nelson 200581 Cristiano 195807
Elias 190702 Wilson 188800 Valdir 188122 Emerson 177935 Luan 177028 David 174957
Renan 171593 Severino 170695 Fabrício 167879 Mauro 166776 Jonas 165105 Gilmar 160511
Jean 160076 Fabiano 159150 Wesley 157188 Diogo 156119 Adilson 155430
"""

_SURNAMES = """
Silva 34030104 Santos 21367475 Oliveira 11708947 Souza 9197158 Pereira 6888212
Ferreira 6226228 Lima 6094630 Alves 5756825 Rodrigues 5428540 Costa 4861083 Sousa 4797390
Gomes 4046634 Nascimento 3609232 Araújo 3460940 Ribeiro 3127425 Almeida 3069183
Jesus 2859490 Barbosa 2738119 Soares 2615284 Carvalho 2599978 Martins 2576764
Lopes 2337914 Vieira 2102389 Rocha 2044495 Dias 2035387 Gonçalves 2028298
Fernandes 1835974 Santana 1815982 Andrade 1707452 Batista 1703130
"""

#: Further surnames, in no order that is published: their figures continue the list as
#: one over the rank, which is an assumption.
_MORE_SURNAMES = """
Moreira Nunes Marques Machado Mendes Freitas Cardoso Ramos Reis Campos Moura Teixeira
Cavalcante Correia Monteiro Moraes Melo Miranda Pinto Borges Castro Azevedo Cunha Rosa
Medeiros Duarte Farias Coelho Cruz Siqueira Xavier Barros Conceição Tavares Nogueira
Pinheiro Matos Macedo Guimarães Sales Viana Fonseca Bezerra Leite Aguiar Pires Morais
Brito Neves Sampaio Queiroz Vasconcelos Garcia Amaral Leal Peixoto Rangel Bastos Figueiredo
Lacerda Dantas Paiva Bispo Assis Torres Prado Amorim Franco Toledo Coutinho Chaves
Magalhães Braga Maciel Carneiro Lira Barreto Evangelista Paixão Bueno Camargo Antunes
Furtado Esteves Domingues Silveira Fagundes Bittencourt Meireles Pacheco Lourenço Simões
Trindade Valente Veloso Ventura Vidal Resende Galvão Godoy Pimentel Portela Rezende Serra
"""

_RARE_BEGINNINGS = """
Bor Cal Dal Fer Gar Lam Mar Mon Pas Per Ros Sal Tom Val Zan Bru Schmi Kra Wal Hof Yama
Naka Taka Mura Kowal Nowa
"""
_RARE_ENDINGS = """
betti toletti zani roni gato delli nardi paro sini cetti vani miotto rucci ffer mann bach
stein tino dorf moto guchi shita wski
"""

#: Share of the bearers of a surname who write a particle before it; an estimate.
PARTICLES = {
    "Silva": ("da", 0.6),
    "Santos": ("dos", 0.65),
    "Oliveira": ("de", 0.35),
    "Souza": ("de", 0.4),
    "Sousa": ("de", 0.45),
    "Lima": ("de", 0.2),
    "Costa": ("da", 0.45),
    "Nascimento": ("do", 0.7),
    "Jesus": ("de", 0.9),
    "Almeida": ("de", 0.3),
    "Carvalho": ("de", 0.25),
    "Araújo": ("de", 0.2),
    "Conceição": ("da", 0.9),
    "Cruz": ("da", 0.6),
    "Rocha": ("da", 0.35),
    "Rosa": ("da", 0.5),
    "Cunha": ("da", 0.6),
    "Reis": ("dos", 0.5),
    "Neves": ("das", 0.4),
    "Paixão": ("da", 0.6),
}

#: Second given names that go with the first one; invented for the purpose.
SECOND_NAMES = {
    "w": (
        *("Aparecida", "Clara", "Luiza", "Eduarda", "Paula", "Carolina", "Beatriz", "Lúcia"),
        *("Cristina", "Helena", "de Fátima", "das Graças", "do Carmo", "José", "Júlia"),
        *("de Lourdes", "Cláudia", "Regina", "Isabel", "Vitória", "Rita", "Fernanda"),
    ),
    "m": (
        *("Carlos", "Pedro", "Paulo", "Henrique", "Antônio", "Augusto", "Roberto", "Victor"),
        *("Gabriel", "Eduardo", "Luiz", "Miguel", "Vinícius", "Felipe", "Ricardo", "César"),
        *("Fernando", "Alberto", "Francisco", "Maria", "Marcos", "Guilherme"),
    ),
}

#: How people are called who are not called by their names.
CALLED = {
    "Maria": ("Mari", "Malu", "Mariazinha", "Cida"),
    "Ana": ("Aninha",),
    "José": ("Zé", "Zezinho", "Zeca"),
    "João": ("Joãozinho", "Jão"),
    "Antônio": ("Toninho", "Tonho", "Tony"),
    "Francisco": ("Chico", "Chiquinho"),
    "Francisca": ("Chica", "Chiquinha"),
    "Carlos": ("Carlinhos", "Cacá"),
    "Paulo": ("Paulinho",),
    "Pedro": ("Pedrinho",),
    "Luiz": ("Lula", "Luizinho"),
    "Marcos": ("Marquinhos",),
    "Gabriel": ("Gabi", "Biel"),
    "Rafael": ("Rafa",),
    "Daniel": ("Dani",),
    "Marcelo": ("Celo",),
    "Eduardo": ("Edu", "Dudu"),
    "Felipe": ("Lipe",),
    "Rodrigo": ("Digo", "Rô"),
    "Manoel": ("Mané",),
    "Fernando": ("Nando",),
    "Leonardo": ("Léo",),
    "Gustavo": ("Guga", "Gu"),
    "Guilherme": ("Gui",),
    "Leandro": ("Lê",),
    "Ricardo": ("Ric",),
    "Sebastião": ("Tião",),
    "Alexandre": ("Xande", "Alê"),
    "Roberto": ("Beto",),
    "Adriana": ("Dri", "Drica"),
    "Juliana": ("Ju", "Juli"),
    "Fernanda": ("Nanda", "Fê"),
    "Patrícia": ("Paty", "Pati"),
    "Camila": ("Mila", "Cami"),
    "Letícia": ("Lê", "Leti"),
    "Júlia": ("Ju",),
    "Luciana": ("Lu",),
    "Vanessa": ("Nessa", "Van"),
    "Mariana": ("Mari",),
    "Gabriela": ("Gabi",),
    "Larissa": ("Lari",),
    "Beatriz": ("Bia",),
    "Luana": ("Lu",),
    "Natália": ("Nati", "Nat"),
    "Daniela": ("Dani",),
    "Rafaela": ("Rafa",),
    "Isabela": ("Isa", "Bela"),
    "Isabel": ("Bel",),
    "Priscila": ("Pri",),
    "Carolina": ("Carol",),
    "Caroline": ("Carol",),
    "Vinícius": ("Vini",),
    "Cristiane": ("Cris",),
    "Cristina": ("Cris",),
    "Terezinha": ("Tetê",),
    "Fabiana": ("Fabi",),
    "Thaís": ("Tatá",),
    "Tatiane": ("Tati",),
    "Benedito": ("Dito",),
    "Joaquim": ("Quim", "Quincas"),
}

#: Spellings of one name that clerks take for each other.
SPELLINGS = {
    "Souza": "Sousa",
    "Sousa": "Souza",
    "Luiz": "Luís",
    "Luís": "Luiz",
    "Tiago": "Thiago",
    "Thiago": "Tiago",
    "Mateus": "Matheus",
    "Matheus": "Mateus",
    "Vitor": "Victor",
    "Victor": "Vitor",
    "Felipe": "Filipe",
    "Manoel": "Manuel",
    "Manuel": "Manoel",
    "Luiza": "Luísa",
    "Thaís": "Taís",
    "Tereza": "Teresa",
    "Terezinha": "Teresinha",
    "Isabela": "Izabella",
    "Batista": "Baptista",
    "Moraes": "Morais",
    "Morais": "Moraes",
    "Rezende": "Resende",
    "Queiroz": "Queirós",
    "Viviane": "Viviani",
    "Cristiane": "Christiane",
    "Correia": "Corrêa",
    "Érica": "Erika",
    "Kátia": "Cátia",
    "Rafael": "Raphael",
    "Jeferson": "Jefferson",
    "Wesley": "Weslei",
    "Davi": "David",
}


def _table(text: str) -> dict[str, int]:
    words = text.split()
    return {name: int(count) for name, count in zip(words[::2], words[1::2], strict=True)}


#: Bearers, by given name.
WOMEN, MEN = _table(_WOMEN), _table(_MEN)
#: Bearers, by surname, the most frequent first.
SURNAMES = _table(_SURNAMES)
SURNAMES |= {
    name: min(SURNAMES.values()) * 30 // rank
    for rank, name in enumerate(_MORE_SURNAMES.split(), start=31)
}
#: Beginnings and endings of invented surnames: they stand for the 200,000 rare ones.
RARE_BEGINNINGS = tuple(_RARE_BEGINNINGS.split())
RARE_ENDINGS = tuple(_RARE_ENDINGS.split())
