"""Under which names traits of a person arrive."""

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


def field_of(trait: str) -> str | None:
    """The field that a trait fills, such as ``birth`` for ``dateOfBirth``; None for any other."""
    return TRAITS.get("".join(c for c in trait.lower() if c.isalnum()))
