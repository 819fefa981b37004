"""`sam local` against the running laptop stack: its functions in Lambda's own container image.

``python -m local.sam_local api`` serves the HTTP API from containers, ``invoke`` runs single
functions with their sample events. Both use what ``make up`` built and deployed, with the
environment that the deployment gave each function: SAM itself knows no queue's URL.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from local import containers, deploy, settings, stack
from local.forward import forwarded
from local.sample_events import functions, sample_event
from local.settings import LocalError, home, say

INVOKE_SECONDS = 180.0
START_SECONDS = 300.0
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost):(\d+)")


def logical_id(name: str) -> str:
    """The template's name of the function ``name``."""
    return "".join(word.capitalize() for word in name.split("_")) + "Function"


def environments() -> dict[str, dict[str, str]]:
    """Environment variables of the deployed functions, by logical id."""
    client = stack.client("lambda")
    found = {}
    for name, physical in stack.load()["functions"].items():
        configuration = client.get_function_configuration(FunctionName=physical)
        found[f"{name}Function"] = dict(configuration.get("Environment", {}).get("Variables", {}))
    return found


class SamLocal:
    """SAM's commands, with the functions' environment for containers.

    Parameters
    ----------
    host
        By which the containers reach this machine.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        document = stack.load()
        endpoint_url = document["endpoint_url"]
        texts = {
            function: {**variables, "AWS_ENDPOINT_URL": endpoint_url}
            for function, variables in environments().items()
        }
        self.ports = {int(port) for port in _LOOPBACK.findall(json.dumps(texts))}
        self._variables = home() / "sam-local.json"
        self._variables.write_text(self._reachable(json.dumps(texts)))
        # It says the resources' names, no secrets; still it is nobody else's business.
        self._variables.chmod(0o600)
        # SAM asks who it is, and would ask the real AWS.
        self._environment = {**deploy.sam_environment(), "AWS_ENDPOINT_URL": endpoint_url}
        self._parameters = deploy.parameters(
            {"crm": document["crm_url"], "whatsapp": document["whatsapp_url"]},
            self._reachable(endpoint_url),
        )

    def _reachable(self, text: str) -> str:
        return _LOOPBACK.sub(rf"http://{self._host}:\1", text)

    def command(self, *words: str) -> list[str]:
        """The command line of ``sam local`` with ``words``."""
        command = [str(Path(sys.executable).parent / "sam"), "local", *words]
        command += ["--config-env", "local", "--template-file"]
        command += [str(home() / "build" / "template.yaml")]
        command += ["--env-vars", str(self._variables), "--region", settings.REGION]
        command += ["--layer-cache-basedir", str(home() / "sam-layers")]
        if containers.has_image():
            command.append("--skip-pull-image")
        pairs = [f"{name}={value}" for name, value in self._parameters.items() if value]
        return [*command, "--parameter-overrides", *pairs]

    def invoke(self, name: str, event: Any) -> Any:
        """Run one function once in a container of its own.

        Parameters
        ----------
        name
            Function, such as ``resolve_identity``.
        event
            What it is called with.

        Returns
        -------
        Any
            What it returned.

        Raises
        ------
        LocalError
            When SAM fails, the function raises or takes longer than three minutes; the output of
            both is in ``<home>/sam-local.log``.
        """
        log = home() / "sam-local.log"
        with log.open("ab") as errors:
            try:
                done = subprocess.run(
                    self.command("invoke", logical_id(name), "--event", "-"),
                    input=json.dumps(event).encode(),
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=self._environment,
                    cwd=home(),
                    timeout=INVOKE_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise LocalError(f"{name} did not end (see {log})") from error
        lines = done.stdout.decode().strip().splitlines()
        if done.returncode != 0 or not lines:
            raise LocalError(f"sam local invoke {name} failed (see {log})")
        answer = json.loads(lines[-1])
        if isinstance(answer, Mapping) and "errorType" in answer:
            raise LocalError(f"{name} raised {answer['errorType']} (see {log})")
        return answer

    @contextlib.contextmanager
    def api(self, port: int, *, warm: str, output: int | None = None) -> Iterator[str]:
        """Serve the HTTP API from containers while the context lasts.

        Parameters
        ----------
        port
            Port of the loopback interface to listen on.
        warm
            ``EAGER`` starts every function's container first, ``LAZY`` each with its first request.
        output
            File descriptor of SAM's output; the terminal where left out.

        Yields
        ------
        str
            Base URL.

        Raises
        ------
        LocalError
            When it does not answer within five minutes (a first run builds images).
        """
        command = self.command("start-api", "--warm-containers", warm)
        command += ["--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=self._environment,
            cwd=home(),
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(process, url)
            yield url
        finally:
            # SAM removes its containers when it is asked to end.
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def connected() -> Iterator[SamLocal]:
    """SAM's commands, with the running stack within the containers' reach.

    Raises
    ------
    LocalError
        When no stack or no engine runs, or the bridge's ports are taken.
    """
    host = containers.container_host()
    sam = SamLocal(host)
    # Docker Desktop's name for the machine leads to its loopback interface already.
    direct = host == containers.DESKTOP_HOST
    with contextlib.nullcontext() if direct else forwarded(host, sam.ports):
        yield sam


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait until ``url`` answers, whatever it says."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 -- loopback
            return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.25)
    raise LocalError(f"sam local start-api did not start on {url}")


def _serve(port: int, warm: str) -> int:
    with connected() as sam, sam.api(port, warm=warm) as url:
        say(f"sam local serves {url} until interrupted; its functions work on the running stack")
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return 0


def _invoke(names: Sequence[str]) -> int:
    with connected() as sam:
        for name in names:
            say(f"{name}: {json.dumps(sam.invoke(name, sample_event(name)), ensure_ascii=False)}")
    return 0


def main() -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.sam_local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    api = commands.add_parser("api", help="serve the HTTP API from containers")
    api.add_argument("--port", type=int, default=3000)
    api.add_argument("--warm", choices=["EAGER", "LAZY"], default="LAZY")
    invoke = commands.add_parser("invoke", help="run functions once, with their sample events")
    invoke.add_argument("names", nargs="*", metavar="FUNCTION", help="default: every function")
    arguments = parser.parse_args()
    try:
        if arguments.command == "api":
            return _serve(arguments.port, arguments.warm)
        return _invoke(arguments.names or functions())
    except LocalError as error:
        print(f"enlace: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
