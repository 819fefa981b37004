"""Files that go along with messages, on moto."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.attachments import Attachments
from enlace.domain.outgoing import Attachment
from enlace.errors import InvalidPayload, TemporaryFailure


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        session = botocore.session.get_session()
        session.set_credentials("test", "test")
        client = session.create_client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="files")
        yield client


def test_what_is_kept_is_read_with_its_name_and_type(s3: Any) -> None:
    files = Attachments(lambda: s3, "files")
    bill = Attachment("conta de março.pdf", "application/pdf", b"%PDF-1.7")
    assert files.read(files.keep("m-1", 0, bill)) == bill


def test_one_that_is_gone_is_no_failure_for_now(s3: Any) -> None:
    with pytest.raises(InvalidPayload, match="not there any more"):
        Attachments(lambda: s3, "files").read("attachments/m-1/0")


def test_a_bucket_that_does_not_answer_is_asked_again(s3: Any) -> None:
    with pytest.raises(TemporaryFailure, match=r"s3\.get_object: NoSuchBucket"):
        Attachments(lambda: s3, "others").read("attachments/m-1/0")
