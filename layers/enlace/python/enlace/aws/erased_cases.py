"""One case as an erasure sees it: what of it is the subject's, and what remains without."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, replace
from typing import Any

from enlace.aws.case_items import Item, attributes, case_key, listed_key, record_of
from enlace.domain.case import Case, Change, Contact
from enlace.domain.erasure import Subject

#: What handing a case over alters; ``version`` guards it.
_HANDED = (
    *("contact_key", "contact_kind", "interaction_id", "customer_id", "opened_at", "channel"),
    *("level", "last_contact_at", "follows", "related", "version"),
)


def takes_part(subject: Subject) -> Callable[[str, str, str], bool]:
    """Whether something at an address is the subject's, and not somebody new's.

    The function takes an address key, a contract time and an interaction id.
    """
    keys, known = frozenset(subject.keys), frozenset(subject.ids("interactions"))
    before = subject.erased_before or "9999"
    return lambda key, at, id_: key in keys and (at <= before or id_ in known)


@dataclass(frozen=True)
class ErasedCase:
    """A case's partition, sorted out.

    Parameters
    ----------
    items : list of Item
        All of the partition.
    case : Case or None
        None where a crash left only parts.
    is_theirs : bool
        The subject opened it.
    theirs, others : list of Contact
        Of the thread.
    told : list of Item
        That the subject's addresses were told of it.
    said : list of Item
        Changes whose reason is the subject's, or may be about them.
    """

    items: list[Item]
    case: Case | None
    is_theirs: bool
    theirs: list[Contact]
    others: list[Contact]
    told: list[Item]
    said: list[Item]

    @staticmethod
    def of(items: Iterable[Item], subject: Subject) -> ErasedCase:
        """Sort a partition out."""
        by_sort: dict[str, list[Item]] = {}
        everything = list(items)
        for item in everything:
            by_sort.setdefault(item["sk"]["S"].partition("#")[0], []).append(item)
        is_subjects = takes_part(subject)
        cases = [record_of(Case, item) for item in by_sort.get("case", ())]
        case = cases[0] if cases else None
        is_theirs = case is not None and is_subjects(
            case.contact_key, case.opened_at, case.interaction_id
        )
        theirs: list[Contact] = []
        others: list[Contact] = []
        for item in by_sort.get("contact", ()):
            contact = record_of(Contact, item)
            mine = is_subjects(contact.contact_key, contact.occurred_at, contact.interaction_id)
            (theirs if mine else others).append(contact)
        return ErasedCase(
            items=everything,
            case=case,
            is_theirs=is_theirs,
            theirs=theirs,
            others=others,
            told=list(_told(by_sort.get("told", ()), subject, others)),
            said=list(_said(by_sort.get("change", ()), subject, theirs, is_theirs)),
        )

    @property
    def concerns(self) -> bool:
        """Whether anything of it is the subject's."""
        return not self.items or self.is_theirs or bool(self.theirs or self.told or self.said)

    @property
    def alone(self) -> bool:
        """Whether nobody else took part in it: then it goes wholly."""
        return not self.others and (self.case is None or self.is_theirs)

    def heir(self) -> Case | None:
        """The case as it goes on without whoever opened it; None where nothing has to change.

        It is now of the first of those who remain. What they may be told of it nobody has
        proven, and which other cases it goes on from were the subject's.
        """
        if self.case is None or not self.is_theirs or not self.others:
            return None
        first = min(self.others, key=lambda contact: contact.timeline_key)
        heard = [c.occurred_at for c in self.others if c.direction == "inbound"]
        return replace(
            self.case,
            contact_key=first.contact_key,
            contact_kind=first.contact_kind,
            interaction_id=first.interaction_id,
            customer_id=first.customer_id,
            opened_at=first.occurred_at,
            channel=first.channel,
            level="",
            last_contact_at=max(heard, default=first.occurred_at),
            follows="",
            related=(),
            version=self.case.version + 1,
        )


def handing_over(case: Case, heir: Case) -> list[dict[str, Any]]:
    """The transaction that gives a case to those who remain, if it is still as it was read."""
    values = attributes(heir)
    update = {
        "Key": case_key(case.protocol),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in _HANDED),
        "ConditionExpression": "#version = :was",
        "ExpressionAttributeNames": {f"#{name}": name for name in _HANDED},
        "ExpressionAttributeValues": {
            ":was": {"N": str(case.version)},
            **{f":{name}": values[name] for name in _HANDED},
        },
    }
    writes: list[dict[str, Any]] = [{"Update": update}]
    if listed_key(case) != listed_key(heir):
        writes.append({"Delete": {"Key": listed_key(case)}})
    writes.append({"Put": {"Item": {**values, **listed_key(heir)}}})
    return writes


def _told(items: Iterable[Item], subject: Subject, others: list[Contact]) -> Iterator[Item]:
    remaining = {contact.contact_key for contact in others}
    for item in items:
        key = item["sk"]["S"].partition("#")[2]
        # Somebody new at the address may have been told, too.
        late = key in remaining and item["message_id"]["S"] not in subject.ids("messages")
        if key in subject.keys and not late:
            yield item


def _said(
    items: Iterable[Item], subject: Subject, theirs: list[Contact], is_theirs: bool
) -> Iterator[Item]:
    ids: Set[str] = {contact.interaction_id for contact in theirs} | set(
        subject.ids("interactions")
    )
    for item in items:
        change = record_of(Change, item)
        about = is_theirs and (not subject.erased_before or change.at <= subject.erased_before)
        if change.reason and (about or change.id in ids):
            yield item
