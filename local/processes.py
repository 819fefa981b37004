"""Background processes of the stack: started apart from the terminal, found again, ended by id."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.settings import FIRST_PORT, LAST_PORT, LocalError, home


def _registry() -> Path:
    return home() / "processes.json"


def registered() -> dict[str, dict[str, object]]:
    """Processes that the last ``up`` left running: name to ``{"pid", "port", "marker"}``."""
    try:
        return dict(json.loads(_registry().read_text()))
    except FileNotFoundError:
        return {}


def _register(processes: Mapping[str, object]) -> None:
    _registry().write_text(json.dumps(processes))


def alive(name: str) -> bool:
    """Whether the registered process ``name`` runs and is the one that we started.

    A process id is reused after a reboot, so its command line must still carry our marker.
    """
    entry = registered().get(name)
    if entry is None:
        return False
    shown = subprocess.run(
        ["ps", "-ww", "-o", "stat=,command=", "-p", str(entry["pid"])],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return bool(shown) and not shown.startswith("Z") and str(entry["marker"]) in shown


def port_of(name: str) -> int:
    """Port of the registered process ``name``."""
    return int(str(registered()[name]["port"]))


def start(
    name: str, command: Sequence[str], port: int, marker: str, environment: Mapping[str, str]
) -> None:
    """Start ``command`` in a session of its own, with its output in ``<home>/<name>.log``.

    Parameters
    ----------
    name
        What it is registered as.
    command
        Program and arguments; ``marker`` must stand in them.
    port
        Port that it will listen on.
    marker
        Text by which its command line is told from another's.
    environment
        All of its environment.
    """
    with (home() / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=home(),
            start_new_session=True,
        )
    _register({**registered(), name: {"pid": process.pid, "port": port, "marker": marker}})


def stop(name: str, grace_seconds: float = 0.0) -> bool:
    """End the process ``name`` and its children.

    Parameters
    ----------
    name
        What it is registered as.
    grace_seconds
        How long it may take to save its state; at 0 it is not asked.

    Returns
    -------
    bool
        Whether it was running.
    """
    was_alive = alive(name)
    if was_alive:
        pid = int(str(registered()[name]["pid"]))
        if grace_seconds:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + grace_seconds
            while _exists(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
        # What is left (the functions' workers too) is in its process group, which has its id.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        _exists(pid)
    _register({key: value for key, value in registered().items() if key != name})
    return was_alive


def _exists(pid: int) -> bool:
    """Whether ``pid`` is there still; collects it where it is our own child that ended."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def port_is_free(port: int) -> bool:
    """Whether nothing listens on ``port`` of the loopback interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(preferred: int | None = None) -> int:
    """A free port for the emulator: ``ENLACE_PORT``, else ``preferred``, else the first free one.

    Raises
    ------
    LocalError
        When the port asked for is taken or not a number, or none is free.
    """
    asked = os.environ.get("ENLACE_PORT")
    if asked:
        if not asked.isdigit() or not 1024 <= int(asked) <= 65535:
            raise LocalError(f"ENLACE_PORT={asked} is not a port: set a number from 1024 to 65535")
        if not port_is_free(int(asked)):
            raise LocalError(
                f"port {asked} is in use: end what listens there, or set another ENLACE_PORT"
            )
        return int(asked)
    if preferred is not None and port_is_free(preferred):
        return preferred
    return free_port(FIRST_PORT)


def free_port(first: int) -> int:
    """The first free port from ``first`` on.

    Raises
    ------
    LocalError
        When a hundred ports in a row are taken.
    """
    for port in range(first, max(LAST_PORT, first + 100)):
        if port_is_free(port):
            return port
    raise LocalError("no free port found: set ENLACE_PORT to one")
