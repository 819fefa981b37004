"""The templates that ship with the code: a folder each, a file per language."""

from __future__ import annotations

import hashlib
from pathlib import Path

from enlace.domain.template_source import LANGUAGES
from enlace.domain.template_version import SHIPPED, TemplateVersion, version_from

_FOLDER = Path(__file__).parent.parent / "templates"


class ShippedTemplates:
    """Reads a folder; see :class:`enlace.usecases.message_templates.TemplateStore`.

    Parameters
    ----------
    folder : Path
        ``<template>/<language>.txt`` below it.
    """

    def __init__(self, folder: Path = _FOLDER):
        self._folder = folder
        self._read: dict[str, dict[str, str]] = {}

    def names(self) -> list[str]:
        """Names of all that ship."""
        return sorted(path.name for path in self._folder.iterdir() if path.is_dir())

    def active(self, name: str) -> str:
        """The version that ships: made of the content; "" where nothing ships."""
        texts = self._texts(name)
        if not texts:
            return ""
        content = "\x1f".join(f"{language}\x1e{texts[language]}" for language in sorted(texts))
        return SHIPPED + hashlib.sha256(content.encode()).hexdigest()[:12]

    def describe(self, name: str, version: str) -> TemplateVersion | None:
        """What is known of the version; of a former one, what ships now.

        A deployment may bring a new text between the request for a message and its sending.
        Then the new one is sent: the former is nowhere any more.
        """
        texts = self._texts(name)
        return version_from(name, self.active(name), texts) if texts else None

    def source(self, name: str, version: str, language: str) -> str | None:
        """The file in one language."""
        return self._texts(name).get(language)

    def _texts(self, name: str) -> dict[str, str]:
        if name not in self._read:
            files = {language: self._folder / name / f"{language}.txt" for language in LANGUAGES}
            self._read[name] = {
                language: path.read_text(encoding="utf-8")
                for language, path in files.items()
                if path.is_file()
            }
        return self._read[name]
