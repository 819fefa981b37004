"""What a purchase changes beside its timeline: the order and the totals."""

from __future__ import annotations

from enlace.domain.interaction import Interaction
from enlace.domain.purchase import validate_purchase
from enlace.domain.records import Document
from enlace.domain.totals import ORDER_TYPES, with_event, with_order
from enlace.usecases.ports import PutDocument, Store, Write


def purchase_writes(
    store: Store, interaction: Interaction, occurred_at: str, pk: str
) -> list[Write]:
    """Writes to make together with the interaction's own, so that an order counts once.

    Parameters
    ----------
    pk : str
        Address key of the contact point.

    Raises
    ------
    InvalidInteraction
        If the purchase cannot be read.
    TemporaryFailure
        If the store does not answer.
    """
    if interaction.type not in ORDER_TYPES:
        return []
    purchase = validate_purchase(interaction.data)
    order_key = f"order#{purchase.order_id or interaction.id}"
    documents = store.get_documents(pk, [order_key, "totals"])
    order, totals = documents.get(order_key), documents.get("totals")
    was = order.body if order else {}
    now = with_event(was, interaction.type, purchase, occurred_at, interaction.id)
    if now == was:
        return []
    summed = with_order(totals.body if totals else {}, was, now)
    writes: list[Write] = [PutDocument(Document(pk, order_key, now), order)]
    if totals is None or summed != totals.body:
        writes.append(PutDocument(Document(pk, "totals", summed), totals))
    return writes
