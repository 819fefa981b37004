"""What the functions of data subjects' requests share: who is looked for, where, and how.

The places are listed once, in the order in which they are counted and erased: the timeline
knows the ids that others need.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from enlace.aws.bus import Bus
from enlace.aws.clients import client
from enlace.aws.consent_table import ConsentTable
from enlace.aws.interactions_queue import InteractionsQueue
from enlace.aws.kms_keys import Sealer
from enlace.aws.privacy_places import stores
from enlace.aws.restore_marks import restore_hold
from enlace.aws.store import DynamoStore
from enlace.aws.timeline_table import TimelineTable
from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.address_key import AddressKeys
from enlace.domain.change import Effect
from enlace.domain.envelope import Entry
from enlace.domain.erasure import SubjectIdentifier
from enlace.domain.interaction import Interaction, utc_text
from enlace.domain.rules import Rules
from enlace.errors import TemporaryFailure
from enlace.rules import message_policy
from enlace.usecases.carry_out import CarryOut
from enlace.usecases.consents import Consents
from enlace.usecases.erasure_ports import Place
from enlace.usecases.find_customer import CustomerFinder
from enlace.usecases.find_subject import Found, SubjectFinder
from enlace.usecases.identity_place import IdentityPlace
from enlace.usecases.ingest import dump
from enlace.usecases.request_rows import RequestRows

Tell = Callable[[Sequence[Effect], str], None]


def now() -> datetime:
    """The current time, with a zone."""
    return datetime.now(UTC)


def now_text() -> str:
    """The current contract time."""
    return utc_text(now())


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts.

    Parameters
    ----------
    find : callable
        ``(identifier, whole_customer)`` to whom it is about.
    identity : Place
    places : tuple of Place
        The other stores of ours.
    """

    rows: VersionedRows
    seal: Sealer
    requests: RequestRows
    store: DynamoStore
    find: Callable[[SubjectIdentifier, bool], Found]
    identity: Place
    places: tuple[Place, ...]


def desk_of(
    environ: Mapping[str, str], dynamodb: Any, keys: AddressKeys, rules: Rules, tell: Tell
) -> Desk:
    """The parts, by the function's environment.

    Parameters
    ----------
    environ : mapping
        The tables' names, ``PRIVACY_KEY_ID``, and what :func:`enlace.aws.privacy_places.stores`
        wants.
    tell : callable
        Publishes what an erasure made of other customers.
    """
    rows = VersionedRows(dynamodb, environ["PRIVACY_TABLE"])
    seal = Sealer(client("kms"), environ["PRIVACY_KEY_ID"])
    store = DynamoStore(dynamodb, environ["IDENTITY_TABLE"], environ["TIMELINE_TABLE"])
    timelines = TimelineTable(dynamodb, environ["TIMELINE_TABLE"])
    finder = CustomerFinder(store, keys, rules, today=lambda: now_text()[:10])
    return Desk(
        rows=rows,
        seal=seal,
        requests=RequestRows(rows, seal, now=now),
        store=store,
        find=SubjectFinder(finder, timelines).find,
        identity=IdentityPlace(store, rules, tell=tell, now=now_text, sleep=time.sleep),
        # Who neither shows nor erases anything is told no further tables.
        places=tuple(stores(environ, dynamodb, store, keys, rules))
        if "CASE_TABLE" in environ
        else (),
    )


def carrying_out(
    environ: Mapping[str, str],
    dynamodb: Any,
    desk: Desk,
    erase: Callable[[str, int], None],
    source: str,
) -> CarryOut:
    """What verified requests lead to, by the function's environment.

    Parameters
    ----------
    environ : mapping
        ``CONSENT_TABLE``, ``INTERACTIONS_QUEUE_URL``, ``BUS_NAME``, and the tables that the
        hold is over.
    erase : callable
        See :func:`erasures_to`.
    source : str
        Who publishes that somebody objects.
    """
    queue = InteractionsQueue(client("sqs"), environ["INTERACTIONS_QUEUE_URL"], "")

    def record(interaction: Interaction) -> None:
        queue.send([dump(interaction.to_dict())])

    def announce(entries: Sequence[Entry]) -> None:
        Bus(client("events"), environ["BUS_NAME"]).publish_all(entries)

    return CarryOut(
        erase=lambda request_id: erase(request_id, 0),
        find=desk.find,
        consents=Consents(
            ConsentTable(dynamodb, environ["CONSENT_TABLE"]),
            policy=message_policy().consent,
            now=now_text,
            sleep=time.sleep,
        ),
        record=record,
        changes=desk.requests.changes,
        announce=announce,
        source=source,
        now=now,
        hold=restore_hold(environ, dynamodb),
    )


def erasures_to(sqs: Any, url: str) -> Callable[[str, int], None]:
    """What hands an erasure to its function: request id, and seconds to wait."""

    def send(request_id: str, seconds: int = 0) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        body = json.dumps({"request_id": request_id})
        try:
            # The longest that SQS delays; whoever gets it too early waits on.
            sqs.send_message(QueueUrl=url, MessageBody=body, DelaySeconds=min(seconds, 900))
        except (BotoCoreError, ClientError) as error:
            raise TemporaryFailure(f"sqs.send_message: {type(error).__name__}") from error

    return send
