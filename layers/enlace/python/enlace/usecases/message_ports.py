"""What planning a message needs of others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from enlace.domain.delivery import Choice, MessageRecord, State, Step
from enlace.domain.message_policy import Cap


class Deliveries(Protocol):
    """Records of messages; see :class:`enlace.aws.delivery_table.DeliveryTable`."""

    def get(self, message_id: str) -> MessageRecord | None: ...

    def decide(self, message_id: str, choice: Choice, steps: Sequence[Step]) -> Choice: ...

    def reserve(
        self,
        person: str,
        message_id: str,
        choice: Choice,
        *,
        caps: Collection[Cap],
        counted: Collection[tuple[str, int]],
        now: int,
    ) -> Choice | None: ...

    def reserved(self, person: str, message_id: str, attempt: int) -> Choice | None: ...

    def put_off(
        self,
        message_id: str,
        state: State,
        attempt: int,
        *,
        at: str,
        reason: str,
        steps: Sequence[Step],
        due_at: str = "",
        about: str = "",
    ) -> bool: ...

    def forget(self, message_id: str, attempt: int) -> None: ...


class Alarms(Protocol):
    """Brings a message back at a later time."""

    def set(self, message_id: str, *, purpose: str, cause: str, attempt: int, at: str) -> None:
        """Have the command ``dispatch.message`` come at ``at``, once; set again, it is one.

        Raises
        ------
        TemporaryFailure
            If the service did not do its part.
        """
