"""The rules of ``template.yaml`` with what they lead to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.events.models import EventPattern
from samcli.yamlhelper import yaml_parse

from tests.stores.template import template

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Rule:
    """One rule of the bus.

    Parameters
    ----------
    function : str
        The function's folder that consumes the rule's queue.
    """

    name: str
    pattern: dict[str, Any]
    function: str

    def matches(self, event: dict[str, Any]) -> bool:
        """Whether the bus would deliver ``event`` by this rule."""
        return bool(EventPattern.load(json.dumps(self.pattern)).matches_event(event))


def rules(text: str | None = None) -> list[Rule]:
    """Every rule of the template, following its targets to queues and their functions."""
    resources = (yaml_parse(text) if text else template())["Resources"]
    readers = {
        _target(event["Properties"]["Queue"]): Path(resource["Properties"]["CodeUri"]).name
        for resource in resources.values()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "SQS"
    }
    return [
        Rule(name, json.loads(json.dumps(rule["EventPattern"])), readers.get(_target(t["Arn"]), ""))
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Events::Rule"
        for rule in [resource["Properties"]]
        if "EventPattern" in rule
        for t in rule["Targets"]
    ]


def _target(reference: Any) -> str:
    return str(reference["Fn::GetAtt"][0])
