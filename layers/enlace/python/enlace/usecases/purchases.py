"""What a purchase changes beside its timeline: the order, the totals, the carts."""

from __future__ import annotations

from enlace.domain.aggregates import Bought
from enlace.domain.carts import CART_TYPES
from enlace.domain.interaction import Interaction
from enlace.domain.records import Document
from enlace.domain.totals import ORDER_TYPES
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
    if interaction.type not in ORDER_TYPES and interaction.type not in CART_TYPES:
        return []
    bought = Bought(
        interaction_id=interaction.id,
        type=interaction.type,
        occurred_at=occurred_at,
        level=interaction.contact_point.level,
        direction=interaction.direction,
        channel=interaction.channel,
        data=interaction.data,
    )
    wanted = bought.documents
    if not wanted:
        return []
    known = store.get_documents(pk, wanted)
    after = bought.applied({sk: document.body for sk, document in known.items()})
    return [PutDocument(Document(pk, sk, body), known.get(sk)) for sk, body in after.items()]
