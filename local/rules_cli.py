"""``enlace rules``: the rules of the running stack, shown, checked, changed and followed."""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from enlace.domain.rules import parse_rules
from local import stack
from local.settings import LocalError

_POLL_SECONDS = 2.0
#: What a job's states mean to whoever waits.
_STATES = {
    "pending": "not begun: the next run takes the rules up",
    "running": "identities are brought to the rules",
    "waiting": "all brought to the rules; looked at once more when every function has them",
    "done": "everything stored is as a replay under these rules would give it",
}


def add_commands(rules: Any) -> None:
    """Add ``show``, ``check``, ``apply`` and ``status`` beside ``diff``."""
    command = rules.add_parser("show", help="print the rules in force on the running stack")
    command.set_defaults(run=_show)
    command = rules.add_parser("check", help="whether a rules file can be used")
    command.add_argument("file", type=Path, metavar="FILE.toml")
    command.set_defaults(run=_check)
    command = rules.add_parser("apply", help="put rules in force on the running stack")
    command.add_argument("file", type=Path, metavar="FILE.toml")
    command.add_argument("--no-wait", action="store_true", help="do not wait for the job's end")
    command.set_defaults(run=_apply)
    command = rules.add_parser("status", help="how far the running stack has followed its rules")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_status)


def _show(options: argparse.Namespace) -> int:
    sys.stdout.write(_call("GET")["text"])
    return 0


def _check(options: argparse.Namespace) -> int:
    rules = parse_rules(_text(options.file))
    print(f"version {rules.version}: {len(rules.kinds)} kinds")
    return 0


def _apply(options: argparse.Namespace) -> int:
    text = _text(options.file)
    # A file that cannot be used need not travel to be refused.
    parse_rules(text)
    answer = _call("PUT", {"text": text})
    print(f"version {answer['version']} is in force")
    told = ""
    while not options.no_wait:
        line = _line(answer["job"])
        if line != told:
            print(line, flush=True)
        told = line
        if answer["job"]["state"] == "done":
            break
        time.sleep(_POLL_SECONDS)
        answer = _call("GET")
    return 0


def _status(options: argparse.Namespace) -> int:
    answer = _call("GET")
    if options.json:
        print(json.dumps({name: value for name, value in answer.items() if name != "text"}))
        return 0
    since = f"since {answer['activated_at']}" if answer["activated_at"] else "as they ship"
    print(f"version {answer['version']}, {since}")
    print(_line(answer["job"]))
    print(_STATES[answer["job"]["state"]])
    return 0


def _line(job: dict[str, Any]) -> str:
    counts = ", ".join(
        f"{job[name]:,} {words}"
        for name, words in (
            ("seen", "seen"),
            ("changed", "components changed"),
            ("merged", "merges"),
            ("split", "splits"),
            ("saturated", "too large"),
        )
        if job[name] or name != "saturated"
    )
    return f"{job['state']} (walk {job['pass']}): {counts}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise LocalError(f"{path} is not text in UTF-8") from None


def _call(method: str, body: Any = None) -> dict[str, Any]:
    document = stack.load()
    request = urllib.request.Request(  # noqa: S310 - the stack's own address
        document["api_url"].rstrip("/") + "/v1/rules",
        None if body is None else json.dumps(body).encode(),
        {"x-api-key": document["api_key"], "content-type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        raise LocalError(_reason(error)) from None
    except OSError:
        raise LocalError("the stack does not answer: run make up") from None


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the stack answers {error.code}"
