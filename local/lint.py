"""The checks of ``make lint`` that need arguments of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.settings import ROOT

BIN = Path(sys.executable).parent


def main() -> int:
    """Run all of them, so that one run shows every fault; returns the exit status."""
    functions = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("functions/*/app.py"))
    checks = {
        "types": ["mypy", "layers/enlace/python/enlace", "local", *functions],
        "import directions": ["lint-imports", "--no-cache"],
        "template": ["cfn-lint", "template.yaml"],
    }
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "layers" / "enlace" / "python")}

    def check(command: list[str]) -> subprocess.CompletedProcess[str]:
        program = str(BIN / command[0])
        return subprocess.run(
            [program, *command[1:]],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    failed = []
    # Each takes one processor for seconds; what they say comes one after the other.
    with ThreadPoolExecutor(len(checks)) as pool:
        for name, done in zip(checks, pool.map(check, checks.values()), strict=True):
            print(f"enlace: checking {name}\n{done.stdout.rstrip()}", flush=True)
            if done.returncode != 0:
                failed.append(name)
    if failed:
        print(f"enlace: lint failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
