"""Templates in memory, as the bucket keeps them; passes the bucket's own suite."""

from __future__ import annotations

from collections.abc import Mapping

from enlace.domain.template_version import TemplateVersion
from enlace.errors import Conflict, TemporaryFailure


class MemoryTemplates:
    """Implements :class:`enlace.usecases.edit_templates.EditableStore`; fails when told to."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], tuple[TemplateVersion, dict[str, str]]] = {}
        self.in_force: dict[str, tuple[str, int]] = {}
        self.down = False
        self.asked = 0

    def active(self, name: str) -> str:
        return self.read_active(name)[0]

    def read_active(self, name: str) -> tuple[str, str]:
        self._ask()
        version, mark = self.in_force.get(name, ("", 0))
        return version, str(mark or "")

    def describe(self, name: str, version: str) -> TemplateVersion | None:
        self._ask()
        found = self.kept.get((name, version))
        return found[0] if found else None

    def source(self, name: str, version: str, language: str) -> str | None:
        self._ask()
        found = self.kept.get((name, version))
        return found[1].get(language) if found else None

    def names(self) -> list[str]:
        self._ask()
        return sorted({name for name, _ in self.kept} | set(self.in_force))

    def versions(self, name: str) -> list[str]:
        self._ask()
        return sorted(version for kept, version in self.kept if kept == name)

    def save(self, version: TemplateVersion, texts: Mapping[str, str]) -> None:
        self._ask()
        self.kept.setdefault((version.name, version.version), (version, dict(texts)))

    def activate(
        self, name: str, version: str, mark: str, details: Mapping[str, str] | None = None
    ) -> None:
        if self.read_active(name)[1] != mark:
            raise Conflict("another version came into force meanwhile")
        self.in_force[name] = (version, self.in_force.get(name, ("", 0))[1] + 1)

    def _ask(self) -> None:
        self.asked += 1
        if self.down:
            raise TemporaryFailure("S3: ServiceUnavailable")
