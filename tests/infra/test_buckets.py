"""The rules that buckets are held to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.test_template import RESOURCES, ROLES, listed, of_type, statements

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

    assert {action for _, action in actions} <= {"s3:GetObject", "s3:ListBucket", "s3:PutObject"}
    assert {role for role, action in actions if action == "s3:PutObject"} == {"ApiTemplatesRole"}
