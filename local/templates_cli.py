"""``enlace templates``: check and look at message templates before they are put anywhere."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from enlace.domain.template_source import LANGUAGES, parse_source
from enlace.domain.template_version import MARKETING, version_from
from enlace.usecases.shipped_templates import ShippedTemplates
from enlace.usecases.template_checks import Preview, check_template, preview_of
from local.settings import LocalError


def add_commands(commands: Any) -> None:
    """Add ``templates check`` and ``templates preview``."""
    templates = commands.add_parser("templates", help="message templates: check, preview")
    templates = templates.add_subparsers(required=True, metavar="COMMAND")
    command = templates.add_parser("check", help="whether a template can be saved, with warnings")
    command.add_argument("folder", type=Path, help="with pt-BR.txt, es.txt, en.txt")
    command.set_defaults(run=_check)
    command = templates.add_parser("preview", help="print a template, filled")
    command.add_argument("template", help="a folder, or the name of one that ships")
    command.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0])
    command.add_argument("--data", type=Path, metavar="FILE.json", help="else the examples")
    command.set_defaults(run=_preview)


def _check(options: argparse.Namespace) -> int:
    checked = check_template(options.folder.resolve().name, _texts(options.folder))
    for preview in checked.previews:
        print(f"{preview.language}: {', '.join(preview.parts)}; {_sms(preview)}")
    for warning in checked.warnings:
        print(f"warning: {warning}")
    return 0


def _preview(options: argparse.Namespace) -> int:
    folder, shipped = Path(options.template), ShippedTemplates()
    if folder.is_dir():
        name, texts = folder.resolve().name, _texts(folder)
    elif options.template in shipped.names():
        name = options.template
        texts = {code: text for code in LANGUAGES if (text := shipped.source(name, "", code))}
    else:
        raise LocalError(f"no template: give a folder, or one of {', '.join(shipped.names())}")
    if options.language not in texts:
        raise LocalError(f"not in {options.language}, but in {', '.join(texts)}")
    known = version_from(name, "", texts)
    source = parse_source(texts[options.language])
    data = source.example_data if options.data is None else _data(options.data)
    marketing = MARKETING in known.purposes
    preview = preview_of(known, source, options.language, data, marketing=marketing)
    for part, text in preview.parts.items():
        print(f"[{part}]\n{text}\n")
    print(_sms(preview))
    for warning in preview.warnings:
        print(f"warning: {warning}")
    return 0


def _sms(preview: Preview) -> str:
    sms = preview.sms
    return f"SMS {sms['encoding']}, {sms['segments']} segment(s), {sms['characters']} characters"


def _texts(folder: Path) -> dict[str, str]:
    texts = {}
    try:
        for path in sorted(folder.glob("*.txt")):
            texts[path.stem] = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError(f"cannot read {folder}: {type(error).__name__}") from error
    if not texts:
        raise LocalError(f"no templates in {folder}: it needs a file such as pt-BR.txt")
    return texts


def _data(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LocalError(f"cannot read {path}: {type(error).__name__}") from error
    if not isinstance(data, dict):
        raise LocalError(f"{path}: must hold an object of variables")
    return data
