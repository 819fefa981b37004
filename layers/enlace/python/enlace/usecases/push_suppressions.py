"""Tell the CRM who does not want to be written to: people send from there, too.

Whatever an event says, what holds now is read and told: so events may come late, twice and in
any order. Only a no is told. A yes is for whoever sends to ask for: a CRM's flag is about a
person, and of several addresses of one the strictest wins; so nothing here takes a flag away.
A merge or a split in the CRM may lose a flag; after one it is told again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from enlace.domain.consent import AddressConsent, ConsentPolicy, evaluate
from enlace.domain.consent_events import CONSENT_CHANGED
from enlace.domain.crm import Refused
from enlace.domain.envelope import Event
from enlace.domain.records import IdentifierRecord
from enlace.domain.send_gate import MARKETING
from enlace.errors import InvalidPayload, ProviderRejected
from enlace.usecases.crm_contacts import CrmContacts
from enlace.usecases.crm_hold import CrmHold
from enlace.usecases.crm_ports import Crm, Identities, Mappings

#: Channels that CRMs know of, by the kind of an address.
CHANNELS = {"email": ("email",), "phone": ("sms", "voice", "whatsapp")}
#: What decides where somebody has said no. A consent that ran out, a dead address and a reply
#: that waits to be read are none of it, and a flag that nothing takes away would be wrong.
_NO = frozenset(("complaint", "denied", "objected", "objection", "registry", "stop", "withdrawn"))


class SuppressingCrm(Crm, Protocol):
    """An adapter to a CRM that keeps flags of its own. The call is the same when made twice."""

    def suppress(self, contact_id: str, refusal: Refused) -> None:
        """Enter that a contact does not want marketing through an address of theirs."""


class States(Protocol):
    """What was said about being written to."""

    def states(self, keys: Collection[str]) -> Mapping[str, AddressConsent]:
        """Consents of several addresses, where anything is on record."""


class PushSuppressions:
    """The use case; beside :class:`enlace.usecases.follow_crm.FollowCrm`, after it.

    Parameters
    ----------
    crm : Crm
        One without ``suppress`` has no such flags, and is told nothing.
    clock : callable
        Seconds since 1970.
    now : callable
        Contract time.
    """

    def __init__(
        self,
        crm: Crm,
        *,
        identities: Identities,
        mappings: Mappings,
        consents: States,
        policy: ConsentPolicy,
        now: Callable[[], str],
        clock: Callable[[], float] = time.time,
    ):
        self._crm = crm
        self._suppress: Callable[[str, Refused], None] | None = getattr(crm, "suppress", None)
        self._contacts = CrmContacts(crm, identities, mappings, clock)
        self._holds = CrmHold(mappings, clock)
        self._consents = consents
        self._policy = policy
        self._now = now

    def __call__(self, event: Event) -> str:
        """Handle one event; gives what was done, for the log.

        Raises
        ------
        InvalidPayload
            If a field is missing, or the version is another one.
        TemporaryFailure, ProviderError
            If it has to be delivered again.
        """
        if event.major != 1:
            # Whatever it says now, it is not what this code was written for.
            raise InvalidPayload(f"{event.name}: major version {event.major} is not known here")
        keys = _keys(event)
        if self._suppress is None or not keys:
            return ""
        refused = self._refused(keys)
        # Nobody is known by the others, or they were erased.
        owners = self._contacts.owners(refused)
        self._crm.begin(event.event_id)
        for key, record in sorted(owners.items()):
            self._tell(self._suppress, key, record, refused[key])
        return f"told the CRM of {len(owners)} who said no" if owners else ""

    def _refused(self, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The channels that each address has said no to marketing on."""
        refused = {}
        for key, consent in self._consents.states(sorted(keys)).items():
            channels = CHANNELS.get(key.partition("#")[0], ())
            said = tuple(channel for channel in channels if self._said_no(consent, channel))
            if said:
                refused[key] = said
        return refused

    def _said_no(self, consent: AddressConsent, channel: str) -> bool:
        ruling = evaluate(consent, MARKETING, channel, now=self._now(), policy=self._policy)
        return not ruling.allowed and ruling.reason in _NO

    def _tell(
        self,
        suppress: Callable[[str, Refused], None],
        key: str,
        record: IdentifierRecord,
        channels: tuple[str, ...],
    ) -> None:
        refusal = Refused(record.kind, record.value, channels)
        # The contact may not be there yet; that it was stated suffices for a no.
        if getattr(self._crm, "makes_twice", False):
            with self._holds.work(record.customer_id):
                contact_id = self._contacts.write(record.customer_id, {key: "stated"})
        else:
            contact_id = self._contacts.write(record.customer_id, {key: "stated"})
        try:
            suppress(contact_id, refusal)
        except ProviderRejected:
            # Somebody deleted the contact in the CRM: next time it is made again.
            self._contacts.forget(record.customer_id)
            raise


def _keys(event: Event) -> set[str]:
    """The addresses that an event gives reason to look at."""
    try:
        match event.name:
            case name if name == CONSENT_CHANGED:
                return {event.data["contact_point"]["key"]}
            case "customer.merged":
                return {key for keys in event.data["identifiers"].values() for key in keys}
            case "customer.split":
                return {key for part in event.data["into"] for key in part["identifiers"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidPayload(f"{event.name}: malformed ({type(error).__name__})") from error
    return set()
