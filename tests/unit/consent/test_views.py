"""Consent in the view and the context: side by side after a merge, as it holds now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from enlace.domain.consent import AddressConsent, ConsentRecord, Moment, Suppression
from enlace.usecases.consent_ports import StoredConsent
from tests.stores.builders import interaction
from tests.unit.api.world import World

EMAIL, PHONE = ("email", "joao@example.com"), ("phone", "+5511987654321")
AT = "2026-11-20T12:00:00.000Z"


def said(state: str, channel: str) -> ConsentRecord:
    return ConsentRecord(
        f"{state}-{channel}", "marketing", channel, state, "subject", AT, AT, has_evidence=True
    )


def keep(world: World, point: tuple[str, str], consent: AddressConsent) -> None:
    key = world.finder.key_of(_identifier(point))
    world.consents.states_by_key[key] = StoredConsent(consent, "etag", "hash")


def _identifier(point: tuple[str, str]) -> Any:
    from enlace.domain.interaction import Identifier

    return Identifier(*point)


def context(world: World, point: tuple[str, str], audience: str = "agent") -> dict[str, Any]:
    body = {"contact_point": {"kind": point[0], "value": point[1]}, "audience": audience}
    return world.ask("POST", "/v1/context", body)


def test_each_address_shows_its_own_word_and_whoever_said_no_is_flagged() -> None:
    world = World()
    world.record(interaction("1", EMAIL, PHONE))
    keep(world, EMAIL, AddressConsent().with_record(said("granted", "email")))
    keep(world, PHONE, AddressConsent().with_record(said("withdrawn", "sms")))
    view = world.ask("POST", "/v1/customers/lookup", {"kind": "email", "value": EMAIL[1]})
    shown = {c["contact_point"]["kind"]: (c["channel"], c["state"]) for c in view["consents"]}
    assert shown == {"email": ("email", "granted"), "phone": ("sms", "denied")}
    assert "do_not_contact" in context(world, PHONE)["flags"]
    assert "do_not_contact" not in context(world, EMAIL)["flags"]
    assert context(world, PHONE, "customer")["flags"] == []


def test_a_stop_and_an_erasure_are_flagged() -> None:
    world = World()
    world.record(interaction("1", EMAIL, PHONE))
    stop = Suppression("complaint", Moment(AT, AT, "s"))
    keep(world, EMAIL, AddressConsent().with_suppression("marketing", stop))
    keep(world, PHONE, AddressConsent(erasing=True))
    assert {"do_not_contact", "erasure_pending"} <= set(context(world, EMAIL)["flags"])
    assert "do_not_contact" not in context(world, PHONE)["flags"]


def test_an_unclear_reply_is_flagged_on_whatever_address_it_came() -> None:
    world = World()
    world.record(interaction("1", EMAIL, PHONE))
    paused = AddressConsent().with_record(said("paused", "sms"))
    keep(world, PHONE, paused)
    assert "unclear_opt_out" in context(world, EMAIL)["flags"]
    keep(world, PHONE, paused.with_record(said("resumed", "sms")))
    assert "unclear_opt_out" not in context(world, EMAIL)["flags"]


def test_a_browser_that_objects_to_sharing_counts_for_the_persons_addresses() -> None:
    world = World()
    browser = ("user_id", "cliente-1001")
    world.record(interaction("1", EMAIL, browser))
    shared = replace(said("granted", "email"), purpose="sharing")
    keep(world, EMAIL, AddressConsent().with_record(shared))
    objected = replace(
        said("signalled", "segment"), purpose="sharing", signals=(("gpc", "denied"),)
    )
    later = "2026-11-21T12:00:00.000Z"
    objected = replace(objected, occurred_at=later, received_at=later)
    view = {"kind": "email", "value": EMAIL[1]}
    [before] = world.ask("POST", "/v1/customers/lookup", view)["consents"]
    keep(world, browser, AddressConsent().with_record(objected))
    [after] = world.ask("POST", "/v1/customers/lookup", view)["consents"]
    assert (before["step"], after["step"]) == (9, 7)
