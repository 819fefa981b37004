"""Templates as their editors see them: list, look at, try, save, put in force, go back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from enlace.domain.template_source import LANGUAGES, is_name, language_for, parse_source
from enlace.domain.template_version import MARKETING, SHIPPED, TemplateVersion, is_version
from enlace.errors import InvalidPayload, NotFound
from enlace.usecases.message_templates import TemplateStore
from enlace.usecases.shipped_templates import ShippedTemplates
from enlace.usecases.template_checks import Checked, Preview, check_template, preview_of


class EditableStore(TemplateStore, Protocol):
    """A store that can be written to; everything raises ``TemporaryFailure``."""

    def names(self) -> list[str]:
        """Names of all templates."""

    def versions(self, name: str) -> list[str]:
        """All versions of one."""

    def read_active(self, name: str) -> tuple[str, str]:
        """The version in force and its mark; "" for none."""

    def save(self, version: TemplateVersion, texts: Mapping[str, str]) -> None:
        """Keep a version."""

    def activate(
        self, name: str, version: str, mark: str, details: Mapping[str, str] | None = None
    ) -> None:
        """Put a version in force, unless another came since; raises ``Conflict`` then."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A template: the version in force, or the one asked for."""

    name: str
    in_force: str
    known: TemplateVersion | None
    versions: tuple[str, ...]


class EditTemplates:
    """The use case.

    Parameters
    ----------
    stored : EditableStore
        The company's own.
    now : callable
        Gives the current contract time.
    shipped : ShippedTemplates, optional
    """

    def __init__(
        self,
        stored: EditableStore,
        *,
        now: Callable[[], str],
        shipped: ShippedTemplates | None = None,
    ):
        self._stored = stored
        self._shipped = shipped or ShippedTemplates()
        self._now = now

    def names(self) -> list[str]:
        """Names of all templates, those that ship and the company's."""
        return sorted({*self._shipped.names(), *filter(is_name, self._stored.names())})

    def show(self, name: str, version: str = "") -> Shown:
        """A template.

        Raises
        ------
        NotFound
            If there is none, or not in this version.
        """
        if version and not is_version(version):
            raise NotFound("no such version of the template")
        in_force = self._in_force(name)
        asked = version or in_force
        known = self._of(asked).describe(name, asked)
        if version and (known is None or known.version != version):
            raise NotFound("no such version of the template")
        versions = {*self._stored.versions(name), self._shipped.active(name)} - {""}
        return Shown(name, in_force, known, tuple(sorted(versions)))

    def sources(self, known: TemplateVersion) -> dict[str, str]:
        """Its files by language."""
        store = self._of(known.version)
        found = {code: store.source(known.name, known.version, code) for code in known.languages}
        return {language: text for language, text in found.items() if text is not None}

    def save(
        self,
        name: str,
        texts: Mapping[str, str],
        purposes: tuple[str, ...],
        *,
        by: str,
        may: Callable[[Iterable[str]], None],
        activate: bool = True,
    ) -> Checked:
        """Check a template, keep it as a version, and put that in force.

        Parameters
        ----------
        may : callable
            Raises where whoever asks may not write texts for these purposes.

        Raises
        ------
        InvalidPayload
            If it cannot be used.
        Conflict
            If somebody else put another version in force meanwhile; this one is kept.
        """
        checked = check_template(name, texts, purposes)
        in_force, mark = self._stored.read_active(name)
        former = in_force or self._shipped.active(name)
        may(checked.version.purposes)
        self._may_follow(name, former, may)
        version = checked.version.version
        known = self._stored.describe(name, version)
        if known is None:
            known = replace(checked.version, saved_at=self._now(), saved_by=by)
            self._stored.save(known, texts)
        if activate and in_force != version:
            self._activate(name, version, mark, former, by)
        return replace(checked, version=known)

    def activate(
        self, name: str, version: str, *, by: str, may: Callable[[Iterable[str]], None]
    ) -> Shown:
        """Put a version in force that was kept, or the one that ships.

        Raises
        ------
        NotFound
            If there is no such version.
        Conflict
            If somebody else put another in force meanwhile.
        """
        shown = self.show(name, version)
        if shown.known is None:
            raise NotFound("no such version of the template")
        may(shown.known.purposes)
        in_force, mark = self._stored.read_active(name)
        former = in_force or self._shipped.active(name)
        self._may_follow(name, former, may)
        if former != version:
            self._activate(name, version, mark, former, by)
        return replace(shown, in_force=version)

    def preview(
        self,
        name: str,
        language: str,
        data: Mapping[str, Any] | None,
        *,
        version: str = "",
        source: str = "",
    ) -> Preview:
        """Render a version, or a source that nobody saved yet; nothing is kept.

        Parameters
        ----------
        data : mapping or None
            None for the examples.

        Raises
        ------
        InvalidPayload
            If it cannot be rendered.
        NotFound
            If there is no such template or version.
        """
        if source:
            if not is_name(name):
                raise InvalidPayload("a template's name is a word of small letters")
            used = language_for(language, dict.fromkeys(LANGUAGES))
            parsed = parse_source(source)
            known = TemplateVersion(
                name, "", parsed.purposes, parsed.variables, {used: tuple(parsed.parts)}
            )
        else:
            found = self.show(name, version).known
            if found is None:
                raise NotFound("the version in force is not there")
            known, used = found, language_for(language, found.languages)
            text = self._of(known.version).source(name, known.version, used)
            if text is None:
                raise NotFound("the version's file is not there")
            parsed = parse_source(text)
        given = parsed.example_data if data is None else data
        return preview_of(known, parsed, used, given, marketing=MARKETING in known.purposes)

    def _in_force(self, name: str) -> str:
        # The name comes from outside, and must not choose a path or a key.
        if not is_name(name):
            raise NotFound("no such template")
        in_force = self._stored.read_active(name)[0] or self._shipped.active(name)
        if not in_force and not self._stored.versions(name):
            raise NotFound("no such template")
        return in_force

    def _of(self, version: str) -> TemplateStore:
        return self._shipped if version.startswith(SHIPPED) else self._stored

    def _may_follow(self, name: str, former: str, may: Callable[[Iterable[str]], None]) -> None:
        known = self._of(former).describe(name, former) if former else None
        if known is not None:
            # Else a notice that must go out could be turned into one that needs consent.
            may(known.purposes)

    def _activate(self, name: str, version: str, mark: str, former: str, by: str) -> None:
        details = {"activated_at": self._now(), "activated_by": by, "previous_version": former}
        self._stored.activate(name, version, mark, details)
