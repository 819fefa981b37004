"""Words in traits that tell nobody apart, and what kinds of contact points say."""

from __future__ import annotations

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
