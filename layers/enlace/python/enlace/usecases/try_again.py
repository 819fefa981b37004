"""Handle an event again at once where others were at the same customer.

Senders that follow one customer meet often: a burst of contacts, a merge and the activities that
caused it. Giving the event back to the queue costs a visibility timeout of minutes, and one of the
few receipts before the dead-letter queue; a moment later, nobody is in the way any more.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from enlace.domain.envelope import Event
from enlace.errors import ProviderRejected, ProviderUnavailable, TemporaryFailure

ATTEMPTS = 6
_FIRST_SECONDS = 0.1


def trying_again(
    handle: Callable[[Event], str],
    *,
    time_left: Callable[[], bool],
    sleep: Callable[[float], None],
) -> Callable[[Event], str]:
    """``handle``, repeated where that may help.

    Parameters
    ----------
    handle
        Safe to repeat, as the queue's redelivery does it anyway.
    time_left
        Whether the function's time allows another attempt.
    sleep
        Waits some seconds.

    Returns
    -------
    callable
        Raises what the last attempt raised. A provider that is down or throttles is not asked
        again: its client has done so, and the queue waits longer.
    """

    def handle_again(event: Event) -> str:
        for attempt in range(1, ATTEMPTS):
            try:
                return handle(event)
            except ProviderUnavailable:
                raise
            except (TemporaryFailure, ProviderRejected):
                # Rejected too: a contact that another sender has just merged is refused.
                if not time_left():
                    raise
            sleep(random.uniform(0.5, 1.0) * _FIRST_SECONDS * 2**attempt)
        return handle(event)

    return handle_again
