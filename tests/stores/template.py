"""``template.yaml``, read once a process: it takes a second."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]


@cache
def template() -> dict[str, Any]:
    """The template, for nobody to change."""
    return dict(yaml_parse((ROOT / "template.yaml").read_text("utf-8")))
