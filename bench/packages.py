"""Sizes of what is shipped: each function's folder and each layer, zipped as Lambda gets it."""

from __future__ import annotations

import importlib.metadata
import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from bench.world import LAYER, ROOT


def zipped_bytes(files: Iterable[tuple[str, Path]]) -> int:
    """Bytes of a deflated archive of files, given as (name in it, path)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(files):
            archive.write(path, name)
    return buffer.tell()


def sizes() -> dict[str, int]:
    """Zipped bytes of each function and layer in this checkout.

    The layers of third-party packages are computed from the versions installed
    here, so a package with compiled parts may differ a little on arm64.
    """
    found: dict[str, int] = {}
    for app in sorted((ROOT / "functions").glob("*/app.py")):
        found[f"function {app.parent.name}"] = zipped_bytes(_tree(app.parent))
    found["layer enlace"] = zipped_bytes(_tree(LAYER))
    for requirements in sorted((ROOT / "layers").glob("*/requirements.txt")):
        files = list(_installed(requirements))
        found[f"layer {requirements.parent.name}"] = zipped_bytes(files)
    return found


def _tree(folder: Path) -> Iterable[tuple[str, Path]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        caches = any(part.startswith((".", "__pycache__")) for part in name.parts)
        if path.is_file() and not caches:
            yield str(name), path


def _installed(requirements: Path) -> Iterable[tuple[str, Path]]:
    for line in requirements.read_text().splitlines():
        if not (match := re.match(r"([A-Za-z0-9_.\-]+)==", line)):
            continue
        for file in importlib.metadata.files(match[1]) or ():
            path = Path(str(file.locate()))
            if ".." not in file.parts and "__pycache__" not in file.parts and path.is_file():
                yield str(file), path
