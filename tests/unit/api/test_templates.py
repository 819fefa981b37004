"""Templates over HTTP: tried, saved, put in force, taken back, and who may do so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from enlace.api import template_models as models
from enlace.domain.template_version import TemplateVersion
from tests.unit.api.world import ISSUER, World

OFFER = """purposes: marketing
headline: text = Semana do café
[subject]
{{ headline }}
[text]
{{ headline }}. Sair: {{ unsubscribe_url }}
[html]
<p>{{ headline }}</p><a href="{{ unsubscribe_url }}">Sair</a>
[sms]
{{ headline }}. Para sair, responda SAIR.
"""
NOTICE = OFFER.replace("marketing", "transactional")


def put(
    world: World, source: str = OFFER, name: str = "offer", status: int = 200, **more: Any
) -> Any:
    body = {"languages": {"pt-BR": source}, **more}
    return world.ask("PUT", f"/v1/templates/{name}", body, status)


def test_what_ships_is_listed_and_shown() -> None:
    page = World().ask("GET", "/v1/templates")
    shown = {item["id"]: item for item in page["items"]}
    assert shown["newsletter"]["purposes"] == ["marketing"]
    assert shown["newsletter"]["shipped"] is True
    assert shown["order_confirmation"]["variables"]["total"]["type"] == "money"
    assert set(shown["protocol_opened"]["languages"]) == {"pt-BR", "es", "en"}
    models.TemplatePage.model_validate(page)
    detail = World().ask("GET", "/v1/templates/newsletter")
    assert detail["sources"]["es"].startswith("purposes: marketing")
    models.TemplateDetail.model_validate(detail)


def test_pages_follow_each_other() -> None:
    world = World()
    names, cursor = [], ""
    for _ in range(20):
        page = world.ask("GET", f"/v1/templates?limit=2&cursor={cursor}")
        names += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert names == [item["id"] for item in world.ask("GET", "/v1/templates")["items"]]
    assert len(names) >= 5
    for query in ("limit=0", "limit=101", "limit=x", "limit=²", "what=1"):
        assert world.call("GET", f"/v1/templates?{query}").status == 400


def test_a_template_is_saved_and_put_in_force() -> None:
    world = World()
    saved = put(world)
    models.TemplateSaved.model_validate(saved)
    assert saved["active"] is True
    assert saved["languages"]["pt-BR"]["sms"] == {
        "encoding": "GSM-7",
        "segments": 1,
        "characters": 40,
        "outside_gsm": "",
    } | {"characters": len("Semana do café. Para sair, responda SAIR.")}
    assert "not in es" in saved["warnings"]
    detail = world.ask("GET", "/v1/templates/offer")
    assert detail["version"] == saved["version"] and detail["saved_by"] == "api-key"
    assert detail["shipped"] is False
    # The same again is the same version.
    assert put(world)["version"] == saved["version"]
    assert len(world.templates.kept) == 1


def test_a_version_may_be_kept_first_and_put_in_force_later_and_back() -> None:
    world = World()
    first = put(world)["version"]
    second = put(world, OFFER.replace("Semana", "Mês"), activate=False)["version"]
    shown = world.ask("GET", "/v1/templates/offer")
    assert shown["version"] == first and set(shown["versions"]) == {first, second}
    other = world.ask("GET", f"/v1/templates/offer?version={second}")
    assert other["shown_version"] == second and "Mês" in other["sources"]["pt-BR"]
    forward = world.ask("POST", "/v1/templates/offer/activate", {"version": second})
    models.TemplateSummary.model_validate(forward)
    assert forward["version"] == second
    world.ask("POST", "/v1/templates/offer/activate", {"version": first})
    assert world.ask("GET", "/v1/templates/offer")["version"] == first


def test_what_ships_is_gone_back_to() -> None:
    world = World()
    shipped = world.ask("GET", "/v1/templates/newsletter")["version"]
    own = put(world, name="newsletter")["version"]
    assert world.ask("GET", "/v1/templates/newsletter")["version"] == own
    back = world.ask("POST", "/v1/templates/newsletter/activate", {"version": shipped})
    assert back["version"] == shipped and back["shipped"] is True


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (OFFER.replace("{{ unsubscribe_url }}", "", 1), "[text]: marketing"),
        (OFFER.replace('<a href="{{ unsubscribe_url }}">Sair</a>', ""), "[html]: marketing"),
        (OFFER.replace("{{ headline }}", "{{ ''.__class__ }}"), "[subject]"),
        (OFFER.replace("headline: text", "title: text"), "declared"),
        (OFFER + "[text]\nb", "twice"),
        (OFFER.replace("purposes: marketing\n", ""), "purposes"),
        (OFFER.replace("purposes: marketing", "purposes: marketing, transactional"), "no other"),
        (OFFER.replace("<p>", "<p onclick='x'>"), "[html]"),
    ],
)
def test_what_must_not_go_out_is_not_saved(source: str, reason: str) -> None:
    world = World()
    assert reason in put(world, source, status=400)["detail"]
    assert not world.templates.kept and not world.templates.in_force


def test_warnings_are_told_and_stop_nothing() -> None:
    world = World()
    sms = "[sms]\n{{ headline }}"
    source = OFFER[: OFFER.index("[sms]")] + sms + " ção" * 40 + "\n"
    warnings = " ".join(put(world, source)["warnings"])
    assert "SAIR" in warnings and "segments" in warnings and "ã" in warnings


def test_purposes_may_stand_in_the_request() -> None:
    world = World()
    bare = OFFER.replace("purposes: marketing\n", "")
    assert put(world, bare, purposes=["marketing"])["purposes"] == ["marketing"]
    put(world, OFFER, purposes=["transactional"], status=400)


def test_an_offer_cannot_be_saved_as_a_receipt_by_marketing() -> None:
    world = World()

    def as_role(role: str) -> Mapping[str, Any]:
        return {"iss": ISSUER, "sub": "ana", "roles": [role]}

    body = {"languages": {"pt-BR": NOTICE}}
    offer = {"languages": {"pt-BR": OFFER}}

    def status(role: str, name: str, what: Any) -> int:
        return world.call("PUT", f"/v1/templates/{name}", what, claims=as_role(role)).status

    assert status("marketing", "offer", body) == 403
    # Nor is a notice that ships turned into what needs consent.
    assert status("marketing", "order_confirmation", offer) == 403
    assert not world.templates.kept
    assert status("marketing", "offer", offer) == 200
    assert status("admin", "order_confirmation", body) == 200
    version = world.ask("GET", "/v1/templates/order_confirmation")["version"]
    path = "/v1/templates/order_confirmation/activate"
    refused = world.call("POST", path, {"version": version}, claims=as_role("marketing"))
    assert refused.status == 403


def test_a_preview_renders_and_keeps_nothing() -> None:
    world = World()
    made = world.ask("POST", "/v1/templates/newsletter/preview", {"language": "es"})
    models.TemplatePreview.model_validate(made)
    assert made["language"] == made["asked_language"] == "es"
    assert "https://example.com/unsubscribe/sample" in made["parts"]["html"]
    made = world.ask(
        "POST",
        "/v1/templates/offer/preview",
        {"source": OFFER, "data": {"headline": "😀 <b>"}, "language": "fr"},
    )
    assert made["language"] == "pt-BR" and made["asked_language"] == "fr"
    assert "&lt;b&gt;" in made["parts"]["html"]
    assert made["sms"]["encoding"] == "UCS-2" and made["sms"]["outside_gsm"] == "😀"
    assert not world.templates.kept


def test_a_preview_falls_back_to_a_language_that_there_is() -> None:
    world = World()
    put(world)
    assert world.ask("POST", "/v1/templates/offer/preview", {"language": "en"})["language"] == (
        "pt-BR"
    )


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"headline": "a", "text": "b", "x": "joao@example.com"}},
        {"data": {"headline": "a", "text": {"joao@example.com": 1}}},
        {"data": []},
        {"language": 7},
        {"source": ""},
        {"source": "no parts"},
        {"source": "[text]\n{{ 'a' * 10 ** 10 }}"},
    ],
)
def test_a_preview_that_cannot_be(body: Any) -> None:
    detail = World().ask("POST", "/v1/templates/newsletter/preview", body, 400)["detail"]
    assert "joao" not in detail


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/templates/nothing", None, 404),
        ("GET", "/v1/templates/..%2Fx", None, 404),
        ("GET", "/v1/templates/newsletter?version=v-1", None, 404),
        ("GET", "/v1/templates/newsletter?version=../x", None, 404),
        ("POST", "/v1/templates/newsletter/preview", {"version": "v-1"}, 404),
        ("POST", "/v1/templates/nothing/preview", {}, 404),
        ("POST", "/v1/templates/newsletter/activate", {"version": "v-1"}, 404),
        ("POST", "/v1/templates/newsletter/activate", {}, 400),
        ("PUT", "/v1/templates/offer", {}, 400),
        ("PUT", "/v1/templates/offer", {"languages": {"fr": OFFER}}, 400),
        ("PUT", "/v1/templates/offer", {"languages": {"en": 7}}, 400),
        ("PUT", "/v1/templates/offer", {"languages": {"en": OFFER}, "purposes": "marketing"}, 400),
        ("PUT", "/v1/templates/offer", {"languages": {"en": OFFER}, "activate": 1}, 400),
        ("PUT", "/v1/templates/Offer", {"languages": {"en": OFFER}}, 400),
        ("PUT", "/v1/templates/offer", {"languages": {"en": "a" * 300_000}}, 413),
    ],
)
def test_what_is_not_there_and_what_is_malformed(
    method: str, path: str, body: Any, status: int
) -> None:
    world = World()
    assert world.call(method, path, body).status == status
    assert not world.templates.kept


def test_of_two_editors_one_is_told() -> None:
    world = World()
    put(world)
    kept = world.templates.save

    def meanwhile(version: TemplateVersion, texts: Mapping[str, str]) -> None:
        kept(version, texts)
        world.templates.in_force["offer"] = ("v-other", 99)

    world.templates.save = meanwhile  # type: ignore[method-assign]
    refused = put(world, OFFER.replace("Semana", "Mês"), status=409)
    assert "another version" in refused["detail"]
    assert world.templates.in_force["offer"][0] == "v-other"


def test_without_the_bucket_every_route_asks_for_patience() -> None:
    world = World()
    world.templates.down = True
    for method, path, body in (
        ("GET", "/v1/templates", None),
        ("GET", "/v1/templates/newsletter", None),
        ("PUT", "/v1/templates/offer", {"languages": {"pt-BR": OFFER}}),
        ("POST", "/v1/templates/newsletter/preview", {}),
        ("POST", "/v1/templates/newsletter/activate", {"version": "v-1"}),
    ):
        assert world.call(method, path, body).status == 503
    # A file of the request's own needs no bucket.
    world.ask("POST", "/v1/templates/offer/preview", {"source": OFFER})


def test_a_version_in_force_that_was_deleted_is_shown_as_gone() -> None:
    world = World()
    put(world)
    world.templates.kept.clear()
    page = world.ask("GET", "/v1/templates")
    (item,) = [item for item in page["items"] if item["id"] == "offer"]
    assert item["languages"] == {} and item["version"]
    models.TemplatePage.model_validate(page)
    assert world.call("POST", "/v1/templates/offer/preview", {}).status == 404
    assert json.loads(world.call("GET", "/v1/templates/offer").body)["sources"] == {}
