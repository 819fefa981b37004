"""What a purchase changes beside its timeline: the order, the totals, the carts."""

from __future__ import annotations

from enlace.domain.carts import CART_TYPES, cart_entry, cart_id_of, with_cart
from enlace.domain.disclosure import disclosable
from enlace.domain.interaction import Interaction
from enlace.domain.purchase import validate_purchase
from enlace.domain.records import Document
from enlace.domain.totals import ORDER_TYPES, with_event, with_last, with_order
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
    type_, data = interaction.type, interaction.data
    if type_ not in ORDER_TYPES and type_ not in CART_TYPES:
        return []
    purchase = validate_purchase(data) if type_ in ORDER_TYPES else None
    cart_id = cart_id_of(type_, data)
    order_key = f"order#{purchase.order_id or interaction.id}" if purchase else ""
    wanted = [order_key, "totals"] if purchase else []
    wanted += ["carts"] if cart_id else []
    if not wanted:
        return []
    known = store.get_documents(pk, wanted)
    bodies = {sk: document.body for sk, document in known.items()}
    told = disclosable(
        level=interaction.contact_point.level,
        direction=interaction.direction,
        type_=type_,
        channel=interaction.channel,
    )
    after: dict[str, dict[str, object]] = {}
    if purchase:
        was = bodies.get(order_key, {})
        now = with_event(was, type_, purchase, occurred_at, interaction.id)
        totals = with_order(bodies.get("totals", {}), was, now)
        after[order_key] = now
        after["totals"] = with_last(totals, type_, purchase, occurred_at, interaction.id, told=told)
    if cart_id:
        entry = cart_entry(type_, data, occurred_at, interaction.id, interaction.channel)
        after["carts"] = with_cart(bodies.get("carts", {}), cart_id, entry, told=told)
    return [
        PutDocument(Document(pk, sk, body), known.get(sk))
        for sk, body in after.items()
        if body != bodies.get(sk, {})
    ]
