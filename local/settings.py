"""Where the laptop stack keeps its things, and the names that it goes by."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STACK_NAME = "enlace"
REGION = "us-east-1"
# The emulator takes this pair for the account's root: what a deployer holds. The functions never
# see it; each has its own role's credentials.
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105 -- not a secret, the emulator listens on loopback only
FIRST_PORT = 4566
LAST_PORT = 4665


class LocalError(Exception):
    """Something the developer can put right; its text is the one line that says how."""


def home() -> Path:
    """Directory of the stack's state, logs and build: ``ENLACE_HOME``, else ``.enlace``."""
    return Path(os.environ.get("ENLACE_HOME") or ROOT / ".enlace").resolve()


def emulator_python() -> Path:
    """Interpreter of the emulator, which also runs the functions.

    Raises
    ------
    LocalError
        When the emulator's environment is not installed.
    """
    path = Path(sys.prefix) / "emulator" / "bin" / "python"
    if not path.exists():
        raise LocalError(
            f"the AWS emulator is not installed in {path.parent.parent}: run make install"
        )
    return path


def runtime() -> str:
    """Lambda runtime of this interpreter, such as ``python3.13``."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def architecture() -> str:
    """Lambda's name of this machine's processor: ``arm64`` or ``x86_64``."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def flag(name: str, default: bool = False) -> bool:
    """Whether the environment variable ``name`` is switched on (``1``, ``true``, ``yes``)."""
    value = os.environ.get(name)
    return default if value is None else value.lower() in {"1", "true", "yes"}


def say(text: str) -> None:
    """Print one line of progress at once, also where output is not a terminal."""
    print(f"enlace: {text}", flush=True)
