"""Processor time: of a handler with its AWS calls stubbed, of one botocore call, of an import.

Own CPU leaves botocore out: the first run goes to the in-process AWS and records
each client call's answer, the measured runs get these answers without a request
being built. Times vary with the machine; ratios within one run hardly do.
"""

from __future__ import annotations

import hmac
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import botocore.awsrequest
import botocore.client
import botocore.session

from bench.world import LAYER, REGION, ROOT, Context, Function, environment

_MAKE = "_make_api_call"


class Answers:
    """Recorded answers of client calls, in order for each operation and key."""

    def __init__(self) -> None:
        self._recorded: dict[str, list[Any]] = {}
        self._next: dict[str, int] = {}

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Let calls through and keep what they answer."""
        real = getattr(botocore.client.BaseClient, _MAKE)

        def make(client: Any, operation: str, params: dict[str, Any]) -> Any:
            answer = real(client, operation, params)
            self._recorded.setdefault(_name(operation, params), []).append(answer)
            return answer

        with mock.patch.object(botocore.client.BaseClient, _MAKE, make):
            yield

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """Answer calls from the record."""
        recorded = self._recorded
        position = self._next = dict.fromkeys(recorded, 0)

        def make(client: Any, operation: str, params: dict[str, Any]) -> Any:
            name = _name(operation, params)
            number = position[name]
            position[name] = number + 1
            answers = recorded[name]
            return answers[number % len(answers)]

        with mock.patch.object(botocore.client.BaseClient, _MAKE, make):
            yield


def _name(operation: str, params: dict[str, Any]) -> str:
    # Reads of different keys may go out in any order, so the key is part of the name.
    return f"{operation}{params['Key']}" if "Key" in params else operation


class Stubbed:
    """A function with its AWS calls answered from a record of its first run.

    Parameters
    ----------
    event : dict
        What the function is invoked with, again and again.
    check : callable
        Takes the handler's answer and raises if the event was not accepted: refusing
        is cheaper than accepting.
    events : int
        How many events ``event`` carries.
    """

    def __init__(
        self,
        function: Function,
        event: dict[str, Any],
        check: Callable[[Any], None],
        *,
        events: int = 1,
    ):
        self._function, self._event, self._events = function, event, events
        self._answers = Answers()
        with self._answers.recording():
            check(function(event))
        with self._answers.replaying(), function.running():
            check(function.handler(event, Context()))

    def microseconds(self, *, events: int = 200) -> float:
        """CPU per event over about ``events`` of them, user plus system."""
        calls = max(1, events // self._events)
        handler, event, context = self._function.handler, self._event, Context()
        with self._answers.replaying(), self._function.running():
            started = time.process_time_ns()
            for _ in range(calls):
                handler(event, context)
            return (time.process_time_ns() - started) / 1000 / calls / self._events


def take_turns(
    measured: dict[str, Callable[[], float]], *, rounds: int = 25
) -> dict[str, list[float]]:
    """Run each measurement once per round, so that a slow moment hits all; the first warms."""
    taken: dict[str, list[float]] = {name: [] for name in measured}
    for number in range(rounds + 1):
        for name, measure in measured.items():
            value = measure()
            if number:
                taken[name].append(value)
    return taken


def floor_microseconds(body: str, message: dict[str, Any], *, calls: int = 200) -> float:
    """CPU of what no webhook can leave out: parse the body, its HMAC, dump one message."""
    raw, key = body.encode(), b"bench-app-secret"
    started = time.process_time_ns()
    for _ in range(calls):
        json.loads(raw)
        hmac.digest(key, raw, "sha256")
        json.dumps(message)
    return (time.process_time_ns() - started) / 1000 / calls


class BotocoreCall:
    """One client whose HTTP answers are there at once, to measure botocore itself."""

    def __init__(self, service: str, call: Callable[[Any], Any]):
        client = botocore.session.get_session().create_client(
            service,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106 - belongs to nobody
        )
        events: Any = client.meta.events
        events.register_first("before-send.*.*", _at_once)
        self._client, self._call = client, call

    def microseconds(self, *, calls: int = 100) -> float:
        """CPU of one call."""
        started = time.process_time_ns()
        for _ in range(calls):
            self._call(self._client)
        return (time.process_time_ns() - started) / 1000 / calls


def reference_call() -> BotocoreCall:
    """The call that tells how fast a machine is: a put of a small item."""
    item = {"pk": {"S": "x" * 60}, "sk": {"S": "x" * 60}, "body": {"S": "x" * 400}}
    condition = "attribute_not_exists(pk)"
    return BotocoreCall(
        "dynamodb",
        lambda client: client.put_item(TableName="t", Item=item, ConditionExpression=condition),
    )


def _at_once(**_: Any) -> botocore.awsrequest.AWSResponse:
    headers: Any = botocore.awsrequest.HeadersDict({"content-type": "application/x-amz-json-1.0"})
    return botocore.awsrequest.AWSResponse("https://example.com", 200, headers, _Raw(b"{}"))


class _Raw:
    """The part of urllib3's response that botocore reads."""

    def __init__(self, content: bytes):
        self._content = content

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """The body."""
        yield self._content

    def read(self, *_: Any) -> bytes:
        """The body."""
        return self._content


def import_seconds(programs: dict[str, str], *, rounds: int) -> dict[str, list[float]]:
    """CPU of fresh interpreters that run each program, user plus system, seconds.

    The programs take turns in each round, so that a machine that slows down slows
    all of them; compare by :func:`import_ratios`. A program that fails is named on
    standard error and has no result.
    """
    variables = {
        **environment(),
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join((str(LAYER), str(ROOT))),
        "PYTHONHASHSEED": "0",
    }
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name, program in programs.items():
            if name not in taken:
                continue
            seconds = _run(program, variables)
            if seconds is None:
                print(f"not measured, its import fails: {name}", file=sys.stderr)
                del taken[name]
            elif number:  # the first round writes the byte code
                taken[name].append(seconds)
    return taken


def _run(program: str, variables: dict[str, str]) -> float | None:
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=variables, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return None
    return usage.ru_utime + usage.ru_stime


def import_ratios(taken: dict[str, list[float]], base: str) -> dict[str, float]:
    """Median CPU of each program over the median of ``base``."""
    median = statistics.median(taken[base])
    return {name: statistics.median(values) / median for name, values in taken.items()}


def function_program(folder: str) -> str:
    """A program that loads a function as Lambda does in a cold start."""
    path = json.dumps(str(ROOT / "functions" / folder))
    return f"import sys; sys.path.insert(0, {path}); import app; app.handler"
