"""A proxy that makes AWS fail between the functions and the emulator, to be turned on and off.

The proxy is microburst, which answers with errors in the very form that the SDK parses. Start it
before the stack, since the functions' endpoint is fixed when they are deployed::

    python -m local.faults 4700 http://127.0.0.1:4600 &
    ENLACE_PORT=4600 ENLACE_AUTH=0 ENLACE_FUNCTION_ENDPOINT_URL=http://127.0.0.1:4700 make up
    curl -X POST 127.0.0.1:4700/_microburst/presets/ddb-throttle

``Faults`` is the switch for tests. ``ENLACE_AUTH=0``, because a request that passes a proxy is
signed for another host than the one it reaches.
"""

from __future__ import annotations

import json
import logging
import random
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from typing import Any

from local import processes
from local.settings import ROOT, LocalError

START_SECONDS = 30.0
SEED = 20261122

#: Services whose calls change something, by the name that requests are signed for.
CHANGING = ("dynamodb", "sqs", "events", "ses")
_COUNT = re.compile(
    r'^microburst_faults_total\{service="(.*)",operation=".*",action="(.*)"\} (\d+)$', re.M
)


def throttled(service: str, probability: float, *codes: str) -> list[dict[str, Any]]:
    """Rules that answer with throttling, in equal parts by each of the error codes."""
    rules = []
    left = 1.0
    for code in codes:
        # A rule sees only what those before it let pass.
        share = probability / len(codes)
        rules.append(
            {
                "service": service,
                "probability": share / left,
                "error": {"code": code, "status": 400},
            }
        )
        left -= share
    return rules


def broken(service: str, probability: float, **limits: Any) -> list[dict[str, Any]]:
    """Rules that reset connections: half before the call is made, half after it was carried out.

    After, the caller has lost the acknowledgement of what it did.
    """
    return [
        {"service": service, "probability": probability / 2, "reset": True, **limits},
        {
            "service": service,
            "probability": probability / 2 / (1 - probability / 2),
            "response": {"abort_bytes": 0},
            **limits,
        },
    ]


class Faults:
    """The switch of a running proxy.

    Parameters
    ----------
    url
        The proxy's.
    """

    def __init__(self, url: str):
        self.url = url

    def on(self, rules: Sequence[dict[str, Any]]) -> None:
        """Inject these faults and no others."""
        self._call("POST", "rules", list(rules))

    def off(self) -> None:
        """Let everything pass."""
        self._call("POST", "rules", [])

    def injected(self) -> Counter[tuple[str, str]]:
        """How many faults there were by service and kind: ``error:<code>``, ``reset``, ``lost``."""
        found: Counter[tuple[str, str]] = Counter()
        for service, action, count in _COUNT.findall(self._call("GET", "metrics")):
            found[service, "lost" if action == "response:abort" else action] += int(count)
        return found

    def answers(self) -> bool:
        """Whether the proxy is up."""
        try:
            self._call("GET", "health")
        except OSError:
            return False
        return True

    def _call(self, method: str, path: str, body: Any = None) -> str:
        request = urllib.request.Request(  # noqa: S310 -- loopback
            f"{self.url}/_microburst/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return str(answer.read().decode())


def start(port: int, upstream: str) -> subprocess.Popen[bytes]:
    """Start a proxy on ``port`` in front of ``upstream`` and wait until it answers.

    Raises
    ------
    LocalError
        When it does not.
    """
    if not processes.port_is_free(port):
        raise LocalError(f"port {port} is in use: give the fault proxy another one")
    command = [sys.executable, "-m", "local.faults", str(port), upstream]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + START_SECONDS
    while not Faults(f"http://127.0.0.1:{port}").answers():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise LocalError("the fault proxy did not start")
        time.sleep(0.1)
    return process


def main(arguments: Sequence[str]) -> int:
    """Run the proxy: ``PORT UPSTREAM [SEED]``."""
    from microburst import cli

    port, upstream, *seed = arguments
    # A line a request is more than the proxy's own work.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("microburst").setLevel(logging.WARNING)
    # Writing to a connection that a rule has just reset is no error here.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    # The dice are the same each time; which call meets which throw depends on who is faster.
    random.seed(int(seed[0]) if seed else SEED)
    return int(cli.main(["--port", port, "--upstream", upstream, "--no-resign"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
