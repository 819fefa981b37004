"""The bucket of templates and the memory's: one suite; and what S3 alone can do wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from enlace.aws.template_store import S3Templates
from enlace.domain.template_version import TemplateVersion, version_from
from enlace.errors import Conflict, InvalidPayload, TemporaryFailure
from enlace.usecases.edit_templates import EditableStore
from enlace.usecases.message_templates import MessageTemplates
from tests.stores.memory_templates import MemoryTemplates

TEXT = "purposes: transactional\nname?: text = João\n[text]\nOlá {{ name }}"


def version(name: str = "hello", number: str = "v-1") -> TemplateVersion:
    return version_from(name, number, {"pt-BR": TEXT})


def client() -> Any:
    return botocore.session.get_session().create_client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        made = client()
        made.create_bucket(Bucket="templates")
        yield made


@pytest.fixture(params=["memory", "bucket"])
def store(request: pytest.FixtureRequest, s3: Any) -> EditableStore:
    return MemoryTemplates() if request.param == "memory" else S3Templates(lambda: s3, "templates")


def test_nothing_is_there_at_first(store: EditableStore) -> None:
    assert store.read_active("hello") == ("", "")
    assert store.active("hello") == ""
    assert store.names() == store.versions("hello") == []
    assert store.describe("hello", "v-1") is None
    assert store.source("hello", "v-1", "pt-BR") is None


def test_a_version_is_kept_and_never_changed(store: EditableStore) -> None:
    store.save(version(), {"pt-BR": TEXT})
    store.save(version(), {"pt-BR": "something else"})
    store.save(version(number="v-2"), {"pt-BR": TEXT})

    assert store.describe("hello", "v-1") == version()
    assert store.source("hello", "v-1", "pt-BR") == TEXT
    assert store.source("hello", "v-1", "en") is None
    assert store.names() == ["hello"]
    assert sorted(store.versions("hello")) == ["v-1", "v-2"]
    assert store.active("hello") == ""


def test_of_two_who_change_what_is_in_force_one_hears_of_the_other(store: EditableStore) -> None:
    mark = store.read_active("hello")[1]
    store.activate("hello", "v-1", mark)
    with pytest.raises(Conflict):
        store.activate("hello", "v-2", mark)
    found, mark = store.read_active("hello")
    assert found == "v-1"
    store.activate("hello", "v-2", mark)
    with pytest.raises(Conflict):
        store.activate("hello", "v-3", mark)
    assert store.active("hello") == "v-2"


def test_more_than_a_page_of_names() -> None:
    made = client()
    with Stubber(made) as stubber:
        stubber.add_response(
            "list_objects_v2",
            {"CommonPrefixes": [{"Prefix": "templates/a/"}], "NextContinuationToken": "t"},
        )
        stubber.add_response("list_objects_v2", {"CommonPrefixes": [{"Prefix": "templates/b/"}]})
        assert S3Templates(lambda: made, "templates").names() == ["a", "b"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"version": '])
def test_what_somebody_else_wrote_there_is_not_used(s3: Any, body: bytes) -> None:
    store = S3Templates(lambda: s3, "templates")
    s3.put_object(Bucket="templates", Key="templates/hello/active.json", Body=body)
    s3.put_object(Bucket="templates", Key="templates/hello/v-1/template.json", Body=body)
    with pytest.raises((TemporaryFailure, InvalidPayload)):
        store.read_active("hello")
    with pytest.raises((TemporaryFailure, InvalidPayload)):
        store.describe("hello", "v-1")


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "InternalError", "NoSuchBucket"])
def test_a_store_that_fails_is_no_store_without_templates(code: str) -> None:
    made = client()
    with Stubber(made) as stubber:
        stubber.add_client_error("get_object", code, http_status_code=403)
        with pytest.raises(TemporaryFailure, match=code):
            MessageTemplates(S3Templates(lambda: made, "templates")).current("newsletter")


def test_a_deleted_version_can_be_told_from_one_in_force(s3: Any) -> None:
    store = S3Templates(lambda: s3, "templates")
    store.save(version(), {"pt-BR": TEXT})
    store.activate("hello", "v-1", "")
    assert MessageTemplates(store).render("hello", "en", {"name": "Ana"}).text == "Olá Ana"
    s3.delete_object(Bucket="templates", Key="templates/hello/v-1/pt-BR.txt")
    with pytest.raises(InvalidPayload, match="not there"):
        MessageTemplates(store).render("hello", "en", {"name": "Ana"})


def test_no_client_is_made_for_what_ships() -> None:
    def never() -> Any:
        raise AssertionError("a client costs a start of its own")

    templates = MessageTemplates(S3Templates(never, "templates"))
    pinned = MessageTemplates().current("protocol_opened")
    assert templates.render("protocol_opened", "en", {"protocol": "1"}, version=pinned).sms
