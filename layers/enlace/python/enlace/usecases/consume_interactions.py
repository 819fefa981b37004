"""The interactions queue's consumer: record, then publish, then acknowledge.

A message holds one interaction or a list of them. What can never be recorded
goes to the dead-letter queue with its reason at once; what failed for now is
given back to the queue, whose redelivery is harmless.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from enlace.domain.interaction import Interaction, parse_interaction
from enlace.errors import EnlaceError, Fenced, InvalidInteraction
from enlace.usecases.ports import Publisher
from enlace.usecases.publish import resolved_entries
from enlace.usecases.resolve import Resolved, Resolver


@dataclass(frozen=True, slots=True)
class Message:
    """A queue message: its id, its body, and when it was sent (contract time)."""

    id: str
    body: str
    sent_at: str


@dataclass(slots=True)
class BatchReport:
    """What became of a batch.

    Parameters
    ----------
    failed : dict of message id to reason
        To be redelivered.
    poison : list of (reason, body)
        Sent to the dead-letter queue: redelivery cannot help.
    counts : dict
        Metrics: recorded, duplicates, customers created, merged, split, saturated; what
        erasures kept out: fenced, quarantined.
    """

    failed: dict[str, str] = field(default_factory=dict)
    poison: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a metric."""
        self.counts[name] = self.counts.get(name, 0) + by


class DeadLetters(Protocol):
    """Where poison goes."""

    def send_rejected(self, rejected: Sequence[tuple[str, str]], channel: str) -> None:
        """Store bodies with their reasons; raises TemporaryFailure."""


def consume(
    messages: Sequence[Message],
    resolver: Resolver,
    publisher: Publisher,
    dead_letters: DeadLetters,
    now: Callable[[], str],
) -> BatchReport:
    """Record and publish a batch.

    Returns
    -------
    BatchReport
        A message is acknowledged only if every interaction in it is recorded
        and published, or is in the dead-letter queue.
    """
    report = BatchReport()
    origins: list[str] = []
    interactions: list[Interaction] = []
    poison_of: dict[int, str] = {}
    for message in messages:
        for item in _items(message, report, poison_of):
            origins.append(message.id)
            interactions.append(item)

    entries = []
    owners: list[str] = []
    recorded_at = now()
    for origin, interaction, result in zip(
        origins, interactions, resolver.resolve_batch(interactions), strict=True
    ):
        if isinstance(result, InvalidInteraction):
            _poison(report, poison_of, result.reason, json.dumps(interaction.to_dict()), origin)
        elif isinstance(result, Fenced):
            # Acknowledged: an erasure keeps it out, now and at every redelivery.
            report.count(result.outcome)
        elif isinstance(result, EnlaceError):
            report.failed[origin] = str(result)
        else:
            _count(report, result)
            for entry in resolved_entries(result, recorded_at):
                entries.append(entry)
                owners.append(origin)
    if entries:
        for position in publisher.publish(entries):
            report.failed[owners[position]] = "not published"
    if report.poison:
        try:
            dead_letters.send_rejected(report.poison, "interactions")
        except EnlaceError as error:
            report.failed.update(dict.fromkeys(poison_of.values(), str(error)))
    return report


def _no_constant(name: str) -> None:
    # NaN and the infinities are no JSON: stored, nobody else could read them again.
    raise ValueError(name)


def _items(message: Message, report: BatchReport, poison_of: dict[int, str]) -> list[Interaction]:
    try:
        body: Any = json.loads(message.body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        _poison(report, poison_of, "not JSON", message.body, message.id)
        return []
    found = []
    for item in body if isinstance(body, list) else [body]:
        try:
            found.append(parse_interaction(item, received_at=message.sent_at))
        except InvalidInteraction as error:
            _poison(report, poison_of, error.reason, json.dumps(item), message.id)
    return found


def _poison(
    report: BatchReport, poison_of: dict[int, str], reason: str, body: str, message_id: str
) -> None:
    poison_of[len(report.poison)] = message_id
    report.poison.append((reason, body))
    report.count("poison")


def _count(report: BatchReport, resolved: Resolved) -> None:
    report.count("duplicates" if resolved.duplicate else "recorded")
    if resolved.saturated:
        report.count("saturated")
    if not resolved.duplicate:
        for effect in resolved.effects:
            if effect["effect"] != "described":
                report.count(f"customers_{effect['effect']}")
