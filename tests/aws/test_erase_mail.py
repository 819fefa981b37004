"""Raw mail on moto's S3: all versions, and errors that hide inside HTTP 200."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.erase_mail import MailPlace
from enlace.aws.erased_objects import ErasedObjects
from enlace.domain.erasure import Subject
from enlace.errors import TemporaryFailure


class Partial:
    """S3 that refuses to delete some objects, and says so in its answer alone."""

    def __init__(self, client: Any, code: str, *keys: str):
        self._client = client
        self._code = code
        self.refused = keys

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:
        good = [entry for entry in Delete["Objects"] if entry["Key"] not in self.refused]
        bad = [entry for entry in Delete["Objects"] if entry["Key"] in self.refused]
        if good:
            self._client.delete_objects(Bucket=Bucket, Delete={"Objects": good})
        return {"Errors": [{**entry, "Code": self._code} for entry in bad]}


@pytest.fixture(params=["versioned", "plain"])
def s3(request: pytest.FixtureRequest) -> Iterator[Any]:
    with mock_aws():
        client: Any = botocore.session.get_session().create_client(
            "s3", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        client.create_bucket(Bucket="mail")
        if request.param == "versioned":
            client.put_bucket_versioning(
                Bucket="mail", VersioningConfiguration={"Status": "Enabled"}
            )
        for key in ("k1", "k2", "k10", "k11"):
            for text in (b"first", b"second", b"third"):
                client.put_object(Bucket="mail", Key=key, Body=text)
        # Whoever deletes without naming a version leaves all of them, and a marker.
        client.delete_object(Bucket="mail", Key="k2")
        yield client


def versions(s3: Any) -> list[tuple[str, str]]:
    answer = s3.list_object_versions(Bucket="mail")
    found = [*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())]
    return sorted((one["Key"], one["VersionId"]) for one in found)


def subject(*mails: str, **holds: str) -> Subject:
    held = {("mail", key): id_ for key, id_ in holds.items()}
    return Subject("r1", "2026-11-20T00:00:00.000Z", located={"mails": mails}, holds=held)


def place_of(client: Any, bucket: str = "mail") -> MailPlace:
    return MailPlace(ErasedObjects(lambda: client, bucket, exact=True, page=5))


def always() -> bool:
    return True


def test_every_version_and_marker_goes_and_no_other_object(s3: Any) -> None:
    """Case 3."""
    others = [one for one in versions(s3) if one[0] in ("k10", "k11")]
    about, place = subject("k1", "k2", "was-never-there"), place_of(s3)

    assert place.census(about).found == len(versions(s3)) - len(others)
    assert place.erase(about, always)
    assert versions(s3) == others
    assert place.census(about) == (0, (), {})
    assert place.erase(about, always)


def test_errors_inside_an_answer_are_no_success(s3: Any) -> None:
    """Case 4: the step is tried again, and nothing is called completed before."""
    partial = Partial(s3, "InternalError", "k1")
    about, place = subject("k1", "k10"), place_of(partial)

    with pytest.raises(TemporaryFailure, match="InternalError") as raised:
        place.erase(about, always)
    assert "k1" not in str(raised.value)
    assert {key for key, _ in versions(s3)} >= {"k1"}
    assert place.census(about).found > 0

    partial.refused = ()
    assert place.erase(about, always)
    assert place.census(about).found == 0


def test_a_held_mail_stays_and_is_certified(s3: Any) -> None:
    """Case 22."""
    before = [one for one in versions(s3) if one[0] == "k1"]
    about, place = subject("k1", "k10", k1="h1"), place_of(s3)

    assert place.erase(about, always)
    census = place.census(about)

    assert [one for one in versions(s3) if one[0] in ("k1", "k10")] == before
    assert census.found == census.retained == len(before)
    assert [kept.ground for kept in census.kept] == ["legal hold h1"]


def test_without_time_it_is_not_done(s3: Any) -> None:
    assert not place_of(s3).erase(subject("k1"), lambda: False)


def test_a_bucket_that_does_not_answer_is_a_temporary_failure(s3: Any) -> None:
    with pytest.raises(TemporaryFailure):
        place_of(s3, "another").census(subject("k1"))
