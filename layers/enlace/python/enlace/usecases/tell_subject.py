"""Write to a data subject about their request: the code at its beginning, the word at its end.

These go to the address itself, past all records: of whoever asks perhaps nothing is known, and
of whoever was erased nothing any more. They rest on the law, and no consent is asked.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.interaction import Identifier
from enlace.domain.outgoing import Content, Outgoing
from enlace.errors import ProviderAmbiguous, ProviderRejected
from enlace.usecases.erasure_ports import ErasureRequest

COMPLETED = "dsr_completed"
_LANGUAGE = "pt-BR"


class Templates(Protocol):
    """The texts."""

    def render(self, name: str, language: str, data: Mapping[str, Any]) -> Content: ...


class Provider(Protocol):
    """An adapter to a provider, see :class:`enlace.usecases.deliver_message.MessageProvider`."""

    def send(self, message: Outgoing) -> str: ...


class Providers(Protocol):
    """See :class:`enlace.senders.direct.Direct`."""

    def reaches(self, kind: str) -> bool: ...

    def provider(self, kind: str) -> Provider: ...


class Letters:
    """Writes to an address.

    Parameters
    ----------
    templates : Templates
    providers : Providers
    """

    def __init__(self, templates: Templates, providers: Providers):
        self._templates = templates
        self._providers = providers

    def reaches(self, kind: str) -> bool:
        """Whether addresses of a kind can be written to."""
        return self._providers.reaches(kind)

    def __call__(
        self, to: Identifier, template: str, language: str, data: Mapping[str, Any]
    ) -> bool:
        """Write to an address, if it can be written to.

        A message whose acknowledgement was lost counts as sent: who did not get it asks again.

        Returns
        -------
        bool
            False where no provider reaches it, or its provider refuses it.

        Raises
        ------
        ProviderUnavailable
            If the provider certainly did not take it; later may do.
        """
        if not to.value or not self._providers.reaches(to.kind):
            return False
        language = language or _LANGUAGE
        message = Outgoing(
            message_id=str(uuid.uuid4()),
            kind=to.kind,
            address=to.value,
            purpose="dsr",
            template=template,
            language=language,
            content=self._templates.render(template, language, data),
        )
        try:
            self._providers.provider(to.kind).send(message)
        except ProviderAmbiguous:
            return True
        except ProviderRejected:
            return False
        return True


class TellSubject:
    """Tells a person that they were erased: the last message that they get.

    It comes from the erasure's own snapshot, which is destroyed right after.
    """

    def __init__(self, letters: Letters):
        self._letters = letters

    def __call__(self, request: ErasureRequest, subject: Subject, certificate_id: str) -> None:
        """Tell them, at the address that the request named if that can be written to.

        Raises
        ------
        ProviderUnavailable
            If the provider certainly did not take it; later may do.
        """
        data = {"request_id": request.request_id, "certificate_id": certificate_id}
        for to in self._addresses(request, subject):
            if self._letters(to, COMPLETED, request.language, data):
                return

    def _addresses(self, request: ErasureRequest, subject: Subject) -> list[Identifier]:
        def order(one: SubjectIdentifier) -> bool:
            return one.key != request.identifier.key

        return [
            Identifier(one.kind, one.value, "proven")
            for one in sorted(subject.identifiers, key=order)
            if one.value and self._letters.reaches(one.kind)
        ]
