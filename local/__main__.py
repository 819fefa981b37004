"""``python -m local up|down|build``: the laptop stack."""

from __future__ import annotations

import argparse
import json
import signal
import sys

from local import up
from local.settings import LocalError


def main() -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "build"])
    command = parser.parse_args().command
    # Ended from outside, it cleans up as it does when interrupted.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if command == "up":
            document = up.up()
            print(
                json.dumps({key: document[key] for key in ("api_url", "endpoint_url", "crm_url")})
            )
        elif command == "down":
            up.down()
        else:
            up.build()
    except LocalError as error:
        print(f"enlace: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("enlace: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
