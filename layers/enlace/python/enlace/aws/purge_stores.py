"""The stores that a policy of retention may name, made when it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from enlace.aws.clients import client
from enlace.aws.erased_objects import ErasedObjects
from enlace.aws.privacy_places import stores
from enlace.aws.purged_contacts import PurgedContacts
from enlace.aws.purged_items import PurgedConsents, PurgedMessages
from enlace.aws.store import DynamoStore
from enlace.domain.address_key import AddressKeys
from enlace.domain.rules import Rules
from enlace.usecases.erasure_rows import holds_of
from enlace.usecases.expire_contacts import ExpireContacts
from enlace.usecases.forget_identifiers import ForgetIdentifiers, Tell
from enlace.usecases.purge import Purgeable
from enlace.usecases.rows import Rows

if TYPE_CHECKING:
    from enlace.aws.subject_keys import SubjectKeys

#: Places that go with a contact point: what leads to theirs stands in its timeline.
_WITH_CONTACTS = ("timeline", "cases", "messages", "mail")


def purged_stores(
    environ: Mapping[str, str],
    dynamodb: Any,
    rows: Rows,
    store: DynamoStore,
    keys: AddressKeys,
    rules: Rules,
    *,
    tell: Tell,
    now: Callable[[], str],
) -> Mapping[str, Callable[[], Purgeable]]:
    """By the names of :data:`enlace.domain.retention_policy.CLOCKS`.

    Parameters
    ----------
    environ : mapping
        What :func:`enlace.aws.privacy_places.stores` wants.
    tell : callable
        Publishes what the end of a contact point makes of other customers.
    """

    def timeline() -> Purgeable:
        places = {place.name: place for place in stores(environ, dynamodb, store, keys, rules)}
        return ExpireContacts(
            PurgedContacts(
                dynamodb,
                environ["IDENTITY_TABLE"],
                environ["TIMELINE_TABLE"],
                _subject_keys(environ, dynamodb),
            ),
            store,
            places=[places[name] for name in _WITH_CONTACTS if name in places],
            likenesses=places["candidates"],
            forget=ForgetIdentifiers(store, rules, tell=tell, now=now, sleep=time.sleep),
            holds=lambda: holds_of(rows, now()),
            rows=rows,
        )

    def messages() -> Purgeable:
        objects = ErasedObjects(lambda: client("s3"), environ["ATTACHMENTS_BUCKET"])
        return PurgedMessages(
            dynamodb,
            environ["DELIVERY_TABLE"],
            erase_files=lambda id_: objects.erase(f"attachments/{id_}/"),
        )

    return {
        "timeline": timeline,
        "messages": messages,
        "consents": lambda: PurgedConsents(dynamodb, environ["CONSENT_TABLE"]),
    }


def _subject_keys(environ: Mapping[str, str], dynamodb: Any) -> SubjectKeys | None:
    if not environ.get("SUBJECT_KEY_TABLE"):
        return None
    from enlace.aws.sealed_timelines import keys_of

    return keys_of(dynamodb, environ, lambda: client("kms"))
