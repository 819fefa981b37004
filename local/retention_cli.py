"""``enlace retention``: look at a policy of retention before it is put in force."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from enlace.aws.purged_contacts import PurgedContacts
from enlace.aws.purged_items import PurgedConsents, PurgedMessages
from enlace.aws.store import DynamoStore
from enlace.domain.interaction import epoch_text
from enlace.domain.retention_policy import (
    RetentionPolicy,
    RetentionRule,
    parse_retention_policy,
)
from enlace.rules import retention_policy
from enlace.usecases.expire_contacts import OldContacts
from enlace.usecases.purge import Counted, counted, too_many
from local import stack
from local.settings import LocalError


def add_commands(commands: Any) -> None:
    """Add ``retention preview``."""
    retention = commands.add_parser("retention", help="policies of retention: preview")
    retention = retention.add_subparsers(required=True, metavar="COMMAND")
    command = retention.add_parser(
        "preview",
        help="what a policy says, and what of a store would go",
        description="Checks a policy and shows up to when each store keeps, against the one that "
        "ships. With --store it counts what has run out there, and deletes nothing.",
    )
    command.add_argument("--policy", type=Path, metavar="FILE.toml", help="default: what ships")
    command.add_argument("--store", metavar="URL", help="a running stack's endpoint_url")
    command.add_argument("--json", action="store_true", help="print as JSON")
    command.set_defaults(run=_preview)


def _preview(options: argparse.Namespace) -> int:
    shipped = retention_policy()
    policy = _read(options.policy) if options.policy else shipped
    now = epoch_text(time.time())
    counts = _counts(options.store, policy, now) if options.store else {}
    rows = [_row(policy, shipped, rule, now, counts) for rule in policy.rules]
    gone = sorted({rule.store for rule in shipped.rules} - {rule.store for rule in policy.rules})
    if options.json:
        print(json.dumps({"version": policy.version, "hash": policy.hash, "rules": rows}))
        return 0
    print(f"policy {policy.version} ({policy.jurisdiction}), sha256 {policy.hash[:16]}")
    for row in rows:
        print(
            f"{row['store']:10} {row['clock']:17} goes if of {row['cutoff'][:10]} or before", end=""
        )
        print(f"  ({row['change']})" if row["change"] else "")
        print(f"{'':10} for {row['purpose']}: {row['basis']}")
        if "due" in row:
            stop = "; MORE THAN MAY GO AT ONCE: nothing would" if row["trips"] else ""
            print(f"{'':10} {row['due']:,} of {row['looked_at']:,} have run out{stop}")
    for store in gone:
        print(f"{store:10} no rule: nothing of it goes")
    return 0


def _counts(url: str, policy: RetentionPolicy, now: str) -> dict[str, tuple[int, int]]:
    if not url.startswith(("http://", "https://")):
        raise LocalError("--store: must be the URL of a running stack")
    tables = stack.load()["table_names"]
    dynamodb = stack.client("dynamodb", endpoint_url=url)
    identities = DynamoStore(dynamodb, tables["identity"], tables["timeline"])
    points = PurgedContacts(dynamodb, tables["identity"], tables["timeline"])
    stores: dict[str, Counted] = {
        "timeline": OldContacts(points, identities),
        "messages": PurgedMessages(dynamodb, tables["delivery"], erase_files=lambda id_: None),
        "consents": PurgedConsents(dynamodb, tables["consent"]),
    }
    return {
        rule.store: counted(stores[rule.store], policy.cutoff(rule.store, now))
        for rule in policy.rules
    }


def _row(
    policy: RetentionPolicy,
    shipped: RetentionPolicy,
    rule: RetentionRule,
    now: str,
    counts: dict[str, tuple[int, int]],
) -> dict[str, Any]:
    store, cutoff = rule.store, policy.cutoff(rule.store, now)
    before = shipped.cutoff(store, now)
    row: dict[str, Any] = {
        "id": rule.id,
        "store": store,
        "purpose": rule.purpose,
        "clock": rule.clock,
        "cutoff": cutoff,
        "basis": rule.basis.get(policy.jurisdiction, "; ".join(rule.basis.values())),
        "max_batch_pct": rule.max_batch_pct,
        "change": _change(cutoff, before),
    }
    if store in counts:
        looked_at, due = counts[store]
        row |= {"looked_at": looked_at, "due": due}
        row["trips"] = too_many(due, looked_at, rule.max_batch_pct)
    return row


def _change(cutoff: str, before: str) -> str:
    if not before or cutoff == before:
        return "" if before else "new"
    return "keeps less than what ships" if cutoff > before else "keeps more than what ships"


def _read(path: Path) -> RetentionPolicy:
    try:
        return parse_retention_policy(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError(f"cannot read {path}: {type(error).__name__}") from error
