"""Who writes to an address at once, without a record of a message: for data subjects' requests.

Such a message may concern somebody of whom nothing is known, or nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enlace.senders.base import ProviderCall


class Direct:
    """Providers by the kind of address, each made when it is first written to.

    Parameters
    ----------
    environ : mapping
        ``EMAIL_FROM``; ``SMS_PROVIDER`` (``eum`` or ``sns``) and ``SMS_ORIGIN``.
    calls : callable
        Client name and provider name to what makes its calls.
    """

    def __init__(self, environ: Mapping[str, str], calls: Callable[[str, str], ProviderCall]):
        self._environ = environ
        self._calls = calls
        self._made: dict[str, Any] = {}

    def reaches(self, kind: str) -> bool:
        """Whether addresses of a kind can be written to."""
        return kind in ("email", "phone")

    def provider(self, kind: str) -> Any:
        """The provider for addresses of a kind (:class:`enlace.usecases.tell_subject.Provider`)."""
        if kind not in self._made:
            self._made[kind] = self._email() if kind == "email" else self._sms()
        return self._made[kind]

    def _email(self) -> Any:
        from enlace.senders.ses import Ses

        return Ses(self._calls("sesv2", "ses"), sender=self._environ["EMAIL_FROM"])

    def _sms(self) -> Any:
        origin = self._environ.get("SMS_ORIGIN", "")
        if self._environ.get("SMS_PROVIDER") == "eum":
            from enlace.senders.sms_eum import EumSms

            calls = self._calls("pinpoint-sms-voice-v2", "eum")
            return EumSms(calls, origin=origin, configuration_set="")
        from enlace.senders.sms_sns import SnsSms

        return SnsSms(self._calls("sns", "sns"), origin=origin)
