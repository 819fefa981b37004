"""The AWS emulator: start, wait, stop.

Its switches are its own environment variables (ministack 1.5.33, read in its source).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from local import processes, settings
from local.settings import LocalError, home

NAME = "emulator"
START_SECONDS = 60.0
SAVE_SECONDS = 60.0


def endpoint_url() -> str:
    """URL of the running emulator."""
    return f"http://127.0.0.1:{processes.port_of(NAME)}"


def start(port: int, *, keep_state: bool, enforce_iam: bool) -> None:
    """Start the emulator on ``port`` of the loopback interface and wait until it answers.

    Parameters
    ----------
    port
        Port to listen on.
    keep_state
        Load the state of the last run and save it when stopped; else begin empty.
    enforce_iam
        Check signatures and hold every function to its role.

    Raises
    ------
    LocalError
        When it does not answer within a minute.
    """
    state, objects, scratch = home() / "state", home() / "objects", home() / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    if not keep_state:
        shutil.rmtree(state, ignore_errors=True)
        shutil.rmtree(objects, ignore_errors=True)
    for directory in (state, objects, scratch):
        directory.mkdir(parents=True, exist_ok=True)
    (home() / f"{NAME}.log").unlink(missing_ok=True)
    bind = f"127.0.0.1:{port}"
    environment = {
        # The functions inherit this environment, so it holds nothing of the developer's.
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home()),
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "TMPDIR": str(scratch),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": settings.REGION,
        "AWS_ACCESS_KEY_ID": settings.ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": settings.SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": settings.REGION,
        "AUTH": "true" if enforce_iam else "false",
        "LAMBDA_EXECUTOR": "local",
        # A throttled or failing target is tried again soon, as a developer waits for it.
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1",
        "PERSIST_STATE": "1" if keep_state else "0",
        "STATE_DIR": str(state),
        "S3_PERSIST": "1" if keep_state else "0",
        "S3_DATA_DIR": str(objects),
        "LOG_LEVEL": os.environ.get("ENLACE_EMULATOR_LOG", "INFO"),
        # Listeners that nobody here needs, one of them on all interfaces.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }
    command = [str(settings.emulator_python()), "-m", "hypercorn", "ministack.app:app"]
    command += ["--bind", bind, "--keep-alive", "75"]
    processes.start(NAME, command, port, f"ministack.app:app --bind {bind}", environment)
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if not processes.alive(NAME) or time.monotonic() > deadline:
            raise LocalError(f"the AWS emulator did not start: see {home() / f'{NAME}.log'}")
        time.sleep(0.1)


def answers() -> bool:
    """Whether the emulator's health page answers."""
    try:
        with urllib.request.urlopen(f"{endpoint_url()}/_ministack/health", timeout=5) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def stop(*, keep_state: bool) -> bool:
    """Stop the emulator and its functions; returns whether it was running."""
    was_running = processes.stop(NAME, grace_seconds=SAVE_SECONDS if keep_state else 0.0)
    _remove(home() / "tmp")
    if not keep_state:
        shutil.rmtree(home() / "state", ignore_errors=True)
        shutil.rmtree(home() / "objects", ignore_errors=True)
    return was_running


def _remove(folder: Path) -> None:
    """Delete a folder without waiting for it: functions' layers are a million files in a while."""
    if not folder.exists():
        return
    gone = folder.with_name(f"{folder.name}-{os.getpid()}-{time.monotonic_ns()}")
    folder.rename(gone)
    subprocess.Popen(
        ["/bin/rm", "-rf", str(gone)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
