"""Two hundred events of twenty invented people, over every channel, as their vendors send them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from enlace.domain.interaction import utc_text
from local.demo.cast import cpf

PEOPLE = 20
EVENTS_EACH = 10
PAGE, ACCOUNT, BRAND = "306800000000009", "17841400000000009", "1111111111111111119"
OUR_NUMBER = "+551140028922"


@dataclass(frozen=True)
class Happening:
    """One request of a vendor; ``raw`` is the message that an inbound e-mail's notice is about."""

    channel: str
    payload: Any
    raw: bytes = b""


@dataclass(frozen=True)
class Person:
    """Somebody, and what is owed to them: one SMS with a protocol, one order confirmation."""

    number: int
    run: str
    phone: str
    cpf: str
    email: str
    amount: int


def crowd(run: str) -> list[Person]:
    """The people of a run, others in each."""
    rng = random.Random(run)
    return [
        Person(
            n,
            run,
            f"+55119{rng.randrange(60_000_000, 99_999_999)}",
            cpf(f"{rng.randrange(100_000_000, 999_999_999)}"),
            f"pessoa.{n}.{run}@example.com",
            rng.randrange(1_000, 90_000),
        )
        for n in range(PEOPLE)
    ]


def shuffled(people: list[Person]) -> list[Happening]:
    """What happens to all of them, in an order of its own."""
    found = [happening for person in people for happening in life(person)]
    random.Random(people[0].run).shuffle(found)
    return found


def life(person: Person) -> Iterator[Happening]:
    """Ten events; phone, CPF, e-mail and user id come out as one customer by three of them."""
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)

    def at(minute: int) -> datetime:
        return began + timedelta(minutes=minute + person.number)

    def vendor_id(what: str) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{person.run}/{person.number}/{what}").hex

    def digits(what: str, count: int) -> str:
        return str(int(vendor_id(what), 16))[:count]

    user_id = f"cliente-{person.run}-{person.number}"
    yield Happening("whatsapp", _whatsapp(person.phone[1:], vendor_id("wa"), at(1)))
    for channel, ours in (("messenger", PAGE), ("instagram", ACCOUNT)):
        yield Happening(channel, _meta(channel, ours, digits(channel, 15), at(2)))
    yield Happening("x", _x(digits("x", 18), digits("dm", 18), at(3)))
    yield Happening(
        "twilio/sms",
        {
            "MessageSid": f"SM{vendor_id('sms')}",
            "SmsStatus": "received",
            "From": person.phone,
            "To": OUR_NUMBER,
            "Body": "Cadê meu pedido?",
            "NumMedia": "0",
            "AccountSid": "AC00000000000000000000000000000001",
        },
    )
    yield Happening(
        "twilio/voice",
        {
            "CallSid": f"CA{vendor_id('call')}",
            "AccountSid": "AC00000000000000000000000000000001",
            "From": person.phone,
            "To": OUR_NUMBER,
            "Direction": "inbound",
            "CallStatus": "completed",
            "CallDuration": "61",
            "Timestamp": at(5).strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "SequenceNumber": "2",
            "CallbackSource": "call-progress-events",
        },
    )
    yield Happening(
        "segment",
        {
            "type": "identify",
            "messageId": vendor_id("identify"),
            "timestamp": utc_text(at(6)),
            "userId": user_id,
            "anonymousId": f"navegador-{person.run}-{person.number}",
            "traits": {"email": person.email},
        },
    )
    yield Happening(
        "generic/shop",
        {
            "source_id": vendor_id("order"),
            "type": "order.placed",
            "account": "loja",
            "occurred_at": utc_text(at(7)),
            "contact_point": {"kind": "email", "value": person.email, "level": "stated"},
            "identifiers": [
                {"kind": "cpf", "value": person.cpf, "level": "stated"},
                {"kind": "user_id", "value": user_id, "level": "stated"},
            ],
            "data": {
                "order_id": f"PED-{person.run}-{person.number}",
                "value": {"amount": person.amount, "currency": "BRL"},
                "store": {"kind": "online", "id": "loja"},
            },
        },
    )
    yield Happening(
        "generic/desk",
        {
            "source_id": vendor_id("complaint"),
            "type": "complaint.opened",
            "account": "sac",
            "occurred_at": utc_text(at(8)),
            "contact_point": {"kind": "phone", "value": person.phone, "level": "proven"},
            "identifiers": [{"kind": "cpf", "value": person.cpf, "level": "stated"}],
            "traits": {"name": f"Pessoa {person.number}"},
            "data": {"text": "Sem sinal há três dias", "nature": "complaint"},
        },
    )
    yield _mail(person.email, vendor_id("mail"), at(9))


def _whatsapp(wa_id: str, message: str, at: datetime) -> dict[str, Any]:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "551130030009", "phone_number_id": "106540352242929"},
        "contacts": [{"profile": {"name": "Pessoa"}, "wa_id": wa_id}],
        "messages": [
            {
                "from": wa_id,
                "id": f"wamid.{message}",
                "timestamp": str(int(at.timestamp())),
                "type": "text",
                "text": {"body": "Bom dia!"},
            }
        ],
    }
    change = {"field": "messages", "value": value}
    entry = {"id": "102290129340399", "changes": [change]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def _meta(channel: str, ours: str, theirs: str, at: datetime) -> dict[str, Any]:
    moment = int(at.timestamp() * 1000)
    message = {
        "sender": {"id": theirs},
        "recipient": {"id": ours},
        "timestamp": moment,
        "message": {"mid": f"m_{theirs}_{moment}", "text": "Boa tarde"},
    }
    return {
        "object": "page" if channel == "messenger" else "instagram",
        "entry": [{"id": ours, "time": moment, "messaging": [message]}],
    }


def _x(theirs: str, message: str, at: datetime) -> dict[str, Any]:
    event = {
        "type": "message_create",
        "id": message,
        "created_timestamp": str(int(at.timestamp() * 1000)),
        "message_create": {
            "target": {"recipient_id": BRAND},
            "sender_id": theirs,
            "message_data": {"text": "Podem me ajudar?", "entities": {}},
        },
    }
    return {
        "data": {
            "event_uuid": message,
            "filter": {"user_id": BRAND},
            "event_type": "dm.received",
            "tag": "dm",
            "payload": {"direct_message_events": [event], "users": {}},
        }
    }


def _mail(address: str, message: str, at: datetime) -> Happening:
    raw = (
        f"From: {address}\r\nTo: sac@loja.example.com\r\nSubject: Pedido\r\n"
        f"Message-ID: <{message}@example.com>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\nChegou riscado.\r\n"
    )
    passed = {"status": "PASS"}
    names = ("spamVerdict", "virusVerdict", "spfVerdict", "dkimVerdict", "dmarcVerdict")
    to = ["sac@loja.example.com"]
    notice = {
        "notificationType": "Received",
        "mail": {
            "timestamp": utc_text(at),
            "source": address,
            "messageId": message,
            "destination": to,
        },
        "receipt": {
            "timestamp": utc_text(at),
            "recipients": to,
            **dict.fromkeys(names, passed),
        },
    }
    return Happening("email", notice, raw.encode())
