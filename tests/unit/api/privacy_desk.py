"""Data subjects' requests in the API's world in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from enlace.api.privacy import PrivacyDesk
from enlace.domain.erasure import SubjectIdentifier
from enlace.domain.interaction import Identifier
from enlace.errors import TemporaryFailure
from enlace.rules import message_policy, privacy_policy
from enlace.usecases.carry_out import CarryOut
from enlace.usecases.collect_subject import CollectSubject
from enlace.usecases.consents import Consents, consent_key
from enlace.usecases.find_subject import Found, SubjectFinder
from enlace.usecases.identity_place import IdentityPlace
from enlace.usecases.legal_holds import LegalHolds
from enlace.usecases.privacy_requests import PrivacyRequests
from enlace.usecases.request_ends import RequestEnds
from enlace.usecases.request_rows import RequestRows
from enlace.usecases.subject_copies import Stored, SubjectCopies
from local.memory_rows import MemoryRows
from tests.stores.builders import KEYS

if TYPE_CHECKING:
    from tests.unit.api.world import World


class Seal:
    """Turns texts round."""

    def seal(self, text: str, purpose: str) -> str:
        return f"{purpose}|{text[::-1]}"

    def open(self, sealed: str, purpose: str) -> str:
        return sealed.partition("|")[2][::-1]


class Files:
    """A bucket, by name."""

    def __init__(self) -> None:
        self.written: dict[str, str] = {}
        self.broken = False

    def write(self, name: str, file_name: str, parts: Iterable[str]) -> Stored:
        if self.broken:
            raise TemporaryFailure("the bucket does not answer")
        self.written[name] = "".join(parts)
        return Stored(len(self.written[name]), "00")

    def link(self, name: str, seconds: int) -> str:
        return f"https://bucket.example.com/{name}?for={seconds}"


class PrivacyOffice:
    """The desk, what was written to people, and what was handed over to be erased."""

    def __init__(self, world: World, moment: str, now: Any):
        self.rows = MemoryRows()
        self.letters: list[tuple[str, str, Mapping[str, Any]]] = []
        self.erasures: list[str] = []
        self.reopened: list[str] = []
        self.files = Files()
        self._finder = SubjectFinder(world.finder, world.history)
        on_record = RequestRows(self.rows, Seal(), now=lambda: now)
        consents = Consents(
            world.consents,
            policy=message_policy().consent,
            now=lambda: moment,
            sleep=lambda seconds: None,
        )
        carry_out = CarryOut(
            erase=self.erasures.append,
            find=self._find,
            consents=consents,
            record=lambda interaction: world.queue.send([]),
            changes=on_record.changes,
            announce=lambda entries: None,
            source="enlace.api_privacy",
            now=lambda: now,
        )
        identity = IdentityPlace(
            world.store,
            world.rules,
            tell=lambda effects, at: None,
            now=lambda: moment,
            sleep=lambda seconds: None,
        )
        self.desk = PrivacyDesk(
            requests=PrivacyRequests(
                self.rows,
                Seal(),
                policy=privacy_policy(),
                key_of=partial(consent_key, keys=KEYS, rules=world.rules),
                post=self._post,
                carry_out=carry_out,
                now=lambda: now,
            ),
            ends=RequestEnds(self.rows, on_record, policy=privacy_policy(), now=lambda: now),
            on_record=on_record,
            copies=SubjectCopies(
                self.rows,
                on_record,
                CollectSubject(self._find, [identity]),
                self.files,
                now=lambda: now,
                answer_bytes=1000,
            ),
            holds=LegalHolds(self.rows, reopen=self.reopened.append, now=lambda: moment),
            rows=self.rows,
            recipients=("HubSpot",),
            now=lambda: now,
        )

    def _find(self, identifier: SubjectIdentifier, whole: bool) -> Found:
        return self._finder.find(identifier, whole)

    def _post(self, to: Identifier, template: str, language: str, data: Mapping[str, Any]) -> bool:
        self.letters.append((to.value, template, data))
        return True
