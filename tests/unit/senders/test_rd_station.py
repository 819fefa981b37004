"""RD Station's own ways: rolling tokens, what people wrote by hand, notes without a key.

Facts held here, with where they stand (developers.rdstation.com/reference, RD Station CRM API
v2, as of 2025-10-30, checked 2026-11-23):

- envelope ``{"data": …}``, paging by ``links.next``, 120 requests a minute, 429 with Retry-After
  (crm-v2-introduction).
- contacts and deals: list, create, get, update; notes of a deal: list, create. Neither merge nor
  deletion (crm-v2-list-contacts, -deals, crm-v2-create-note-to-deal and their neighbours).
- filters ``@<custom field>:"<value>"`` and ``registered_at:>="<time>"`` (crm-v2-rdql-filtering,
  crm-v2-list-notes-from-deal).
- ``POST /oauth2/token`` with ``grant_type=refresh_token`` as a form; the refresh token is replaced
  at each use, the access token lives 7200 s (crm-v2-authentication-step-4).
"""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.crm import Activity, Contact
from enlace.errors import Misconfigured, ProviderAmbiguous, ProviderUnavailable, TemporaryFailure
from enlace.senders.rd_tokens import RollingTokens
from tests.unit.senders.crm_providers import MemoryTokens, http, rd_station
from tests.unit.senders.rd_station_fake import FakeRdStation


def activity(interaction_id: str, point: str = "phone#k") -> Activity:
    at = "2026-11-20T12:00:00.000Z"
    return Activity(interaction_id, at, "message.received", "sms", "inbound", point, ("Olá",), {})


def contact(**fields: Any) -> Contact:
    return Contact("c-1", **fields)


def test_a_token_is_shared_and_renewed_before_it_ends() -> None:
    fake, store, now = FakeRdStation(), MemoryTokens(), [0.0]
    one, two = (rd_station(fake, store, lambda: now[0]) for _ in range(2))
    one.record(activity("i-1"))
    two.record(activity("i-2"))
    assert fake.token == "a-1"
    now[0] = 7200 - 299
    one.record(activity("i-3"))
    two.record(activity("i-4"))
    assert (fake.token, store.values["refresh_token"]) == ("a-2", "r-2")


def test_a_refused_token_is_renewed_once() -> None:
    fake, store = FakeRdStation(), MemoryTokens()
    crm = rd_station(fake, store)
    crm.record(activity("i-1"))
    fake.expire()
    crm.record(activity("i-2"))
    assert (fake.token, store.values["access_token"]) == ("a-2", "a-2")


def test_one_sender_at_a_time_renews() -> None:
    fake, store = FakeRdStation(), MemoryTokens()
    store.claimed = True
    with pytest.raises(ProviderUnavailable, match="renewing"):
        rd_station(fake, store).record(activity("i-1"))
    assert fake.refresh_token == "r-0"


def test_who_waited_for_the_claim_takes_what_the_other_renewed() -> None:
    fake, store = FakeRdStation(), MemoryTokens()

    class Slow(MemoryTokens):
        def claim(self) -> bool:
            RollingTokens(http(Direct(fake)), store, lambda: 0.0)()
            self.values = store.values
            return True

    RollingTokens(http(Direct(fake)), Slow(), lambda: 0.0)()
    assert fake.refresh_token == "r-1"


class Direct:
    def __init__(self, fake: FakeRdStation):
        self.request = fake.request


def test_an_ended_authorization_is_a_thing_to_mend() -> None:
    fake, store = FakeRdStation(), MemoryTokens()
    store.values["refresh_token"] = "r-9"
    tokens = RollingTokens(http(Direct(fake)), store, lambda: 0.0)
    with pytest.raises(Misconfigured, match="invalid_grant"):
        tokens()
    del store.values["refresh_token"]
    store.claimed = False
    with pytest.raises(Misconfigured, match="lacks refresh_token"):
        tokens()


def test_a_renewal_whose_answer_was_lost_is_not_repeated_by_itself() -> None:
    fake, store = FakeRdStation(), MemoryTokens()
    fake.faults = [("after", 503)]
    with pytest.raises(ProviderAmbiguous):
        RollingTokens(http(Direct(fake)), store, lambda: 0.0)()
    assert len(fake.calls) == 1


def test_a_note_is_written_once_however_many_came_since() -> None:
    fake = FakeRdStation()
    crm = rd_station(fake)
    for number in range(10):
        crm.record(activity(f"i-{number}"))
    deal = crm.record(activity("i-0"))
    assert len(fake.notes[deal]) == 10


def test_a_lost_answer_to_a_note_is_looked_up_not_repeated() -> None:
    fake = FakeRdStation()
    crm = rd_station(fake)
    deal = crm.record(activity("i-0"))
    fake.faults = [("", None)] * 2 + [("after", 503)]
    with pytest.raises(ProviderAmbiguous):
        crm.record(activity("i-1"))
    crm.record(activity("i-1"))
    assert len(fake.notes[deal]) == 2


def test_what_people_wrote_by_hand_stays() -> None:
    fake = FakeRdStation()
    crm = rd_station(fake)
    shown = (("email", "joao@example.com", "proven"), ("phone", "+5511987654321", "proven"))
    id_ = crm.upsert_contact(
        contact(email="joao@example.com", phone="+5511987654321", identifiers=shown)
    )
    fake.contacts[id_]["emails"].append({"email": "trabalho@example.com"})
    fake.contacts[id_]["custom_fields"]["segmento"] = "ouro"
    crm.upsert_contact(contact(email="", phone="", identifiers=()))
    known = fake.contacts[id_]
    assert known["emails"] == [{"email": "trabalho@example.com"}] and known["phones"] == []
    assert known["custom_fields"]["segmento"] == "ouro"


def test_a_merge_empties_the_other_and_its_customer_gets_it_back() -> None:
    fake = FakeRdStation()
    crm = rd_station(fake)
    shown = (("email", "joao@example.com", "proven"),)
    one = crm.upsert_contact(Contact("c-0"))
    other = crm.upsert_contact(contact(email="joao@example.com", name="João", identifiers=shown))
    deal = crm.record(activity("i-1"))
    crm.attach([deal], other)
    fake.deals[deal]["contact_ids"].append(other_by_hand := fake._new_id())
    fake.contacts[other_by_hand] = {"name": "Colega", "custom_fields": {}}
    assert crm.merge_contacts(one, other, ["phone#k", "email#unknown"]) == one
    assert fake.deals[deal]["contact_ids"] == [one, other_by_hand]
    assert fake.contacts[other]["emails"] == []
    assert crm.own_contact(other, "c-1") is None and crm.find_contact("c-1") is None
    # Undone: the same contact, with what people wrote into it.
    assert crm.upsert_contact(contact(identifiers=shown)) == other
    assert crm.own_contact(other, "c-1") == other


def test_another_sender_that_creates_the_same_contact_is_joined() -> None:
    fake, store = FakeRdStation(), MemoryTokens()
    one, two = rd_station(fake, store), rd_station(fake, store)
    done: list[str] = []

    def meanwhile(path: str) -> None:
        if fake.calls[-1] == ("POST", "/crm/v2/contacts") and not done:
            done.append("")
            done.append(two.upsert_contact(contact()))

    fake.between = meanwhile
    assert one.upsert_contact(contact(name="João")) == done[1]
    assert len(fake.contacts) == 1


def test_throttling_is_left_to_the_queue() -> None:
    fake = FakeRdStation()
    crm = rd_station(fake)
    crm.record(activity("i-0"))
    fake.faults = [("before", (429, {"retry-after": "30"}))]
    with pytest.raises(TemporaryFailure):
        crm.record(activity("i-1"))


def test_nothing_of_a_person_stands_in_a_url() -> None:
    fake = FakeRdStation()
    crm = rd_station(fake)
    urls: list[str] = []
    handle = fake.handle
    fake.handle = lambda m, url, b, h: urls.append(url) or handle(m, url, b, h)  # type: ignore
    crm.upsert_contact(contact(email="joao@example.com", phone="+5511987654321", name="João"))
    crm.record(activity("i-0"))
    assert not any("joao" in url or "987654321" in url for url in urls)
