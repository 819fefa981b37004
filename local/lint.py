"""The checks of ``make lint`` that need arguments of their own."""

from __future__ import annotations

import os
import subprocess
import sys
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
    failed = []
    for name, (program, *arguments) in checks.items():
        print(f"enlace: checking {name}", flush=True)
        command = [str(BIN / program), *arguments]
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
            failed.append(name)
    if failed:
        print(f"enlace: lint failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
