"""The CRM's mappings on DynamoDB as moto has it."""

from __future__ import annotations

from typing import Any

from enlace.aws.crm_mappings import CrmMappings
from enlace.usecases.crm_ports import Mapping
from tests.aws.erasing import dynamodb, items

__all__ = ["dynamodb"]


def test_whose_contacts_show_an_identifier_is_known_until_it_is_taken_back(dynamodb: Any) -> None:
    mappings = CrmMappings(dynamodb, "delivery", "hubspot")
    mappings.show(["phone#1", "email#1"], "c-1")
    mappings.show(["phone#1"], "c-2")
    mappings.show(["phone#1"], "c-2")
    assert mappings.showing("phone#1") == ["c-1", "c-2"]
    assert CrmMappings(dynamodb, "delivery", "webhook").showing("phone#1") == []
    for _ in range(2):
        mappings.hide("phone#1", "c-1")
    assert mappings.showing("phone#1") == ["c-2"]
    mappings.hide("phone#1", "c-2")
    mappings.hide("email#1", "c-1")
    assert items(dynamodb, "delivery") == []


def test_a_mapping_that_is_deleted_leaves_nothing(dynamodb: Any) -> None:
    mappings = CrmMappings(dynamodb, "delivery", "hubspot")
    mappings.save(Mapping("c-1", contact_id="7", levels={"phone#1": "proven"}))
    for _ in range(2):
        mappings.delete("c-1")
    assert mappings.get("c-1") == Mapping("c-1")
    assert items(dynamodb, "delivery") == []
