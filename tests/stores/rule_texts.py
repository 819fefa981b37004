"""Rules files that differ in everything which may change on a running stack."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tests.stores.builders import CPFS

_KINDS = ("cpf", "user_id", "email", "phone", "messenger", "anonymous_id", "cnpj")
_LISTS = {
    "role_mailboxes": ["sac", "person0"],
    "placeholders": ["naotem@naotem.com", "person1@example.com"],
}


@st.composite
def rule_texts(draw: st.DrawFn, version: str) -> str:
    """The text of a rules file, over the identifiers of :data:`tests.stores.laws.POOL`."""
    lines = [f'version = "{version}"', f"max_identifiers = {draw(st.sampled_from([2, 4, 50]))}"]
    lines.append("[email]")
    for name, values in _LISTS.items():
        lines.append(f"{name} = {json.dumps(draw(_some(values)))}")
    lines.append("[blocked_values]")
    lines.append(f"cpf = {json.dumps(draw(_some(list(CPFS[:2]))))}")
    lines.append(f"user_id = {json.dumps(draw(_some(['user-0'])))}")
    for kind in _KINDS:
        lines.append(f"[kinds.{kind}]")
        lines += draw(_kind(kind))
    return "\n".join(lines) + "\n"


@st.composite
def _kind(draw: st.DrawFn, kind: str) -> list[str]:
    fields: dict[str, object] = {
        "links": draw(st.sampled_from([True, True, True, False])),
        "min_level": draw(st.sampled_from(["imported", "imported", "stated", "proven"])),
        "max_per_customer": draw(st.sampled_from([None, 1, 2, 5])),
        "shared_after": draw(st.sampled_from([None, None, 1, 2])),
        "valid_days": draw(st.sampled_from([None, None, 5, 12])),
        "priority": draw(st.integers(1, 3)) * 10,
        "unique": kind in ("cpf", "user_id") or None,
        "contradiction": draw(st.sampled_from([None, True])),
        "joins_only": ["user_id"] if kind == "anonymous_id" and draw(st.booleans()) else None,
    }
    return [f"{name} = {json.dumps(value)}" for name, value in fields.items() if value is not None]


def _some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=len(values))
