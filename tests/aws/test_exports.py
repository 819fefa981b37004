"""Copies that are too long for an answer, by the real functions on moto: written, had, erased."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from moto import mock_aws

from enlace.aws.clients import client
from enlace.aws.clients import session as clients_session
from enlace.aws.erase_exports import ExportPlace
from enlace.aws.exports import ExportFiles
from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.errors import TemporaryFailure
from enlace.usecases.rows import Row
from enlace.usecases.subject_copies import SubjectCopies
from local.memory_rows import MemoryRows
from tests.aws.test_api_functions import event
from tests.aws.test_erasure_crashes import MAIL, PHONE, TEXT, Context, Stack

ONE = "/v1/privacy/requests/{id}"
WORD = {"operator_reason": "saw a document"}
#: S3's least.
PART = 5 * 1024 * 1024


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr("enlace.usecases.erasure_rows.LEASE_SECONDS", 0)
    clients_session.cache_clear()
    with mock_aws():
        yield
    clients_session.cache_clear()


@pytest.fixture
def s3(aws: None) -> Any:
    made = client("s3")
    made.create_bucket(Bucket="files")
    return made


def names(s3: Any) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket="files").get("Contents", [])]


def noise(count: int) -> Iterator[str]:
    """Texts that no zip makes much shorter, of a megabyte each."""
    random = Random(1)
    for _ in range(count):
        yield b64encode(random.randbytes(750_000)).decode()


def test_a_file_is_written_in_parts_and_there_whole(s3: Any, monkeypatch: Any) -> None:
    sizes: list[int] = []
    upload_part = s3.upload_part

    def counted(**arguments: Any) -> Any:
        sizes.append(len(arguments["Body"]))
        return upload_part(**arguments)

    monkeypatch.setattr(s3, "upload_part", counted)
    files = ExportFiles(lambda: s3, "files", part_bytes=PART)
    stored = files.write("exports/r1/json.zip", "r1.json", noise(8))
    # Every part but the last one has its size, so no more than that is in memory.
    assert len(sizes) > 1 and set(sizes[:-1]) == {PART} and sizes[-1] < PART
    body = s3.get_object(Bucket="files", Key="exports/r1/json.zip")["Body"].read()
    assert (len(body), hashlib.sha256(body).hexdigest()) == (stored.size, stored.sha256)
    zipped = zipfile.ZipFile(io.BytesIO(body))
    assert zipped.testzip() is None and zipped.namelist() == ["r1.json"]
    assert zipped.read("r1.json").decode() == "".join(noise(8))


def test_of_a_copy_that_fails_half_way_nothing_lies_there(s3: Any) -> None:
    def failing() -> Iterator[str]:
        yield "a"
        raise TemporaryFailure("a table does not answer")

    with pytest.raises(TemporaryFailure):
        ExportFiles(lambda: s3, "files").write("exports/r1/json.zip", "r1.json", failing())
    assert names(s3) == []
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="files")


@pytest.mark.parametrize(
    ("endpoint_url", "at"),
    [
        # The region's own host: the other one sends callers on, and the signature is lost.
        ("", "https://files.s3.sa-east-1.amazonaws.com/exports/r1/json.zip"),
        ("http://localhost:4566", "http://localhost:4566/files/exports/r1/json.zip"),
    ],
)
def test_a_link_works_for_minutes_and_for_one_file(
    aws: None, monkeypatch: pytest.MonkeyPatch, endpoint_url: str, at: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "sa-east-1")
    if endpoint_url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint_url)
    clients_session.cache_clear()
    link = ExportFiles(lambda: client("s3"), "files").link("exports/r1/json.zip", 300)
    query = parse_qs(urlsplit(link).query)
    assert link.partition("?")[0] == at
    assert query["X-Amz-Expires"] == ["300"] and query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


def test_an_erasure_takes_a_persons_files_and_leaves_others(s3: Any) -> None:
    rows = MemoryRows()
    for key, request_id in (("phone#1", "r1"), ("email#2", "r1"), ("email#2", "r2"), ("x#3", "r3")):
        rows.put([Row(f"subject#{key}", f"export#{request_id}", {"request_id": request_id})])
    for request_id in ("r1", "r3"):
        rows.put([Row(f"request#{request_id}", "copy#json", {"size": 1})])
    for name in ("r1/json.zip", "r1/csv.zip", "r2/csv.zip", "r3/json.zip", "r10/json.zip"):
        s3.put_object(Bucket="files", Key=f"exports/{name}", Body=b"x")
    # As if its function had ended while it wrote it.
    s3.create_multipart_upload(Bucket="files", Key="exports/r2/json.zip")
    place = ExportPlace(rows, lambda: s3, "files")
    named = (SubjectIdentifier("phone#1", "phone", ""), SubjectIdentifier("email#2", "email", ""))
    subject = Subject("r9", "2026-11-23T12:00:00.000Z", named, ())

    assert place.census(subject).found == 3 + 3 + 1
    assert not place.erase(subject, lambda: False)
    assert place.erase(subject, lambda: True)
    assert place.census(subject).found == 0
    assert names(s3) == ["exports/r10/json.zip", "exports/r3/json.zip"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="files")
    # Nor does anything lead to them.
    assert {row.pk for row in rows.rows.values()} == {"subject#x#3", "request#r3"}


def test_a_long_copy_is_handed_over_by_a_link_and_goes_with_the_person(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SubjectCopies.__init__.__kwdefaults__, "answer_bytes", 1000)
    stack = Stack(monkeypatch)
    erasure = stack.live()
    body = {
        "type": "access",
        "identifier": {"kind": "email", "value": MAIL},
        "regulation": "lgpd",
    }
    id_ = stack.call("POST", "/v1/privacy/requests", body)["request_id"]
    stack.call("POST", f"{ONE}/verify", WORD, id=id_)
    asked = event("GET", f"{ONE}/export", id=id_)
    asked["headers"]["x-api-key"], asked["rawQueryString"] = "k" * 43, "format=csv"
    answer = stack.api.handler(asked, Context())
    assert answer["headers"]["cache-control"] == "no-store"
    link = json.loads(answer["body"])

    s3: Any = stack.client("s3")
    assert names(s3) == [f"exports/{id_}/csv.zip"]
    name = urlsplit(link["download_url"]).path.lstrip("/")
    held = s3.get_object(Bucket="files", Key=name.removeprefix("files/"))["Body"].read()
    assert hashlib.sha256(held).hexdigest() == link["sha256"] and len(held) == link["bytes"]
    zipped = zipfile.ZipFile(io.BytesIO(held))
    rows = list(csv.reader(io.StringIO(zipped.read(f"{id_}.csv").decode())))
    assert TEXT in {row[-1] for row in rows} and PHONE in {row[-1] for row in rows}

    # Found from every address that it tells of.
    known = stack.dynamodb.scan(TableName="PrivacyTable")["Items"]
    by = [one["pk"]["S"] for one in known if one["sk"]["S"] == f"export#{id_}"]
    assert sorted(pk.partition("#")[2].partition("#")[0] for pk in by) == ["email", "phone"]
    # The erasure is about the phone; the copy tells of that as well.
    stack.run(erasure)
    assert names(s3) == []
    by_place = {one[0]: one[1:] for one in stack.counts(erasure)}
    assert by_place["exports"][0] >= 2 and by_place["exports"][0] == by_place["exports"][1]
    said = capsys.readouterr().out
    assert "X-Amz-Signature" not in said and MAIL not in said
