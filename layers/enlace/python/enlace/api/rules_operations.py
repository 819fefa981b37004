"""The routes of the rules of identity."""

from __future__ import annotations

from enlace.api import rules_models
from enlace.api.operation import Operation
from enlace.api.rules import CHANGERS, READERS

OPERATIONS = {
    "GET /v1/rules": Operation(
        "The rules of identity in force, and how far what is stored has been brought to them.",
        READERS,
        200,
        rules_models.RulesInForce,
        None,
        (503,),
    ),
    "PUT /v1/rules": Operation(
        "Put rules in force, as JSON or, with content type text/plain, as the file itself. The "
        "customers follow; asking again with the same rules changes nothing.",
        CHANGERS,
        200,
        rules_models.RulesInForce,
        rules_models.RulesRequest,
        (400, 409, 413, 422, 503),
    ),
}
