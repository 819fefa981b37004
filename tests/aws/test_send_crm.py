"""send_crm as Lambda loads it, for each CRM: what is imported, what is missing, what is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROVIDERS = {
    "hubspot": "",
    "rd_station": "",
    "salesforce": "https://acme.my.salesforce.com",
    "webhook": "https://crm.example.com/hook",
}
MODULES = {
    "hubspot": {"hubspot"},
    "rd_station": {"rd_station", "rd_tokens", "oauth"},
    "salesforce": {"salesforce", "salesforce_answers", "oauth"},
    "webhook": {"crm_webhook"},
}
SHOW = """
import json, runpy, sys
app = runpy.run_path("functions/send_crm/app.py")
senders = [m.rpartition(".")[2] for m in sys.modules if m.startswith("enlace.senders.")]
print(json.dumps({"name": app["crm"].name, "senders": senders, "modules": sorted(sys.modules)}))
"""


def load(provider: str, base_url: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "IDENTITY_TABLE": "identity",
        "TIMELINE_TABLE": "timeline",
        "DELIVERY_TABLE": "delivery",
        "CONSENT_TABLE": "consent",
        "CRM_SECRET_ID": "crm",
        "CRM_PROVIDER": provider,
        "CRM_BASE_URL": base_url,
    }
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_only_the_chosen_crm_is_imported(provider: str) -> None:
    shown: dict[str, Any] = json.loads(load(provider, PROVIDERS[provider]).stdout)
    assert shown["name"] == provider
    common = {"crm", "http_json"}
    assert set(shown["senders"]) == common | MODULES[provider]
    assert not {"boto3", "pydantic"} & set(shown["modules"])


@pytest.mark.parametrize(
    ("provider", "base_url", "said"),
    [
        ("webhook", "", "CRM_BASE_URL"),
        ("salesforce", "", "CRM_BASE_URL"),
        ("pipedrive", "", "hubspot, salesforce, rd_station, webhook"),
    ],
)
def test_what_is_not_set_up_is_said(provider: str, base_url: str, said: str) -> None:
    done = load(provider, base_url)
    assert done.returncode != 0 and said in done.stderr
