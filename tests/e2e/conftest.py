"""Laptop stacks of the tests' own, so that a developer's running one is left alone.

With ``pytest -n auto --dist loadfile`` there are two workers, each with a stack of its own: much of
what a file does is waiting, which another file can use. What SAM builds is built once for all.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import deploy, processes
from local import stack as local_stack
from local.settings import ROOT

#: The worker of a run with several, such as ``gw0``; empty in a run without.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
HOME = ROOT / ".enlace" / "-".join(filter(None, ("e2e", WORKER)))
BUILD_HOME = ROOT / ".enlace" / "e2e-build"
START_TIMEOUT_SECONDS = 600
#: A stack for each; more would not be faster with the processors that they share.
WORKERS = 2
#: Workers look for their ports apart from each other: a hundred each, and as many for the CRM.
FIRST_PORT = 17600
#: Files that take longest, in the order in which they begin: the rest fills the gaps at the end.
LONGEST = (
    "test_faults",
    "test_hostile",
    "test_sealed",
    "test_sam_local",
    "test_stitching",
    "test_storm",
    "test_erasure",
    "test_message_load",
    "test_residues",
    "test_rules",
)


def pytest_xdist_auto_num_workers() -> int:
    """Workers of ``-n auto``: one where there is one processor."""
    return min(WORKERS, os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest (with ``--no-loadscope-reorder``)."""
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        if item.path.parent != here:
            return -1
        name = item.path.stem
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=rank)


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


@pytest.fixture(scope="session", autouse=True)
def built() -> Iterator[None]:
    """What SAM builds of the checkout, once a run; every stack that a test starts deploys it."""
    BUILD_HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
    build, done = BUILD_HOME / "build", BUILD_HOME / "run"
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    with pytest.MonkeyPatch.context() as patch, (BUILD_HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not run or not done.exists() or done.read_text() != run:
            done.unlink(missing_ok=True)
            patch.setenv("ENLACE_HOME", str(BUILD_HOME))
            deploy.build(deploy.build_parameters(), build)
            done.write_text(run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENLACE_BUILD", str(build))
        yield


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
        if WORKER:
            first = FIRST_PORT + 100 * int(WORKER.removeprefix("gw"))
            patch.setenv("ENLACE_PORT", str(processes.free_port(first)))
        started = _run("up")
        try:
            if started.returncode != 0:
                pytest.fail(f"the stack did not start:\n{started.stdout}{started.stderr}")
            yield local_stack.load()
        finally:
            _run("down")
