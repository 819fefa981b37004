"""The rules that buckets are held to."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.usecases.subject_copies import MAKING_SECONDS
from tests.infra.test_template import RESOURCES, ROLES, TEMPLATE, listed, of_type, statements

BUCKETS = of_type("AWS::S3::Bucket")


@pytest.mark.parametrize("bucket", sorted(BUCKETS))
def test_every_bucket_is_encrypted_and_nobody_else_s(bucket: str) -> None:
    properties = BUCKETS[bucket]

    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_templates_keep_every_version_and_outlive_the_stack() -> None:
    assert BUCKETS["TemplatesBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert RESOURCES["TemplatesBucket"]["DeletionPolicy"] == "Retain"
    policy = RESOURCES["TemplatesBucketPolicy"]["Properties"]["PolicyDocument"]
    (statement,) = policy["Statement"]
    # Absent on the laptop only, where AWS would refuse to create the API's authorizer.
    assert RESOURCES["TemplatesBucketPolicy"]["Condition"] == "SpeaksTls"
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_one_function_writes_templates_and_none_deletes_them() -> None:
    def touches(resource: Any) -> bool:
        return "TemplatesBucket" in str(resource)

    actions = {
        (role, action)
        for role in ROLES
        for statement in statements(role)
        if any(touches(resource) for resource in listed(statement["Resource"]))
        for action in listed(statement["Action"])
    }

    reads = {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions"}
    assert {action for _, action in actions} == {*reads, "s3:PutObject"}
    assert {role for role, action in actions if action == "s3:PutObject"} == {"ApiTemplatesRole"}


def test_copies_of_all_that_is_held_of_somebody_go_within_days() -> None:
    rules = {
        rule["Id"]: rule for rule in BUCKETS["AttachmentsBucket"]["LifecycleConfiguration"]["Rules"]
    }
    assert rules["exports"]["Prefix"] == "exports/" and rules["exports"]["ExpirationInDays"] <= 30
    assert rules["unfinished"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1
    assert {rule["Status"] for rule in rules.values()} == {"Enabled"}


def test_a_link_can_do_no_more_than_get_a_copy() -> None:
    """A presigned URL may do whatever its maker may: ApiPrivacyRole, and only below exports/."""
    own = [
        statement
        for statement in statements("ApiPrivacyRole")
        if any("s3:" in action for action in listed(statement["Action"]))
    ]
    assert [(one["Sid"], one["Resource"]) for one in own] == [
        ("KeepCopies", {"Fn::Sub": "${AttachmentsBucket.Arn}/exports/*"})
    ]
    assert "s3:GetObject" in own[0]["Action"] and "s3:DeleteObject" not in own[0]["Action"]
    # Nobody else who may read below attachments/ may read copies.
    readers = {
        role
        for role in ROLES
        for statement in statements(role)
        if "s3:GetObject" in listed(statement["Action"])
        and any(
            "AttachmentsBucket" in str(one) and "/attachments/" not in str(one)
            for one in listed(statement["Resource"])
        )
    }
    assert readers <= {"ApiPrivacyRole", "ScanResiduesRole"}


def test_requests_by_opendsr_read_no_table_that_a_restore_holds_but_for_the_rules() -> None:
    reads = [
        (action, str(resource))
        for statement in statements("OpendsrRequestsRole")
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if action.startswith("dynamodb:") and "PrivacyTable" not in str(resource)
    ]
    assert [action for action, _ in reads] == ["dynamodb:GetItem"] and "Identity" in reads[0][1]


def test_an_erasure_waits_for_whoever_makes_a_copy() -> None:
    timeout = RESOURCES["ApiPrivacyFunction"]["Properties"]["Timeout"]
    assert timeout == MAKING_SECONDS < TEMPLATE["Parameters"]["ErasureWaitSeconds"]["Default"]
