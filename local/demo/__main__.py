"""Play João's story on the running stack, and show what each part did.

``--json`` prints the facts instead, for programs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from local import stack
from local.demo.cast import Cast
from local.demo.hub import Hub
from local.demo.story import Story
from local.settings import LocalError


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; gives the exit status: 0, or 1 with one line that says what did not come."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON object")
    as_json = parser.parse_args(arguments).json
    try:
        document = stack.load()
        began = time.monotonic()
        if as_json:
            facts = Story(Hub(document), Cast()).play()
            print(json.dumps(facts, ensure_ascii=False))
            return 0
        from local.demo.screen import Screen

        screen = Screen()
        with screen.progress() as tell:
            facts = Story(Hub(document), Cast(), tell).play()
        screen.show(facts, document, time.monotonic() - began)
    except LocalError as error:
        print(f"enlace: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("enlace: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
