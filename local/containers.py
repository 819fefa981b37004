"""What is known of the machine's Docker engine, asked through its own command line.

The command line rather than a library: it alone knows the developer's context (Docker Desktop,
colima, a remote engine).
"""

from __future__ import annotations

import ipaddress
import json
import shutil
import subprocess

from local import settings
from local.settings import ROOT, LocalError

# The name that Docker Desktop gives the machine; it leads to the loopback interface.
DESKTOP_HOST = "host.docker.internal"
COMMAND_SECONDS = 30


def unavailable() -> str | None:
    """Why containers cannot be run here, or None where they can."""
    # ci-setup.sh tried before us, and knows more. The engine is the machine's, not one stack's.
    told = ROOT / ".enlace" / "docker" / "unavailable"
    reason = told.read_text().strip() if told.exists() else None
    if shutil.which("docker") is None:
        return reason or "there is no docker command"
    if _docker("version", "--format", "{{.Server.Version}}") is None:
        return reason or "no Docker engine answers"
    # Where nobody tried to make the image, SAM pulls it.
    return None if has_image() else reason


def container_host() -> str:
    """The name or address by which a container reaches this machine.

    Raises
    ------
    LocalError
        When no engine answers, or its bridge has no network.
    """
    reason = unavailable()
    if reason is not None:
        raise LocalError(f"sam local needs Docker: {reason}")
    if _docker("info", "--format", "{{.OperatingSystem}}") == "Docker Desktop":
        return DESKTOP_HOST
    configurations = json.loads(
        _docker("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}") or "[]"
    )
    for configuration in configurations:
        network = ipaddress.ip_network(configuration["Subnet"])
        if network.version == 4:
            # Engines name the gateway once a container ran; until then it is the first address.
            return str(configuration.get("Gateway") or network[1])
    raise LocalError("sam local needs Docker's network 'bridge', which has no subnet here")


def has_image() -> bool:
    """Whether the base image that SAM wants for this interpreter is there."""
    version = settings.runtime().removeprefix("python")
    image = f"public.ecr.aws/lambda/python:{version}-{settings.architecture()}"
    return _docker("image", "inspect", image, "--format", "{{.Id}}") is not None


def _docker(*words: str) -> str | None:
    """Output of a docker command, None where it fails."""
    try:
        done = subprocess.run(
            ["docker", *words],  # noqa: S607 -- wherever the machine has it
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
