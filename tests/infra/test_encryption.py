"""How the template encrypts: whoever reads what is sealed can open it, and nobody else."""

from __future__ import annotations

import pytest

from tests.infra.test_template import FUNCTIONS, RESOURCES, ROLES, allowed

#: Adds up what was bought, and reads nothing that anybody said.
READS_TOTALS_ALONE = "ScoreRfvFunction"


@pytest.mark.parametrize(
    "function",
    sorted(
        name
        for name, properties in FUNCTIONS.items()
        if "TIMELINE_TABLE" in properties.get("Environment", {}).get("Variables", {})
        and name != READS_TOTALS_ALONE
    ),
)
def test_who_reads_timelines_can_open_them_where_they_are_sealed(function: str) -> None:
    properties = FUNCTIONS[function]
    role = function.replace("Function", "Role")
    variables = properties["Environment"]["Variables"]
    assert variables["SUBJECT_KEY_TABLE"]["Fn::If"] == [
        "SealsTimelines",
        {"Ref": "SubjectKeyTable"},
        {"Ref": "AWS::NoValue"},
    ]
    assert variables["SUBJECT_KEY_ID"]["Fn::If"][0] == "SealsTimelines"
    assert "CipherVendorLayer" in str(properties["Layers"])
    grants = allowed(role)
    assert {("dynamodb:GetItem", "SubjectKeyTable"), ("kms:Decrypt", "DataKey")} <= grants
    writes = ("dynamodb:PutItem", "TimelineTable") in grants or "UNREADABLE" in variables
    made = ("kms:GenerateDataKeyWithoutPlaintext", "DataKey")
    assert (made in grants) == (("dynamodb:UpdateItem", "SubjectKeyTable") in grants) == writes


def test_subjects_keys_are_in_no_backup_and_only_what_erases_deletes_them() -> None:
    keys = RESOURCES["SubjectKeyTable"]["Properties"]
    assert keys["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
    assert keys["DeletionProtectionEnabled"] is True and "StreamSpecification" not in keys
    deleting = {
        role for role in ROLES if ("dynamodb:DeleteItem", "SubjectKeyTable") in allowed(role)
    }
    assert deleting == {"EraseSubjectRole", "PurgeRetentionRole"}
