"""A copy that is too long for an answer, on the stack: had by its link, gone with the person."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from local import stack as local_stack
from local.demo.hub import Hub, wait_for
from tests.e2e.erasing import REQUESTS, Person, certificate, erased, write

pytestmark = pytest.mark.timeout(300)

#: Together over 5 MB, each within a message of a queue.
INTERACTIONS, TEXT_LENGTH = 27, 200_000


def test_a_long_copy_is_had_by_its_link_and_goes_with_the_person(stack: dict[str, Any]) -> None:
    hub, person = Hub(stack), Person()
    text = person.text + "x" * TEXT_LENGTH
    for n in range(0, INTERACTIONS, 3):
        write(hub, *(person.interaction(m, data={"text": text}) for m in range(n, n + 3)))

    def all_there() -> bool:
        known = hub.customer("phone", person.phone)
        return bool(known) and len(hub.timeline(known["customer_id"])) == INTERACTIONS

    wait_for("the interactions", all_there)
    asked = {"type": "access", "regulation": "lgpd", **person.asked_by_phone}
    id_ = hub.api("POST", REQUESTS, asked, expected=201)["request_id"]
    hub.api("POST", f"{REQUESTS}/{id_}/verify", {"operator_reason": "saw a document"})

    link = hub.api("GET", f"{REQUESTS}/{id_}/export?format=csv")
    # The functions' way to the bucket may be another one than ours: the key is the same.
    path = unquote(urlsplit(link["download_url"]).path).lstrip("/")
    bucket, _, key = path.partition("/")
    assert key == f"exports/{id_}/csv.zip"
    s3 = local_stack.client("s3")
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert (len(body), hashlib.sha256(body).hexdigest()) == (link["bytes"], link["sha256"])
    csv.field_size_limit(TEXT_LENGTH * 2)
    rows = list(
        csv.reader(io.StringIO(zipfile.ZipFile(io.BytesIO(body)).read(f"{id_}.csv").decode()))
    )
    assert sum(row[-1] == text for row in rows) == INTERACTIONS

    [done] = erased(hub, person.asked_by_phone)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix=f"exports/{id_}/")
    by_place = {one["place"]: one for one in certificate(hub, done)["places"]}
    assert by_place["exports"]["found"] == by_place["exports"]["deleted"] >= 2
