"""The places that can hold a person's data, in the order in which they are counted and erased."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from enlace.aws.clients import client
from enlace.aws.erased_objects import ErasedObjects
from enlace.aws.partitions import Partitions
from enlace.aws.store import DynamoStore
from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.address_key import AddressKeys
from enlace.domain.interaction import epoch_text
from enlace.domain.rules import Rules
from enlace.usecases.erasure_ports import Place


def stores(
    environ: Mapping[str, str],
    dynamodb: Any,
    store: DynamoStore,
    keys: AddressKeys,
    rules: Rules,
) -> Iterator[Place]:
    """Every store of ours but that of identities, which goes first.

    Parameters
    ----------
    environ : mapping
        ``TIMELINE_TABLE``, ``CASE_TABLE``, ``CONSENT_TABLE``, ``DELIVERY_TABLE`` and
        ``CANDIDATE_TABLE``. ``ATTACHMENTS_BUCKET`` (with ``PRIVACY_TABLE``),
        ``SCHEDULE_GROUP``, ``MAIL_BUCKET`` and ``QUEUE_URLS`` (with blanks between) where the
        function may reach them.
    """
    # Each imports what it needs: an API function starts with fewer of them.
    from enlace.aws.case_table import CaseTable
    from enlace.aws.erase_cases import CasePlace
    from enlace.aws.erase_consents import ConsentPlace
    from enlace.aws.erase_timeline import TimelinePlace, held_of

    cases = CasePlace(
        Partitions(dynamodb, environ["CASE_TABLE"]),
        CaseTable(dynamodb, environ["CASE_TABLE"]).transact,
    )
    timeline = Partitions(dynamodb, environ["TIMELINE_TABLE"])
    yield TimelinePlace(timeline, cases.thread)
    yield cases
    yield ConsentPlace(Partitions(dynamodb, environ["CONSENT_TABLE"]))
    yield _messages(environ, dynamodb)
    yield _candidates(environ, dynamodb, store, keys, rules)
    if environ.get("ATTACHMENTS_BUCKET"):
        from enlace.aws.erase_exports import ExportPlace

        rows = VersionedRows(dynamodb, environ["PRIVACY_TABLE"])
        yield ExportPlace(rows, lambda: client("s3"), environ["ATTACHMENTS_BUCKET"])
    if environ.get("QUEUE_URLS"):
        from enlace.aws.erase_queues import QueuePlace

        yield QueuePlace(client("sqs"), environ["QUEUE_URLS"].split())
    if environ.get("MAIL_BUCKET"):
        from enlace.aws.erase_mail import MailPlace

        # After the queues, which know of mail that never became an interaction.
        bucket = environ["MAIL_BUCKET"]
        yield MailPlace(ErasedObjects(lambda: client("s3"), bucket, exact=True))
    if environ.get("SUBJECT_KEY_TABLE"):
        from enlace.aws.erase_subject_keys import SubjectKeyPlace
        from enlace.aws.sealed_timelines import keys_of

        # Last: whatever else is deleted can be read until then.
        yield SubjectKeyPlace(keys_of(dynamodb, environ, lambda: client("kms")), timeline, held_of)


def _messages(environ: Mapping[str, str], dynamodb: Any) -> Place:
    from enlace.aws.erase_messages import DeliveryPlace

    bucket, group = environ.get("ATTACHMENTS_BUCKET", ""), environ.get("SCHEDULE_GROUP", "")
    return DeliveryPlace(
        dynamodb,
        environ["DELIVERY_TABLE"],
        objects=ErasedObjects(lambda: client("s3"), bucket) if bucket else None,
        scheduler=client("scheduler") if group else None,
        group=group,
    )


def _candidates(
    environ: Mapping[str, str], dynamodb: Any, store: DynamoStore, keys: AddressKeys, rules: Rules
) -> Place:
    from enlace.aws.candidate_table import CandidateTable
    from enlace.usecases.candidate_place import CandidatePlace
    from enlace.usecases.find_candidates import CandidateFinder

    candidates = CandidateTable(dynamodb, environ["CANDIDATE_TABLE"])
    finder = CandidateFinder(
        store, candidates, keys, rules, now=lambda: epoch_text(time.time()), merge=None
    )
    return CandidatePlace(finder, store, candidates)
