"""The one error base of Enlace, with one class per cause.

Texts of these errors reach logs and HTTP answers, so they name fields and
reasons and never carry a value that somebody sent: a value may be personal data.
"""


class EnlaceError(Exception):
    """Base of every error that Enlace raises on purpose."""


class InvalidInteraction(EnlaceError):
    """An interaction breaks the contract; sending it again cannot help.

    Parameters
    ----------
    reason : str
        Which field is wrong and why, without the field's value.
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class InvalidSignature(EnlaceError):
    """A request is not signed by the vendor (answer 401)."""


class InvalidPayload(EnlaceError):
    """A signed request cannot be understood (answer 400)."""


class PayloadTooLarge(EnlaceError):
    """A request is larger than its channel allows (answer 413)."""


class Conflict(EnlaceError):
    """Another writer changed the same component first; read again and retry."""


class TemporaryFailure(EnlaceError):
    """A service did not do its part this time; redelivery will try again."""


class Misconfigured(EnlaceError):
    """A setting or secret lacks what is needed; sending again helps once it is mended."""


class NotFound(EnlaceError):
    """What was asked for is not known (answer 404)."""


class InvalidRules(EnlaceError):
    """A rules file cannot be used; the text says which field and why."""


class InvalidWeights(EnlaceError):
    """A weights file cannot be used; the text says which field and why."""


class RulesRefused(EnlaceError):
    """Rules that are well-formed cannot come into force on this stack; the text says why."""


class TakenOver(EnlaceError):
    """Another run has taken a job on; this one has nothing more to do."""


class AlreadyRecorded(EnlaceError):
    """The interaction is in the timeline already: a redelivery.

    Parameters
    ----------
    effects : list[dict]
        What the first delivery changed, to be published again under the same ids.
    """

    def __init__(self, effects: list[dict]):  # type: ignore[type-arg]
        super().__init__("already recorded")
        self.effects = effects


class Fenced(EnlaceError):
    """An erasure keeps this interaction out; it is acknowledged, and nothing is recorded.

    Parameters
    ----------
    outcome : str
        ``fenced`` or ``quarantined``: the metric that counts it.
    """

    def __init__(self, outcome: str):
        super().__init__(f"{outcome}: by an erasure")
        self.outcome = outcome


class Erased(EnlaceError):
    """What an event tells of was recorded before it was told, and is there no more.

    Tables are read consistently, so it was erased: there is nothing left to do.
    """

    def __init__(self) -> None:
        super().__init__("erased")


class ComponentSaturated(EnlaceError):
    """Evidence would tie more identifiers together than one document holds."""


class ProviderError(EnlaceError):
    """A provider outside did not do what was asked.

    Parameters
    ----------
    reason : str
        Provider, operation and error code; never the provider's own text, which
        may quote an address.
    code : str
        The provider's own word for it, as far as it is one of a documented list.
    """

    def __init__(self, reason: str, *, code: str = ""):
        super().__init__(reason)
        self.reason = reason
        self.code = code


class ProviderUnavailable(ProviderError, TemporaryFailure):
    """The provider certainly did nothing (throttled, not reached, not set up): try later."""


class ProviderRejected(ProviderError):
    """The provider refused this request for good; sending it again cannot help."""


class ProviderAmbiguous(ProviderError):
    """The acknowledgement was lost: the provider may or may not have done it."""


class InvalidDecision(EnlaceError):
    """A conciliation that cannot be made; the text says why."""


class SecondOperatorNeeded(EnlaceError):
    """Whoever decided cannot approve it as well (answer 403)."""


class NotPending(EnlaceError):
    """A decision does not wait for an approver, or no longer; the text says why (409)."""


class TooManyPending(EnlaceError):
    """So many decisions wait for an approver that no more are taken (answer 409)."""
