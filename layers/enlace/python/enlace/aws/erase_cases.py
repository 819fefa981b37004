"""The case table as a place of erasure.

A case of the subject alone goes wholly. One in which others took part remains theirs: the
subject's contacts go from its thread, and the reasons that were given for what the subject
did or, where the subject opened it, for anything until then; whoever remains has it now.
Pointers that lead to cases always go; what a legal hold keeps is the case itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

from enlace.aws.case_items import Item, contact_key, key_of, record_of
from enlace.aws.erased_cases import ErasedCase, handing_over
from enlace.aws.partitions import Partitions
from enlace.domain.case import Change, Contact
from enlace.domain.erasure import HOLD_GROUND, Census, Kept, Subject

HELD = "cases"


class CasePlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place` and ``Collecting``.

    It finds cases by what the timeline has located, so it is counted after that.

    Parameters
    ----------
    cases : Partitions
        Of the case table.
    transact : callable
        Makes a transaction of writes ``{operation: arguments}`` on that table; raises
        ``Conflict``, ``TemporaryFailure``.
    """

    name = "cases"
    method = "delete; redact where others took part"

    def __init__(self, cases: Partitions, transact: Callable[[list[dict[str, Any]]], None]):
        self._table = cases
        self._transact = transact

    def census(self, subject: Subject) -> Census:
        """Count the items of the subject's cases, their part in others', and pointers."""
        found, own = 0, []
        held: Counter[str] = Counter()
        for protocol, case in self._cases(subject):
            hold = self._hold(subject, protocol)
            if hold:
                held[hold] += 1
                found += 1
            elif case.alone:
                found += len(case.items)
            else:
                found += len(case.theirs) + len(case.told) + len(case.said) + case.is_theirs
            if hold or case.alone:
                own.append(protocol)
        found += len(self._pointers(subject))
        kept = tuple(Kept(HELD, count, HOLD_GROUND + hold) for hold, count in sorted(held.items()))
        return Census(found, kept, {"protocols": tuple(own)} if own else {})

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Delete cases and parts of cases; pointers last, since they are what finds them."""
        for protocol, case in self._cases(subject):
            if not time_left():
                return False
            if self._hold(subject, protocol):
                continue
            self._table.delete(_pointers_within(case, subject))
            if case.alone:
                self._table.delete(case.items)
            else:
                self._redact(case)
        if not time_left():
            return False
        # Asked for now: what was handed over stands with those who have it now.
        self._table.delete(self._pointers(subject))
        return True

    def collect(self, subject: Subject) -> Iterator[dict[str, Any]]:
        """Cases with the subject's own contacts, and with what was done about their own."""
        for protocol, case in self._cases(subject):
            if case.concerns and case.items:
                yield _shown(protocol, case)

    def held(self, subject: Subject) -> Iterator[dict[str, Any]]:
        """What legal holds have kept of an erased subject, for those who may see it."""
        for protocol, case in self._cases(subject):
            if self._hold(subject, protocol) and case.items:
                yield _shown(protocol, case)

    def thread(self, protocol: str) -> list[str]:
        """Ids of the interactions in a case's thread."""
        items = self._table.items(f"protocol#{protocol}", first="contact#", last="contact#~")
        return [record_of(Contact, item).interaction_id for item in items]

    def _redact(self, case: ErasedCase) -> None:
        # In this order: while the subject has the case, it shows whose the reasons are.
        for item in case.said:
            self._table.put([{**item, "reason": {"S": ""}}])
        heir = case.heir()
        if case.case and heir:
            self._transact(handing_over(case.case, heir))
        self._table.delete([*case.told, *map(contact_key, case.theirs)])

    @staticmethod
    def _hold(subject: Subject, protocol: str) -> str:
        return subject.holds.get(("cases", protocol), "")

    def _cases(self, subject: Subject) -> Iterator[tuple[str, ErasedCase]]:
        """Cases that the subject opened or took part in."""
        for protocol in self._protocols(subject):
            case = self._case(protocol, subject)
            if case.concerns:
                yield protocol, case

    def _case(self, protocol: str, subject: Subject) -> ErasedCase:
        return ErasedCase.of(self._table.items(f"protocol#{protocol}"), subject)

    def _protocols(self, subject: Subject) -> list[str]:
        found = dict.fromkeys(subject.ids("protocols"))
        for item in self._listed(subject):
            found[item["protocol"]["S"]] = None
        for item in self._at(subject, "interaction", "interactions"):
            if item["contact_key"]["S"] in subject.keys:
                found[item["protocol"]["S"]] = None
        return sorted(found)

    def _listed(self, subject: Subject) -> Iterator[Item]:
        """``case#``, ``closed#`` and ``cases`` of the subject's addresses, and of a newcomer's."""
        for key in subject.keys:
            yield from self._table.items(key)

    def _at(self, subject: Subject, prefix: str, name: str) -> list[Item]:
        keys = [key_of(f"{prefix}#{id_}", "case") for id_ in subject.ids(name)]
        return list(self._table.get(keys)) if keys else []

    def _pointers(self, subject: Subject) -> list[Item]:
        """Pointers that are the subject's, those to cases which are gone among them."""
        listed = list(self._listed(subject))
        cases: dict[str, ErasedCase] = {}
        for protocol in {item["protocol"]["S"] for item in listed}:
            cases[protocol] = self._case(protocol, subject)
        found = [item for item in listed if not _remains(cases[item["protocol"]["S"]], item)]
        interactions = self._at(subject, "interaction", "interactions")
        found += [item for item in interactions if item["contact_key"]["S"] in subject.keys]
        found += self._at(subject, "message", "messages")
        found += self._at(subject, "ref", "references")
        return found


def _remains(case: ErasedCase, listed: Item) -> bool:
    """Whether an address is listed with a case that is somebody new's there."""
    here = case.case is not None and case.case.contact_key == listed["pk"]["S"]
    return here and not case.is_theirs


def _pointers_within(case: ErasedCase, subject: Subject) -> list[Item]:
    """Pointers that the case alone knows of; located ones are left, since they find it."""
    located = frozenset(subject.ids("interactions"))
    ids = (contact.interaction_id for contact in case.theirs)
    return [
        *(key_of(f"interaction#{id_}", "case") for id_ in ids if id_ not in located),
        *(key_of(f"message#{item['message_id']['S']}", "case") for item in case.told),
    ]


def _shown(protocol: str, case: ErasedCase) -> dict[str, Any]:
    about = asdict(case.case) if case.case and case.is_theirs else {}
    shown = ("nature", "channel", "state", "state_at", "opened_at", "assignee", "team", "follows")
    contacts = ("interaction_id", "occurred_at", "channel", "type", "direction", "how")
    return {
        "record": "case",
        "protocol": protocol,
        "opened_by_you": case.is_theirs,
        **{name: about[name] for name in shown if about.get(name)},
        "contacts": [{name: getattr(one, name) for name in contacts} for one in case.theirs],
        "changes": list(_changes(case.items, case.is_theirs)),
    }


def _changes(items: Iterable[Item], is_theirs: bool) -> Iterator[dict[str, Any]]:
    if not is_theirs:
        return
    for item in items:
        if item["sk"]["S"].startswith("change#"):
            change = asdict(record_of(Change, item))
            yield {name: change[name] for name in ("kind", "at", "by", "to", "reason")}
