"""Start the laptop stack, and stop it."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from local import deploy, emulator, processes, routes, settings, stack
from local.settings import ROOT, LocalError, flag, home, say

#: Providers that the stack sends to instead of the real ones: module, and port beside the
#: emulator's.
SINKS = {"crm": ("local.crm_sink", 1000), "whatsapp": ("local.whatsapp_sink", 2000)}
ANSWER_SECONDS = 60.0
#: Each is a process that takes seconds to start: more would wait for each other's processors, until
#: their functions' time is up and what they held lies in its queue for the visibility timeout.
MOST_AT_ONCE = 4


def up() -> dict[str, Any]:
    """Start what does not run yet, deploy the template, wait until the stack answers.

    Returns
    -------
    dict
        What is in ``stack.json`` now.

    Raises
    ------
    LocalError
        When a step fails; what this call started is stopped again.
    """
    began = time.monotonic()
    keep_state = flag("PERSIST")
    with _only_one():
        started: list[str] = []
        try:
            if not processes.alive(emulator.NAME):
                _start(keep_state, started)
            for name in SINKS:
                _start_sink(name, started)
            document = _deploy()
        except BaseException:
            # Nothing that this run started is left behind, also when it was interrupted.
            for name in reversed(started):
                processes.stop(name)
            if started:
                (home() / "stack.json").unlink(missing_ok=True)
            raise
    say(f"up after {time.monotonic() - began:.0f} s: {document['api_url']}")
    return document


def down() -> None:
    """Stop the stack; with ``PERSIST=1`` its state is kept for the next ``up``."""
    with _only_one():
        keep_state = flag("PERSIST")
        for name in SINKS:
            processes.stop(name)
        was_running = emulator.stop(keep_state=keep_state)
        if not keep_state:
            (home() / "stack.json").unlink(missing_ok=True)
    say("stopped" if was_running else "was not running")


def build() -> None:
    """Build functions and layers for AWS into ``.aws-sam/build``, with the template's defaults."""
    say("building for this machine's Python and processor into .aws-sam/build")
    home().mkdir(parents=True, exist_ok=True)
    deploy.build(deploy.build_parameters(), ROOT / ".aws-sam" / "build")


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """Keep two runs on the same home apart."""
    # Secrets and kept state are below it.
    home().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError("another make up or make down is at work: wait for it") from None
        yield


def _previous() -> dict[str, Any]:
    try:
        return stack.load()
    except LocalError:
        return {}


def _start(keep_state: bool, started: list[str]) -> None:
    previous = _previous().get("endpoint_url", "") if keep_state else ""
    # Queue URLs in the kept state hold the port, so the same one is taken where it is free.
    port = processes.choose_port(int(previous.rsplit(":", 1)[1]) if previous else None)
    say(f"starting the AWS emulator on port {port}")
    started.append(emulator.NAME)
    emulator.start(port, keep_state=keep_state, enforce_iam=flag("ENLACE_AUTH", default=True))


def _start_sink(name: str, started: list[str]) -> None:
    if processes.alive(name):
        return
    module, beside = SINKS[name]
    port = processes.free_port(processes.port_of(emulator.NAME) + beside)
    command = [sys.executable, "-m", module, "--port", str(port)]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT)}
    started.append(name)
    processes.start(name, command, port, f"{module} --port {port}", environment)


def _deploy() -> dict[str, Any]:
    endpoint_url = emulator.endpoint_url()
    sink_urls = {name: f"http://127.0.0.1:{processes.port_of(name)}" for name in SINKS}
    values = deploy.parameters(
        sink_urls,
        os.environ.get("ENLACE_FUNCTION_ENDPOINT_URL", ""),
        f"{endpoint_url}/_aws/execute-api",
        os.environ.get("ENLACE_ENCRYPTION", ""),
    )
    build_dir = home() / "build"
    finished = os.environ.get("ENLACE_BUILD")
    if finished:
        shutil.rmtree(build_dir, ignore_errors=True)
        shutil.copytree(finished, build_dir)
    else:
        say("building functions and layers (sam build)")
        deploy.build(values, build_dir)
    say("deploying the template (sam deploy)")
    deploy.deploy(values, build_dir, endpoint_url)
    document = _describe(endpoint_url, sink_urls)
    path = home() / "stack.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=2) + "\n")
    _wait(document["api_url"])
    return document


def _describe(endpoint_url: str, sink_urls: dict[str, str]) -> dict[str, Any]:
    """Import the routes, set the secrets and gather what a client needs to know."""
    cloudformation = stack.client("cloudformation", endpoint_url=endpoint_url)
    pages = cloudformation.get_paginator("list_stack_resources").paginate(
        StackName=settings.STACK_NAME
    )
    resources = [item for page in pages for item in page["StackResourceSummaries"]]
    ids = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in resources}
    lambdas = stack.client("lambda", endpoint_url=endpoint_url)
    _mend_concurrency(lambdas)
    _mend_mail_grant(stack.client("iam", endpoint_url=endpoint_url), ids["SendEmailRole"])
    processed = cloudformation.get_template(
        StackName=settings.STACK_NAME, TemplateStage="Processed"
    )["TemplateBody"]
    processed = json.loads(processed) if isinstance(processed, str) else processed
    # On AWS the company proves its domain by DNS; here asking is enough, and may be repeated.
    sender_domain = processed["Parameters"]["EmailIdentity"]["Default"]
    stack.client("ses", endpoint_url=endpoint_url).verify_domain_identity(Domain=sender_domain)
    arns = {
        function: lambdas.get_function_configuration(FunctionName=ids[function])["FunctionArn"]
        for function in set(routes.routes_of(processed).values())
    }
    wanted = {key: arns[function] for key, function in routes.routes_of(processed).items()}
    say(f"importing {len(wanted)} HTTP routes")
    gateway = stack.client("apigatewayv2", endpoint_url=endpoint_url)
    routes.import_routes(gateway, ids["HttpApi"], wanted)
    api_url = f"{endpoint_url}/_aws/execute-api/{ids['HttpApi']}"
    vault = stack.client("secretsmanager", endpoint_url=endpoint_url)
    api_key = json.loads(vault.get_secret_value(SecretId=ids["ApiKeySecret"])["SecretString"])
    return {
        "api_url": api_url,
        "endpoint_url": endpoint_url,
        "region": settings.REGION,
        "api_key": api_key["api_key"],
        "webhook_secrets": _webhook_secrets(vault, ids, api_url),
        "table_names": _named(resources, "AWS::DynamoDB::Table", {"Table": ""}),
        "bus_name": ids["EnlaceBus"],
        "queue_urls": _named(resources, "AWS::SQS::Queue", {"Queue": "", "DLQ": "_dlq"}),
        **{f"{name}_url": url for name, url in sink_urls.items()},
        "address_key_secret": ids["AddressKeySecret"],
        "link_secret": ids["LinkSecret"],
        "mail": {"bucket": ids["MailBucket"], "topic_arn": ids["InboundMailTopic"]},
        "functions": {
            logical.removesuffix("Function"): name
            for logical, name in ids.items()
            if logical.endswith("Function")
        },
    }


def _named(resources: list[dict[str, Any]], kind: str, endings: dict[str, str]) -> dict[str, str]:
    """Physical ids of a kind's resources: ``EmailQueue`` is ``email``, its DLQ ``email_dlq``."""
    found = {}
    for resource in resources:
        logical = resource["LogicalResourceId"]
        if resource["ResourceType"] == kind:
            ending = next(ending for ending in endings if logical.endswith(ending))
            words = re.findall("[A-Z][a-z0-9]*", logical.removesuffix(ending))
            name = "_".join(words).lower() + endings[ending]
            found[name] = resource["PhysicalResourceId"]
    return found


def _mend_concurrency(lambdas: Any) -> None:
    """Set the event sources' concurrency again, as a number, and one for a laptop.

    CloudFormation turns a parameter's text into the property's type; the emulator keeps the text,
    and its poller then stops at the first comparison.
    """
    for mapping in lambdas.list_event_source_mappings()["EventSourceMappings"]:
        concurrency = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        if concurrency is not None:
            lambdas.update_event_source_mapping(
                UUID=mapping["UUID"],
                ScalingConfig={"MaximumConcurrency": min(int(concurrency), MOST_AT_ONCE)},
            )


def _mend_mail_grant(iam: Any, role: str) -> None:
    """Let the e-mail sender send.

    SES authorises version 2 of SendEmail on the identity and by the sender's address, as the
    template's grant says; the emulator (1.5.33) knows neither and asks for ``*``.
    """
    grant = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
    iam.put_role_policy(RoleName=role, PolicyName="emulator", PolicyDocument=document)


def _webhook_secrets(vault: Any, ids: dict[str, str], api_url: str) -> dict[str, dict[str, str]]:
    """Give every channel random secrets under the vendor's own names; keep those there already."""
    known = _previous().get("webhook_secrets", {})
    found: dict[str, dict[str, str]] = {}
    for logical in sorted(name for name in ids if name.startswith("ChannelSecret")):
        channel = logical.removeprefix("ChannelSecret").lower()
        values = {**_random_secret(channel), **known.get(channel, {})}
        if channel == "twilio":
            values["public_url"] = api_url
        stored = json.loads(vault.get_secret_value(SecretId=ids[logical])["SecretString"])
        if stored != values:
            vault.put_secret_value(SecretId=ids[logical], SecretString=json.dumps(values))
        found[channel] = values
    return found


def _random_secret(channel: str) -> dict[str, str]:
    if channel in {"whatsapp", "messenger", "instagram"}:
        return {"app_secret": secrets.token_hex(16), "verify_token": secrets.token_urlsafe(16)}
    if channel == "generic":
        return {"secret": "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()}
    names = {"x": "consumer_secret", "twilio": "auth_token", "segment": "write_key"}
    if channel not in names:
        raise LocalError(f"no secret known for the channel {channel}: add it to local/up.py")
    return {names[channel]: secrets.token_hex(16)}


def _wait(api_url: str) -> None:
    """Wait until a webhook answers: unsigned, so that 401 is the right answer."""
    say("waiting until the stack answers")
    url = f"{api_url}/webhooks/generic/up"
    deadline = time.monotonic() + ANSWER_SECONDS
    status = 0
    while time.monotonic() < deadline:
        try:
            request = urllib.request.Request(url, data=b"{}", method="POST")  # noqa: S310
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                status = response.status
        except urllib.error.HTTPError as error:
            status = error.code
            error.close()
        except OSError:
            status = 0
        if status == 401:
            return
        time.sleep(0.5)
    raise LocalError(
        f"the stack does not answer ({url} said {status}): see {home() / 'emulator.log'}"
    )
