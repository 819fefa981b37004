"""moto, quicker."""

from __future__ import annotations

from tests.stores import quicker

quicker.share()
