"""João's story: what happens, in which order, and what must have come of it before it goes on.

Every chapter gives facts, read from the stack and never made up here; ``python -m local.demo
--json`` prints them and the end-to-end tests hold them against what the story promises.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from enlace.domain.protocol import format_protocol
from enlace.usecases.follow_crm import ACTIVITY_TYPES
from local.demo.cast import EVENTS, LENGTH, Cast
from local.demo.hub import Hub, wait_for

Facts = dict[str, Any]
#: Told what is happening, and whether it is a chapter's title.
Tell = Callable[[str, bool], None]

#: Longest wait for the CRM, whose queue delivers again only after its visibility timeout.
CRM_SECONDS = 120.0
_UNIQUE = "enlace_customer_id"
#: When the second call ends, by its sample, after the chapter's beginning.
_CALL_SECONDS = 4.0


def samples(*numbers: int) -> list[dict[str, Any]]:
    """Steps of the story, by number."""
    return [json.loads(next(EVENTS.glob(f"{n:02d}_*.json")).read_text("utf-8")) for n in numbers]


class Story:
    """One run of the story.

    Parameters
    ----------
    hub
        The stack.
    cast
        The people.
    tell
        Where progress goes.
    """

    def __init__(self, hub: Hub, cast: Cast, tell: Tell = lambda text, is_title: None):
        self.hub = hub
        self.cast = cast
        self._tell = tell
        #: Minutes by which what happens next is later than the samples say.
        self._late = 0.0
        c = cast
        self.phone = ("phone", c["joao_phone"])
        self.email = ("email", c["joao_email"])
        self.x = ("x", c["joao_x"])
        self.company_x = ("x", c["joao_company_x"])
        self.instagram = (f"instagram:{c['instagram_account']}", c["joao_instagram"])
        self.messenger = (f"messenger:{c['page']}", c["joao_messenger"])
        self.homonym = ("phone", c["homonym_phone"])
        self.homonym_email = ("email", c["homonym_email"])
        self.stranger = ("phone", c["stranger_phone"])

    def play(self) -> Facts:
        """All chapters; gives the facts.

        Raises
        ------
        LocalError
            If something that the story owes did not arrive.
        """
        facts: Facts = {"run": self.cast.run, "people": self.cast.names}
        for chapter in (
            self.on_social_media,
            self.stated,
            self.journey,
            self.tablet,
            self.conciliated,
            self.undone,
            self.continued,
            self.recognised,
            self.protected,
        ):
            facts |= chapter()
        return facts

    def on_social_media(self) -> Facts:
        """Four profiles, and nothing that ties them."""
        self._tell("On social media nobody knows who is who", True)
        self._happen(1, 2, 3, 4, 5)
        found = self._known(self.x, self.company_x, self.instagram, self.messenger)
        return {"customers_on_social_media": len({view["customer_id"] for view in found})}

    def stated(self) -> Facts:
        """The contact in which he says who he is."""
        self._tell("He states his CPF and e-mail during a contact", True)
        self._happen(6, 7, 8, 9)
        texts = wait_for(
            "the protocol number by SMS", lambda: self.hub.texts_to(self.cast["joao_phone"])
        )
        view = self._holding(self.phone, ("cpf", self.cast["joao_cpf"]), self.email)
        (case,) = view["open_protocols"]
        self._tell(f"protocol {case['protocol']} went to his number by SMS", False)
        return {"protocol": case["protocol"], "sms": texts}

    def journey(self) -> Facts:
        """Site, shop, partner, e-mail and SMS."""
        self._tell("Site, shop, partner, e-mail, SMS: the same customer", True)
        self._happen(10, 11, 12, 13, 14, 15)
        address = self.cast["joao_email"]
        wait_for("two e-mails", lambda: len(self.hub.emails_to(address)) >= 2)

        def complete() -> dict[str, Any] | None:
            view = self.hub.customer(*self.phone) or {}
            items = self.hub.timeline(view["customer_id"]) if view else []
            sent = [item for item in items if item["type"] == "message.sent"]
            told = {item["channel"] for item in items if item["direction"] == "inbound"}
            wanted = {"whatsapp", "voice", "segment", "shop", "pos", "email", "sms"}
            return view if len(sent) >= 3 and told >= wanted else None

        view = wait_for("the whole journey in one timeline", complete)
        return {
            "journey_customer": view["customer_id"],
            "purchases": view["purchases"],
            "protocols": [case["protocol"] for case in view["open_protocols"]],
        }

    def tablet(self) -> Facts:
        """A shared tablet, and a homonym."""
        self._tell("A homonym uses the tablet in the shop that João used too", True)
        self._happen(16, 17, 18, 19, 20)
        homonym = self._holding(self.homonym, self.homonym_email)
        joao = self._holding(self.phone, self.email)
        tablet, maria = self._known(
            ("anonymous_id:default", self.cast["tablet"]), ("user_id", self.cast["maria_user_id"])
        )
        wait_for(
            "what João did on the tablet",
            lambda: len(self.hub.timeline(tablet["customer_id"])) >= 1,
        )
        owners = [view["customer_id"] for view in (joao, homonym, tablet, maria)]
        return {"tablet_customers": owners, "names": [view["traits"] for view in (joao, homonym)]}

    def conciliated(self) -> Facts:
        """An operator joins the profiles, having checked them; the CRM follows."""
        self._crm_in_step(self._joao())
        before = self._crm_view(self._joao())
        self._tell("An operator conciliates his profiles, and the CRM follows", True)
        done = []
        for other, verified in (
            (self.instagram, True),
            (self.x, True),
            (self.messenger, True),
            (self.company_x, False),
        ):
            done.append(self._same(self.phone, other, verified=verified))
            self._tell(f"same: phone and {other[0].partition(':')[0]}, {verified=}", False)
        after = self._crm_in_step([self.phone])
        return {
            "conciliations": done,
            "crm_before": before,
            "crm_after": after,
            "customer_id": self._known(self.phone)[0]["customer_id"],
        }

    def undone(self) -> Facts:
        """A mistake, and its exact undoing."""
        self._tell("An operator takes the homonym for him, by mistake, and takes it back", True)
        both = (self.phone, self.homonym)
        crm_before = self._crm_in_step(both)
        before = self._known(*both)
        mistake = self._same(*both, verified=False)
        during = self._known(*both)
        crm_during = self._crm_in_step(both)
        self._tell("taken back", False)
        self.hub.api("DELETE", f"/v1/conciliations/{mistake['conciliation_id']}")
        after = self._known(*both)
        crm_after = self._crm_in_step(both)
        return {
            "undo": {
                "before": before,
                "during": during,
                "after": after,
                "crm_before": crm_before,
                "crm_during": crm_during,
                "crm_after": crm_after,
            }
        }

    def continued(self) -> Facts:
        """What begins on Facebook goes on by telephone and ends by SMS, under one number."""
        self._tell("A conversation begins on Facebook, goes on by telephone, ends by SMS", True)
        for case in self._known(self.phone)[0]["open_protocols"]:
            body = {"reason": "resolvido"}
            self.hub.api("POST", f"/v1/cases/{case['protocol']}/close", body)
        # Now, and not when the story says: text messages and comments carry no time of their own.
        begun = time.time()
        self._late = (begun - (self.cast.began + LENGTH).timestamp()) / 60
        self._happen(23, 24)
        (protocol,) = wait_for("the case of the chat", self._open_protocols)
        number = format_protocol(protocol)
        self._tell(f"in the chat he is given the number {number}", False)
        body = {"to": "redes", "channel": "telefone", "reason": "antena"}
        self.hub.api("POST", f"/v1/cases/{protocol}/transfer", body)
        self._happen(25, 26)
        self.cast.names["protocol"] = number
        # A text message has the time of its receipt, which must not be before the call's end.
        time.sleep(max(0.0, begun + _CALL_SECONDS - time.time()))
        self._happen(27)

        def whole() -> dict[str, Any] | None:
            case = dict(self.hub.api("GET", f"/v1/cases/{protocol}"))
            channels = {i["interaction"]["channel"] for i in case["items"]}
            return case if len(case["items"]) >= 5 and "sms" in channels else None

        case = wait_for("one thread over all three channels", whole)
        wait_for(
            "the answer to the SMS",
            lambda: [t for t in self._texts() if number in t["Message"]],
        )
        self._late = 0.0
        return {"continued": {"case": case, "sms": self._texts()}}

    def recognised(self) -> Facts:
        """Who was recognised through what, what went out, who may see what."""
        self._tell("His number calls again", True)
        view = self._known(self.phone)[0]
        explained = []
        for identifier in view["identifiers"]:
            b = {"kind": identifier["kind"], "value": identifier["value"]}
            if (b["kind"], b["value"]) == self.phone:
                continue
            path = self.hub.api(
                "POST",
                f"/v1/customers/{view['customer_id']}/explain",
                {"a": {"kind": self.phone[0], "value": self.phone[1]}, "b": b},
            )
            explained.append({**b, "level": path["level"], "path": path["path"]})
        return {
            "view": view,
            "explained": explained,
            "timeline": self.hub.timeline(view["customer_id"]),
            "homonym": self._known(self.homonym)[0],
            "emails": self.hub.emails_to(self.cast["joao_email"]),
            "homonym_received": [
                *self.hub.emails_to(self.cast["homonym_email"]),
                *self.hub.texts_to(self.cast["homonym_phone"]),
            ],
            "agent": self.hub.context(*self.phone, "agent"),
            "bot": self.hub.context(*self.phone, "customer"),
        }

    def protected(self) -> Facts:
        """A stranger who states João's CPF and e-mail."""
        sent = self._sent_to_joao()
        self._tell("A stranger states João's CPF and e-mail", True)
        self._happen(21, 22)
        texts = wait_for(
            "the stranger's own protocol",
            lambda: self.hub.texts_to(self.cast["stranger_phone"]),
        )
        self._holding(self.stranger, self.email)
        return {
            "stranger": {
                "agent": self.hub.context(*self.stranger, "agent"),
                "customer": self.hub.context(*self.stranger, "customer"),
                "sms": texts,
                "sent_to_joao_meanwhile": self._sent_to_joao() - sent,
                "bot_of_joao": self.hub.context(*self.phone, "customer"),
            }
        }

    def _happen(self, *numbers: int) -> None:
        for step in samples(*numbers):
            minute = step["minute"] + self._late
            payload = self.cast.filled(step["payload"], minute)
            self._tell(f"{step['channel']}: {step['title']}", False)
            if step["channel"] == "email":
                raw = self.cast.filled(step["raw"], minute).encode()
                self.hub.mail(payload["mail"]["messageId"], raw, payload)
            else:
                self.hub.webhook(step["channel"], payload)

    def _known(self, *identifiers: tuple[str, str]) -> list[dict[str, Any]]:
        """The customer of each identifier, once it is known."""
        return [
            wait_for(f"the customer behind a {kind}", partial(self.hub.customer, kind, value))
            for kind, value in identifiers
        ]

    def _holding(self, *identifiers: tuple[str, str]) -> dict[str, Any]:
        """The one customer of all these identifiers."""

        def probe() -> dict[str, Any] | None:
            view = self.hub.customer(*identifiers[0]) or {"identifiers": []}
            held = {(item["kind"], item["value"]) for item in view["identifiers"]}
            return view if held.issuperset(identifiers) else None

        kinds = ", ".join(kind for kind, _ in identifiers)
        return wait_for(f"one customer of {kinds}", probe)

    def _same(self, a: tuple[str, str], b: tuple[str, str], *, verified: bool) -> dict[str, Any]:
        body = {
            "decision": "same",
            "a": {"kind": a[0], "value": a[1]},
            "b": {"kind": b[0], "value": b[1]},
            "reason": "told his number there" if verified else "same name",
            "verified": verified,
        }
        return dict(self.hub.api("POST", "/v1/conciliations", body, expected=201))

    def _open_protocols(self) -> list[str]:
        view = self._known(self.phone)[0]
        return [case["protocol"] for case in view["open_protocols"]]

    def _texts(self) -> list[dict[str, Any]]:
        return self.hub.texts_to(self.cast["joao_phone"])

    def _joao(self) -> list[tuple[str, str]]:
        return [self.phone, self.x, self.company_x, self.instagram, self.messenger]

    def _sent_to_joao(self) -> int:
        texts = self.hub.texts_to(self.cast["joao_phone"])
        return len(texts) + len(self.hub.emails_to(self.cast["joao_email"]))

    def _crm_view(self, points: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
        """Activities by the customer whose contact in the CRM they stand under."""
        customers = {view["customer_id"] for view in self._known(*points)}
        contacts = {c["id"]: c["properties"].get(_UNIQUE) for c in self.hub.crm("contacts")}
        held: dict[str, list[str]] = {
            customer: [] for customer in contacts.values() if customer in customers
        }
        for note in self.hub.crm("engagements"):
            for contact in note["contacts"]:
                if contacts.get(contact) in customers:
                    held[contacts[contact]].append(note["properties"]["enlace_interaction_id"])
        return {customer: sorted(notes) for customer, notes in sorted(held.items())}

    def _crm_in_step(self, points: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
        """Wait until the CRM holds what the timelines hold, under the same customers."""
        customers = {view["customer_id"] for view in self._known(*points)}
        wanted = {
            customer: sorted(
                item["id"] for item in self.hub.timeline(customer) if item["type"] in ACTIVITY_TYPES
            )
            for customer in sorted(customers)
        }

        def probe() -> dict[str, list[str]] | None:
            view = self._crm_view(points)
            return view if view == wanted else None

        return wait_for("the CRM in step with the customers", probe, seconds=CRM_SECONDS)
