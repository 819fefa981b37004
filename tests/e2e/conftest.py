"""A laptop stack of the tests' own, so that a developer's running one is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from local import stack as local_stack
from local.settings import ROOT

HOME = ROOT / ".enlace" / "e2e"
START_TIMEOUT_SECONDS = 600


def _run(command: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PERSIST"}
    return subprocess.run(
        [sys.executable, "-m", "local", command],
        cwd=ROOT,
        env={**environment, "ENLACE_HOME": str(HOME)},
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_SECONDS,
        check=False,
    )


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, Any]]:
    """The running stack's ``stack.json``; started for the first test, stopped after the last.

    ``local.stack.client`` and its other functions speak to it as well.
    """
    with pytest.MonkeyPatch.context() as patch:
        # A port of its own: a developer's ENLACE_PORT names the developer's stack.
        patch.delenv("ENLACE_PORT", raising=False)
        patch.setenv("ENLACE_HOME", str(HOME))
        _run("down")
        started = _run("up")
        try:
            if started.returncode != 0:
                pytest.fail(f"the stack did not start:\n{started.stdout}{started.stderr}")
            yield local_stack.load()
        finally:
            _run("down")
