"""Build and deploy the unchanged template with SAM, against the emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from enlace.senders.registry import sender_channels
from local import settings
from local.settings import ROOT, LocalError, home

# samconfig.toml has no settings under this name: the ones for AWS must not reach the laptop stack.
CONFIGURATION = "local"
#: The company's number in the samples, which come from Meta's documentation.
WHATSAPP_NUMBER_ID = "106540352242922"
#: A laptop's functions see soon that tables were restored; a look costs it next to nothing.
RESTORE_LOOK_SECONDS = 2
COMPILED_LAYERS = {
    "ApiVendorLayer": "layers/api_vendor",
    "CipherVendorLayer": "layers/cipher_vendor",
}


def parameters(
    sink_urls: Mapping[str, str],
    function_endpoint_url: str = "",
    public_url: str = "",
    encryption: str = "",
) -> dict[str, str]:
    """Template parameters that make the stack a local one; on AWS they keep their defaults.

    Parameters
    ----------
    sink_urls
        Where the stack's providers are: ``crm`` and ``whatsapp``.
    public_url
        Where the API's routes are, without the API's id, which the deployment gives.
    encryption
        ``customer-key`` or ``subject-keys``; empty for neither.
    """
    return {
        **build_parameters(),
        "LocalApiKey": "true",
        "EndpointUrl": function_endpoint_url,
        "PublicUrl": public_url,
        # Named, for the emulator takes an empty parameter for one that was not given.
        "SenderChannels": ",".join(sender_channels()),
        "PointInTimeRecovery": "false",
        # The emulator has no CloudFormation type for an archive of a bus.
        "ArchiveDays": "0",
        "SmsProvider": "sns",
        "CrmProvider": "hubspot",
        "CrmBaseUrl": sink_urls["crm"],
        "WhatsappApiUrl": sink_urls["whatsapp"],
        "WhatsappPhoneNumberId": WHATSAPP_NUMBER_ID,
        "ResolverConcurrency": "4",
        # A laptop's functions are done within seconds.
        "ErasureWaitSeconds": "5",
        # Less than that, with what a call takes.
        "SubjectKeySeconds": "2",
        "Encryption": encryption or "standard",
        "RestoreLookSeconds": str(RESTORE_LOOK_SECONDS),
    }


def build_parameters() -> dict[str, str]:
    """The functions run in the emulator's own interpreter, so they are built for it."""
    return {"PythonRuntime": settings.runtime(), "Architecture": settings.architecture()}


def build(values: Mapping[str, str], build_dir: Path) -> None:
    """Run ``sam build`` into ``build_dir``.

    Parameters
    ----------
    values
        Template parameters that the build depends on.
    build_dir
        Directory that receives the built functions, layers and template.

    Raises
    ------
    LocalError
        When SAM fails; its output is in ``<home>/build.log``.
    """
    command = [
        "build",
        "--config-env",
        CONFIGURATION,
        "--template-file",
        str(ROOT / "template.yaml"),
        "--cached",
        "--parallel",
    ]
    command += ["--build-dir", str(build_dir), "--cache-dir", str(home() / "cache")]
    _sam([*command, "--parameter-overrides", *_overrides(values)], "build", environment={})
    if sys.platform != "linux":
        _native_layers(build_dir)


def deploy(values: Mapping[str, str], build_dir: Path, endpoint_url: str) -> None:
    """Run ``sam deploy`` of what was built against the emulator at ``endpoint_url``.

    Raises
    ------
    LocalError
        When SAM fails; its output is in ``<home>/deploy.log``.
    """
    command = [
        "deploy",
        "--config-env",
        CONFIGURATION,
        "--template-file",
        str(build_dir / "template.yaml"),
    ]
    command += ["--stack-name", settings.STACK_NAME, "--resolve-s3", "--no-progressbar"]
    command += ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"]
    command += ["--no-fail-on-empty-changeset", "--region", settings.REGION]
    environment = {"AWS_ENDPOINT_URL": endpoint_url}
    _sam([*command, "--parameter-overrides", *_overrides(values)], "deploy", environment)


def _overrides(values: Mapping[str, str]) -> list[str]:
    # An empty value is the parameter's default here, and SAM cannot pass one.
    return [f"{name}={value}" for name, value in values.items() if value]


def _sam(command: Sequence[str], step: str, environment: Mapping[str, str]) -> None:
    log = home() / f"{step}.log"
    program = Path(sys.executable).parent / "sam"
    with log.open("wb") as output:
        done = subprocess.run(
            [str(program), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**sam_environment(), **environment},
            # SAM keeps installed packages below its working directory: two homes must not share it.
            cwd=home(),
            check=False,
        )
    if done.returncode != 0:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        reason = next((line for line in reversed(lines) if "rror" in line), "") or "".join(
            lines[-1:]
        )
        raise LocalError(f"sam {step} failed: {reason.strip()[:300]} (all of it: {log})")


def sam_environment() -> dict[str, str]:
    """SAM's environment: no credentials, configuration, telemetry or version check of its own."""
    application = home() / "sam"
    application.mkdir(parents=True, exist_ok=True)
    (application / "metadata.json").write_text(json.dumps({"lastVersionCheck": time.time()}))
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "AWS_ACCESS_KEY_ID": settings.ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": settings.SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": settings.REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",
        # SAM asks the package index for a newer version of itself once a week, unless it just did.
        "__SAM_CLI_APP_DIR": str(application),
    }


def _native_layers(build_dir: Path) -> None:
    """Put this machine's own wheels into the layers that have compiled code.

    SAM builds for Lambda's Linux, and the emulator runs functions as they are: on macOS they need
    macOS wheels.
    """
    for layer, source in COMPILED_LAYERS.items():
        target = build_dir / layer / "python"
        shutil.rmtree(target, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
        command += ["--target", str(target), "-r", str(ROOT / source / "requirements.txt")]
        if subprocess.run(command, check=False).returncode != 0:
            raise LocalError(
                f"cannot install {source}/requirements.txt for this machine: see above"
            )
