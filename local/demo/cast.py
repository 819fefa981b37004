"""The people of a run: invented, and others in each run, so that the story can be played again."""

from __future__ import annotations

import random
import secrets
import string
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from enlace.domain.interaction import utc_text

EVENTS = Path(__file__).resolve().parent.parent.parent / "events" / "demo"
#: How long before now the story begins: what happened long ago is not answered any more.
LENGTH = timedelta(minutes=90)


def cpf(digits: str) -> str:
    """A CPF from nine digits, with its two check digits (Receita Federal's modulus 11)."""
    for length in (9, 10):
        weighted = sum(int(d) * (length + 1 - n) for n, d in enumerate(digits[:length]))
        digits += str(weighted * 10 % 11 % 10)
    return digits


@dataclass
class Cast:
    """Names, addresses and ids of one run.

    Parameters
    ----------
    run
        Seven lower-case letters and digits that make everything of the run its own.
    """

    run: str = field(
        default_factory=lambda: "".join(
            secrets.choice(string.ascii_lowercase + string.digits) for _ in range(7)
        )
    )
    names: dict[str, str] = field(init=False)
    began: datetime = field(init=False)

    def __post_init__(self) -> None:
        rng = random.Random(self.run)
        self.began = datetime.fromtimestamp(time.time(), UTC) - LENGTH

        def digits(count: int) -> str:
            return "".join(str(rng.randrange(10)) for _ in range(count))

        def phone(first: str) -> str:
            return f"+55119{first}{digits(7)}"

        joao, homonym, stranger = phone("8"), phone("7"), phone("6")
        number = cpf(str(rng.randrange(1, 10)) + digits(8))
        self.names = {
            "run": self.run,
            "page": "306800000000001",
            "instagram_account": "17841400000000001",
            "x_account": "1111111111111111111",
            "joao_phone": joao,
            "joao_wa_id": joao[1:],
            "joao_bsuid": f"BR.{digits(20)}",
            "joao_cpf": number,
            "joao_cpf_spoken": f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}",
            "joao_email": f"joao.silva.{self.run}@example.com",
            "joao_work_email": f"joao.{self.run}@empresa.example.com",
            "joao_user_id": f"cliente-{self.run}",
            "joao_x": "2" + digits(18),
            "joao_company_x": "3" + digits(18),
            "joao_instagram": "9" + digits(15),
            "joao_messenger": "7" + digits(15),
            "joao_browser": f"navegador-{self.run}",
            "tablet": f"tablet-{self.run}",
            "maria_user_id": f"maria-{self.run}",
            "homonym_phone": homonym,
            "homonym_wa_id": homonym[1:],
            "homonym_bsuid": f"BR.{digits(20)}",
            "homonym_email": f"joao.da.silva.{self.run}@example.com",
            "stranger_phone": stranger,
            "stranger_wa_id": stranger[1:],
            "stranger_bsuid": f"BR.{digits(20)}",
            "online_order": f"PED-{digits(6)}",
            "partner_order": f"PARC-{digits(6)}",
            **{f"vendor_id_{n}": digits(16) for n in range(1, 10)},
        }

    def __getitem__(self, name: str) -> str:
        return self.names[name]

    def filled(self, body: Any, minute: float) -> Any:
        """A sample with this run's values in place of ``${names}``.

        Parameters
        ----------
        body
            JSON value. A text that is one placeholder for a time becomes a number where the
            vendor sends a number: ``${ms}``.
        minute
            When it happens, minutes after the story began: gives ``${time}`` (contract time),
            ``${seconds}`` (Unix, as text), ``${ms}`` (Unix milliseconds) and ``${rfc2822}``.
        """
        moment = self.began + timedelta(minutes=minute)
        times: Mapping[str, Any] = {
            "time": utc_text(moment),
            "seconds": str(int(moment.timestamp())),
            "ms_text": str(int(moment.timestamp() * 1000)),
            "rfc2822": moment.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        }
        return _filled(body, {**self.names, **times}, int(moment.timestamp() * 1000))


def _filled(body: Any, names: Mapping[str, Any], milliseconds: int) -> Any:
    if isinstance(body, dict):
        return {key: _filled(value, names, milliseconds) for key, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, names, milliseconds) for value in body]
    if body == "${ms}":
        return milliseconds
    return string.Template(body).substitute(names) if isinstance(body, str) else body
