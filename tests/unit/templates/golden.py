"""Every shipped template as people get it; ``python -m tests.unit.templates.golden`` writes it."""

from __future__ import annotations

from pathlib import Path

from enlace.domain.sms_text import count_segments
from enlace.domain.template_source import parse_source
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.shipped_templates import ShippedTemplates
from enlace.usecases.template_checks import SAMPLE_CONFIRM, SAMPLE_LINKS

FOLDER = Path(__file__).parent / "golden"


def rendered() -> dict[str, str]:
    """File texts by name, of all templates and languages, with their own examples."""
    shipped = ShippedTemplates()
    templates = MessageTemplates(shipped=shipped)
    found = {}
    for name in shipped.names():
        for language in templates.describe(name).languages:
            data = parse_source(shipped.source(name, "", language) or "").example_data
            content = templates.render(
                name,
                language,
                data,
                links=SAMPLE_LINKS,
                extra={"confirm_url": SAMPLE_CONFIRM},
            )
            encoding, segments = count_segments(content.sms)
            parts = [f"[{part}]\n{text}\n" for part, text in content.parts.items()]
            sms = f"SMS: {encoding}, {segments} segment(s), {len(content.sms)} characters\n"
            found[f"{name}.{language}.txt"] = "".join((*parts, sms))
    return found


if __name__ == "__main__":
    for path in FOLDER.glob("*.txt"):
        path.unlink()
    for file, text in rendered().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
