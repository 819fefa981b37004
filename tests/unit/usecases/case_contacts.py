"""What people do about their complaints, and through which contact points."""

from __future__ import annotations

from typing import Any

from enlace.domain.interaction import Interaction
from tests.stores.builders import interaction
from tests.unit.usecases.case_scene import CaseScene

MESSENGER = ("messenger:306800000000001", "7000000000000001")
PHONE = ("phone", "+5511987650001")
EMAIL = ("email", "joao.silva@example.com")
STRANGER = ("phone", "+5511987659999")
OUR_MAIL = {"channel": "email", "type_": "message.sent", "direction": "outbound"}


def at(hours: float) -> str:
    day, rest = divmod(int(hours * 60), 24 * 60)
    return f"2026-11-{10 + day:02d}T{rest // 60:02d}:{rest % 60:02d}:00.000Z"


def complaint(source_id: str, point: tuple[str, ...], hours: float, **more: Any) -> Interaction:
    fields = {"type_": "complaint.opened", "data": {"nature": "complaint", "text": "Sem sinal"}}
    return interaction(source_id, point, at=at(hours), **{**fields, **more})


def said(
    source_id: str, point: tuple[str, ...], hours: float, text: str = "Olá", **more: Any
) -> Interaction:
    return interaction(source_id, point, at=at(hours), **{"data": {"text": text}, **more})


def joined_customer(scene: CaseScene, *points: tuple[str, str], verified: bool = True) -> None:
    for n, point in enumerate(points):
        scene.happen(said(f"known-{n}", point, 0))
    for point in points[1:]:
        scene.same(points[0], point, verified=verified)
