"""What tests of several use cases start from."""

from __future__ import annotations

import itertools
import uuid

import pytest


@pytest.fixture
def ids_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same ids in every run, so that a seed that fails fails again."""
    numbers = itertools.count(1)
    monkeypatch.setattr(
        "enlace.domain.address_key.secrets.token_bytes",
        lambda size: next(numbers).to_bytes(size, "big"),
    )
    monkeypatch.setattr(
        "enlace.usecases.conciliate.uuid.uuid4", lambda: uuid.UUID(int=next(numbers))
    )
