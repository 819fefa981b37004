"""Handling an event again at once."""

from __future__ import annotations

import pytest

from enlace.domain.envelope import Event
from enlace.errors import InvalidPayload, ProviderRejected, ProviderUnavailable, TemporaryFailure
from enlace.usecases.try_again import ATTEMPTS, trying_again

EVENT = Event("customer.merged", 1, "enlace.test", "id", {}, {})


class Failing:
    """Raises what it is given, one a call, then succeeds."""

    def __init__(self, *errors: Exception):
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, event: Event) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def handled(handle: Failing, *, time_left: bool = True) -> tuple[str, list[float]]:
    waits: list[float] = []
    again = trying_again(handle, time_left=lambda: time_left, sleep=waits.append)
    return again(EVENT), waits


def test_waits_longer_each_time_until_nobody_is_in_the_way() -> None:
    handle = Failing(*[TemporaryFailure("busy"), ProviderRejected("merged away")])
    result, waits = handled(handle)
    assert result == "done"
    assert handle.calls == 3
    assert len(waits) == 2
    assert 0 < waits[0] <= 0.2 <= waits[1] <= 0.4


@pytest.mark.parametrize("error", [ProviderUnavailable("down"), InvalidPayload("poison")])
def test_what_time_does_not_mend_is_raised_at_once(error: Exception) -> None:
    handle = Failing(error)
    with pytest.raises(type(error)):
        handled(handle)
    assert handle.calls == 1


def test_gives_up_after_a_bounded_number_of_attempts() -> None:
    handle = Failing(*[TemporaryFailure("busy")] * 20)
    with pytest.raises(TemporaryFailure):
        handled(handle)
    assert handle.calls == ATTEMPTS


def test_gives_up_when_the_function_runs_out_of_time() -> None:
    handle = Failing(TemporaryFailure("busy"))
    with pytest.raises(TemporaryFailure):
        handled(handle, time_left=False)
    assert handle.calls == 1
