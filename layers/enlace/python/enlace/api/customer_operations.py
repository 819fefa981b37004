"""The routes of customers and their interactions."""

from __future__ import annotations

from enlace.api import customer_models, models
from enlace.api.customers import CONTACTS, READERS
from enlace.api.interactions import WRITERS
from enlace.api.operation import Operation, paging, query
from enlace.contracts.interaction import Interaction
from enlace.domain.interaction import TYPES
from enlace.usecases.accept_interactions import MAX_ITEMS
from enlace.usecases.timeline import DEFAULT_LIMIT, MAX_LIMIT

_TIME = {"type": "string", "format": "date-time"}
_FILTERS = (
    query(
        "channel",
        {"type": "string", "pattern": r"^[a-z][a-z0-9_.\-]{0,63}$"},
        "Only this channel's.",
    ),
    query("type", {"enum": sorted(TYPES)}, "Only this type."),
    query("since", _TIME, "At this time or later; ISO 8601 with a zone."),
    query("until", _TIME, "Before this time."),
    *paging("Items", MAX_LIMIT, DEFAULT_LIMIT),
)

OPERATIONS = {
    "POST /v1/interactions": Operation(
        f"Hand in one interaction, or a list of up to {MAX_ITEMS}. Only `admin` may assert "
        "the level `proven`.",
        WRITERS,
        202,
        models.AcceptedInteractions,
        Interaction,
        (400, 413, 503),
        listed=True,
    ),
    "POST /v1/customers/lookup": Operation(
        "The customer behind an identifier; kind `customer_id` follows aliases.",
        READERS,
        200,
        customer_models.Customer,
        models.IdentifierRequest,
        (400, 404, 413, 503),
    ),
    "GET /v1/customers/{id}": Operation(
        "The 360° view. Former ids answer with the current customer.",
        READERS,
        200,
        customer_models.Customer,
        None,
        (404, 503),
    ),
    "GET /v1/customers/{id}/timeline": Operation(
        "Interactions over all contact points, newest first.",
        READERS,
        200,
        customer_models.TimelinePage,
        None,
        (400, 404, 503),
        parameters=_FILTERS,
    ),
    "GET /v1/customers/{id}/context": Operation(
        "The context for an agent's screen.",
        CONTACTS,
        200,
        customer_models.Context,
        None,
        (404, 503),
    ),
    "POST /v1/customers/{id}/explain": Operation(
        "The path of evidence between two identifiers.",
        READERS,
        200,
        models.Explanation,
        models.ExplainRequest,
        (400, 404, 413, 503),
    ),
    "POST /v1/context": Operation(
        "The context of a contact point, for an agent or for the customer's own side.",
        CONTACTS,
        200,
        customer_models.Context,
        models.ContextRequest,
        (400, 404, 413, 503),
    ),
}
