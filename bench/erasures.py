"""Erasures and purges in numbers, on the running laptop stack, with live traffic beside them.

``make up``, then ``python -m bench.erasures``: 100 people are erased, 10,000 interactions that
have run out are purged, and others write meanwhile. It prints what was deleted, whether every
certificate counts the same and nobody else lost anything, and keeps it in ``bench/results``.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from bench.report import RESULTS
from local import stack as local_stack
from local.demo.hub import Hub

PEOPLE, EXPIRED, LIVE = 100, 10_000, 1_100
#: Interactions of a contact point that has run out.
EACH = 200
LONG_AGO = "2021-03-01T12:00:00.000Z"
ENDED = {"completed", "partial", "rejected"}


def main(arguments: list[str] | None = None) -> int:
    """Run it; 0 where everything that had to go went and nothing else."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--expired", type=int, default=EXPIRED)
    options = parser.parse_args(arguments)
    hub, run = Hub(local_stack.load()), uuid.uuid4().hex[:8]
    bench = Bench(hub, run)
    say(f"storing {options.expired:,} interactions that have run out, beside {LIVE:,} of others")
    bench.store_expired(options.expired)
    say(f"{options.people} people write")
    bench.write(options.people)
    traffic = Traffic(hub, run)
    traffic.start()
    began = time.monotonic()
    certificates = bench.erase(options.people)
    erased_after = time.monotonic() - began
    purged = bench.purge(options.expired)
    traffic.stop()
    found = bench.left()
    result = {
        "people_erased": len(certificates),
        "certificates_alike": len({json.dumps(one) for one in certificates}) == 1,
        "items_deleted_per_erasure": certificates[0] if certificates else {},
        "seconds_per_erasure": round(erased_after / max(options.people, 1), 2),
        "expired_deleted": purged,
        "expired_left": found["expired"],
        "others_left": found["live"],
        "live_traffic_sent": traffic.sent,
        "live_traffic_recorded": traffic.recorded(),
    }
    print(json.dumps(result, indent=1))
    (RESULTS / "erasures.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    good = (
        result["people_erased"] == options.people
        and result["certificates_alike"]
        and not found["expired"]
        and found["live"] == LIVE
        and result["live_traffic_recorded"] == traffic.sent
    )
    return 0 if good else 1


def say(text: str) -> None:
    """Progress, on standard error."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Bench:
    """One run."""

    def __init__(self, hub: Hub, run: str):
        self._hub, self._run = hub, run
        self._dynamodb = local_stack.client("dynamodb")
        self._tables = hub.document["table_names"]

    def store_expired(self, count: int) -> None:
        """Contact points that nobody has heard of for years, and others that wrote today."""
        today = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
        for n in range(count // EACH):
            self._store(f"expired-{n}", LONG_AGO, EACH)
        for n in range(LIVE):
            self._store(f"live-{n}", today, 1)

    def _store(self, name: str, at: str, count: int) -> None:
        pk = f"email#{self._run}-{name}"
        birth = str(uuid.uuid4())
        record = {
            "pk": {"S": pk},
            "kind": {"S": "email"},
            "value": {"S": f"{self._run}-{name}@example.com"},
            "birth": {"S": birth},
            "first_seen": {"S": at},
        }
        self._dynamodb.put_item(TableName=self._tables["identity"], Item=record)
        body = {
            "channel": "webchat",
            "type": "message.received",
            "direction": "inbound",
            "occurred_at": at,
            "received_at": at,
            "contact_point": {"kind": "email", "level": "proven"},
            "data": {"text": "x" * 200},
        }
        items = []
        for n in range(count):
            id_ = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{pk}{n}"))
            moment = f"{at[:-5]}.{n:03d}Z"
            items.append(
                {
                    "pk": {"S": pk},
                    "sk": {"S": f"{moment}#{id_}"},
                    "body": {"S": json.dumps({**body, "id": id_})},
                }
            )
        for at_ in range(0, len(items), 25):
            writes = [{"PutRequest": {"Item": item}} for item in items[at_ : at_ + 25]]
            self._dynamodb.batch_write_item(RequestItems={self._tables["timeline"]: writes})

    def _phone(self, n: int) -> str:
        return f"+55119{int(self._run, 16) % 10**4:04d}{n:04d}"

    def write(self, people: int) -> None:
        """Each person writes three times."""
        for n in range(people):
            self._hub.api(
                "POST",
                "/v1/interactions",
                [
                    said(f"{self._run}-p{n}-{m}", self._phone(n), f"{self._run}.p{n}@example.com")
                    for m in range(3)
                ],
                expected=202,
            )
        deadline = time.monotonic() + 600
        while self._hub.customer("phone", self._phone(people - 1)) is None:
            if time.monotonic() > deadline:
                raise SystemExit("bench: the people did not become known in ten minutes")
            time.sleep(1)
        time.sleep(10)

    def erase(self, people: int) -> list[dict[str, int]]:
        """All of them; gives what each certificate says of each place."""
        ids = []
        for n in range(people):
            body = {
                "type": "erasure",
                "identifier": {"kind": "phone", "value": self._phone(n)},
                "regulation": "lgpd",
            }
            id_ = self._hub.api("POST", "/v1/privacy/requests", body, expected=201)["request_id"]
            path = f"/v1/privacy/requests/{id_}/verify"
            self._hub.api("POST", path, {"operator_reason": "a benchmark"})
            ids.append(id_)
        waiting, deadline = set(ids), time.monotonic() + 3600
        while waiting and time.monotonic() < deadline:
            for id_ in sorted(waiting):
                if self._hub.api("GET", f"/v1/privacy/requests/{id_}")["status"] in ENDED:
                    waiting.discard(id_)
            say(f"{len(ids) - len(waiting)} of {len(ids)} erased")
            time.sleep(5)
        certificates = []
        for id_ in sorted(set(ids) - waiting):
            body = self._hub.api("GET", f"/v1/privacy/requests/{id_}/certificate")
            certificates.append({one["place"]: one["deleted"] for one in body["places"]})
        return certificates

    def purge(self, expired: int) -> int:
        """Run the job until nothing of what has run out is left; gives what it deleted."""
        client, before = local_stack.client("lambda"), self.left()["expired"]
        (name,) = [
            one["FunctionName"]
            for one in client.list_functions()["Functions"]
            if "PurgeRetention" in one["FunctionName"]
        ]
        for _ in range(30):
            answer = client.invoke(FunctionName=name, Payload=b"{}")
            say(f"purge_retention: {answer['Payload'].read().decode()[:200]}")
            if not self.left()["expired"]:
                break
        return before - self.left()["expired"]

    def left(self) -> dict[str, int]:
        """Interactions of this run that are there."""
        counts = {"expired": 0, "live": 0}
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._tables["timeline"])
        for page in pages:
            for item in page["Items"]:
                for name in counts:
                    counts[name] += item["pk"]["S"].startswith(f"email#{self._run}-{name}-")
        return counts


class Traffic(threading.Thread):
    """Somebody else who goes on writing."""

    def __init__(self, hub: Hub, run: str):
        super().__init__(daemon=True)
        self._hub, self._run = hub, run
        self._ended = threading.Event()
        self.sent = 0

    def run(self) -> None:
        """A message a second."""
        while not self._ended.wait(1):
            who = f"{self._run}.t{self.sent}@example.com"
            said_ = said(f"{self._run}-t{self.sent}", "", who)
            self._hub.api("POST", "/v1/interactions", [said_], expected=202)
            self.sent += 1

    def stop(self) -> None:
        """No more of it."""
        self._ended.set()
        self.join()

    def recorded(self) -> int:
        """Whose messages are known, after a while."""
        deadline, known = time.monotonic() + 300, 0
        while known < self.sent and time.monotonic() < deadline:
            time.sleep(3)
            names = [f"{self._run}.t{n}@example.com" for n in range(self.sent)]
            with ThreadPoolExecutor(4) as pool:
                known = sum(
                    one is not None
                    for one in pool.map(lambda name: self._hub.customer("email", name), names)
                )
        return known


def said(source_id: str, phone: str, mail: str) -> dict[str, Any]:
    """One message, from a phone that names an address, or from the address."""
    point = {"kind": "phone", "value": phone} if phone else {"kind": "email", "value": mail}
    return {
        "source_id": source_id,
        "channel": "webchat",
        "account": "site",
        "type": "message.received",
        "occurred_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}",
        "contact_point": {**point, "level": "proven"},
        "identifiers": [{"kind": "email", "value": mail, "level": "stated"}] if phone else [],
        "data": {"text": "bom dia"},
    }


if __name__ == "__main__":
    sys.exit(main())
