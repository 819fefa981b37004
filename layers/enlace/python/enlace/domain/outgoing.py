"""One outgoing message, as the deliver use case hands it to a provider's adapter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message, rendered, to one address.

    Parameters
    ----------
    message_id : str
        Goes along as a tag, so that a duplicate and a delivery report can be
        recognised.
    address : str
        One e-mail address or one E.164 number. Personal data: never log it.
    """

    message_id: str
    address: str
    purpose: str
    template: str
    subject: str
    text: str
    html: str
    sms: str
