"""A company's own template on the stack: tried, saved, in force, and taken back."""

from __future__ import annotations

import uuid
from typing import Any

from local.demo.hub import Hub

OFFER = """purposes: marketing
headline: text = Semana do café
[subject]
{{ headline }}
[text]
{{ headline }}. Sair: {{ unsubscribe_url }}
[html]
<p>{{ headline }}</p><p><a href="{{ unsubscribe_url }}">Sair</a></p>
[sms]
{{ headline }}. Para sair, responda SAIR.
"""


def test_a_template_is_saved_put_in_force_and_taken_back(stack: dict[str, Any]) -> None:
    hub, name = Hub(stack), f"offer_{uuid.uuid4().hex[:8]}"
    path = f"/v1/templates/{name}"

    first = hub.api("PUT", path, {"languages": {"pt-BR": OFFER}})
    assert first["active"] and first["languages"]["pt-BR"]["sms"]["segments"] == 1
    assert hub.api("PUT", path, {"languages": {"pt-BR": OFFER}})["version"] == first["version"]
    other = OFFER.replace("Semana", "Mês")
    second = hub.api("PUT", path, {"languages": {"pt-BR": other, "es": other}})
    shown = hub.api("GET", path)
    assert shown["version"] == second["version"]
    assert set(shown["versions"]) == {first["version"], second["version"]}
    back = hub.api("POST", f"{path}/activate", {"version": first["version"]})
    assert back["version"] == first["version"]
    made = hub.api("POST", f"{path}/preview", {"language": "es", "data": {"headline": "<b>"}})
    assert made["language"] == "pt-BR" and "&lt;b&gt;" in made["parts"]["html"]
    page = hub.api("GET", "/v1/templates?limit=100")
    assert {name, "newsletter"} <= {item["id"] for item in page["items"]}


def test_what_must_not_go_out_is_refused(stack: dict[str, Any]) -> None:
    hub, path = Hub(stack), "/v1/templates/never"
    for source in (
        OFFER.replace("{{ headline }}", "{{ ''.__class__ }}"),
        OFFER.replace("{{ headline }}", "{{ 9 ** 9 ** 9 }}"),
        OFFER.replace("{{ unsubscribe_url }}", ""),
    ):
        hub.api("PUT", path, {"languages": {"pt-BR": source}}, expected=400)
    # Had one of them been kept, this would not be absent: S3 tells absent from forbidden.
    hub.api("GET", path, expected=404)
