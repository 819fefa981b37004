"""What the fakes of the CRMs have in common: faults to order, and one way to look at them.

A fake takes the place of urllib3's pool. A fault is ``("before" | "after", status or
exception)``: after means that the request was carried out and the answer lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Response:
    status: int
    data: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """A contact as an agent reads it, whatever the CRM."""

    customer_id: str
    email: str = ""
    phone: str = ""
    name: str = ""
    identifiers: tuple[str, ...] = ()
    activities: frozenset[str] = frozenset()


class FakeCrm:
    """Requests in, answers out."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, Any]] = []
        self.calls: list[tuple[str, str]] = []
        self.headers: list[Mapping[str, str]] = []
        self.between: Callable[[str], None] = lambda path: None

    def views(self) -> list[View]:
        """The contacts that stand for a customer."""
        raise NotImplementedError

    def texts(self) -> list[str]:
        """What the activities say."""
        raise NotImplementedError

    def lose_contacts(self) -> None:
        """Somebody deletes all contacts by hand."""
        raise NotImplementedError

    def make_by_hand(self, email: str) -> None:
        """Somebody makes a contact with an address."""
        raise NotImplementedError

    def handle(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Any:
        """Carry a request out; gives status and JSON, or status and bytes."""
        raise NotImplementedError

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        redirect: bool,
    ) -> Response:
        path = url.split("://")[-1].partition("/")[2]
        path = "/" + path.partition("?")[0]
        self.calls.append((method, path))
        self.headers.append(headers)
        self.between(path)
        when, fault = self.faults.pop(0) if self.faults else ("", None)
        if when == "before":
            return self._fail(fault)
        status, answer = self.handle(method, url, body or b"", headers)
        if when == "after":
            return self._fail(fault)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return Response(status, data)

    def _fail(self, fault: Any) -> Response:
        if isinstance(fault, Exception):
            raise fault
        status, headers = fault if isinstance(fault, tuple) else (fault, {})
        return Response(status, b"{}", headers)


def only(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that are not empty: CRMs do not tell an empty field from none."""
    return {name: value for name, value in values.items() if value}
