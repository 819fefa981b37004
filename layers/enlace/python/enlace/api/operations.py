"""Every route's description: who may call it, with what, and what it answers; by area."""

from __future__ import annotations

from enlace.api import (
    case_operations,
    conciliation_operations,
    consent_operations,
    customer_operations,
    message_operations,
    privacy_operations,
    rules_operations,
    template_operations,
)
from enlace.api.operation import Operation

OPERATIONS: dict[str, Operation] = {
    **customer_operations.OPERATIONS,
    **case_operations.OPERATIONS,
    **consent_operations.OPERATIONS,
    "GET /v1/openapi.json": Operation("This document.", frozenset(), 200),
    **conciliation_operations.OPERATIONS,
    **template_operations.OPERATIONS,
    **message_operations.OPERATIONS,
    **privacy_operations.OPERATIONS,
    **rules_operations.OPERATIONS,
}
