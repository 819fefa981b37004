"""Under which names traits arrive, and words in them that tell nobody apart."""

from __future__ import annotations

#: Trait names, lower case without signs, and the field that each of them fills.
TRAITS = {
    **dict.fromkeys(("name", "fullname", "nome", "nomecompleto", "callername"), "name"),
    **dict.fromkeys(("firstname", "givenname", "primeironome"), "given"),
    **dict.fromkeys(("lastname", "surname", "familyname", "sobrenome"), "surname"),
    **dict.fromkeys(
        ("birthdate", "dateofbirth", "birthday", "datanascimento", "datadenascimento"), "birth"
    ),
    **dict.fromkeys(("city", "suburb", "cidade"), "city"),
    **dict.fromkeys(("postalcode", "cep", "postcode", "zip", "zipcode"), "postal_code"),
    **dict.fromkeys(("address", "endereco"), "address"),
    **dict.fromkeys(("street", "address1", "addressline1", "logradouro", "rua"), "street"),
    **dict.fromkeys(("address2", "addressline2", "complement", "complemento"), "street"),
    **dict.fromkeys(("streetnumber", "housenumber", "numero"), "street_number"),
    **dict.fromkeys(("state", "uf", "estado", "region"), "state"),
    **dict.fromkeys(("phone", "phonenumber", "mobile", "telefone", "celular"), "phone"),
    "email": "email",
    **dict.fromkeys(("username", "screenname", "handle", "x", "twitter", "instagram"), "handle"),
    **dict.fromkeys(("xusername", "instagramusername", "whatsappusername"), "handle"),
    **dict.fromkeys(("deviceid", "device"), "device"),
}
#: What the kind of the contact point itself says.
KINDS = {
    "phone": "phone",
    "email": "email",
    "device": "device",
    "anonymous_id": "device",
    "x": "handle",
    "instagram": "handle",
    "telegram": "handle",
    "youtube": "handle",
    "linkedin": "handle",
}
#: Kinds of streets, and particles: typed or not, as it comes.
STREET_WORDS = frozenset((
    "rua", "r", "avenida", "av", "travessa", "tv", "alameda", "al", "praca", "rodovia",
    "estrada", "da", "das", "de", "do", "dos", "e",
))  # fmt: skip
#: Last words of a name that tell a son or a daughter from whom they are named after.
DESCENTS = {
    "filho": "filho", "filha": "filho", "junior": "junior", "jr": "junior", "neto": "neto",
    "neta": "neto", "sobrinho": "sobrinho", "segundo": "segundo",
}  # fmt: skip
#: Mailboxes of an office: whoever writes from one is not told by it.
ROLES = frozenset((
    "adm", "admin", "atendimento", "comercial", "compras", "contact", "contato", "email",
    "faleconosco", "financeiro", "hello", "info", "mail", "marketing", "newsletter", "none",
    "noreply", "office", "rh", "sac", "sales", "support", "suporte", "vendas", "webmaster",
))  # fmt: skip
#: States of Brazil by their names without accents and spaces.
STATES = {
    "acre": "ac", "alagoas": "al", "amapa": "ap", "amazonas": "am", "bahia": "ba",
    "ceara": "ce", "distritofederal": "df", "espiritosanto": "es", "goias": "go",
    "maranhao": "ma", "matogrosso": "mt", "matogrossodosul": "ms", "minasgerais": "mg",
    "para": "pa", "paraiba": "pb", "parana": "pr", "pernambuco": "pe", "piaui": "pi",
    "riodejaneiro": "rj", "riograndedonorte": "rn", "riograndedosul": "rs", "rondonia": "ro",
    "roraima": "rr", "santacatarina": "sc", "saopaulo": "sp", "sergipe": "se", "tocantins": "to",
}  # fmt: skip
