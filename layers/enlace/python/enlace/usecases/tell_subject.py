"""Tell a person that they were erased: the last message that they get.

By then nobody is known by the address, so no sender could look it up: it comes from the
erasure's own snapshot, which is destroyed right after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.outgoing import Content, Outgoing
from enlace.errors import ProviderAmbiguous, ProviderRejected
from enlace.usecases.erasure_ports import ErasureRequest

TEMPLATE = "dsr_completed"
_LANGUAGE = "pt-BR"


class Templates(Protocol):
    """The texts."""

    def render(self, name: str, language: str, data: Mapping[str, Any]) -> Content: ...


class Provider(Protocol):
    """An adapter to a provider, see :class:`enlace.usecases.deliver_message.MessageProvider`."""

    def send(self, message: Outgoing) -> str: ...


class TellSubject:
    """The use case.

    Parameters
    ----------
    templates : Templates
    providers : mapping of kind to Provider
        Kinds of addresses, such as ``email`` and ``phone``, and who writes to them.
    """

    def __init__(self, templates: Templates, providers: Mapping[str, Provider]):
        self._templates = templates
        self._providers = providers

    def __call__(self, request: ErasureRequest, subject: Subject, certificate_id: str) -> None:
        """Tell them, at the address that the request named if that can be written to.

        A message whose acknowledgement was lost counts as sent, and one that the provider
        refuses is given up: the erasure is over all the same.

        Raises
        ------
        ProviderUnavailable
            If the provider certainly did not take it; later may do.
        """
        to = self._address(request, subject)
        if to is None:
            return
        language = request.language or _LANGUAGE
        data = {"request_id": request.request_id, "certificate_id": certificate_id}
        message = Outgoing(
            message_id=certificate_id,
            kind=to.kind,
            address=to.value,
            purpose="dsr",
            template=TEMPLATE,
            language=language,
            content=self._templates.render(TEMPLATE, language, data),
        )
        try:
            self._providers[to.kind].send(message)
        except (ProviderAmbiguous, ProviderRejected):
            return

    def _address(self, request: ErasureRequest, subject: Subject) -> SubjectIdentifier | None:
        named = request.identifier.key
        order = sorted(subject.identifiers, key=lambda one: one.key != named)
        return next((one for one in order if one.kind in self._providers and one.value), None)
