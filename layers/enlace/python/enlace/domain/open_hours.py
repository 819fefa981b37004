"""When it may ring where somebody lives.

A phone's zone is seldom known for sure, so several may be given: it is open where it is
open in all of them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from enlace.domain.message_policy import OpenHours

#: Every change of the week lies on one of these; no zone has a finer offset today.
_STEP = timedelta(minutes=15)
_LOOK_AHEAD = timedelta(days=8)


def is_open(hours: OpenHours, zones: Collection[str], at: datetime) -> bool:
    """Whether it may ring at ``at`` (with a zone) in every one of ``zones``."""
    return all(_open_in(hours, _zone(name, hours), at) for name in zones or (hours.zone,))


def next_opening(hours: OpenHours, zones: Collection[str], at: datetime) -> datetime:
    """When it may ring next, ``at`` itself included.

    Zones that have no hour in common count as the first of them: one who lives across
    eleven zones could never be reached else.
    """
    for wanted in (tuple(zones), tuple(zones)[:1]):
        moment = at
        while moment <= at + _LOOK_AHEAD:
            if is_open(hours, wanted, moment):
                return moment
            moment = _next_step(moment)
    return at + _LOOK_AHEAD


def closes_at(hours: OpenHours, zones: Collection[str], at: datetime) -> datetime:
    """When it may ring no more, having begun at ``at``."""
    moment = at
    while is_open(hours, zones, moment) and moment <= at + _LOOK_AHEAD:
        moment = _next_step(moment)
    return moment


def _next_step(moment: datetime) -> datetime:
    seconds = int(_STEP.total_seconds())
    passed = int(moment.timestamp()) // seconds * seconds
    return datetime.fromtimestamp(passed + seconds, tz=moment.tzinfo)


def _zone(name: str, hours: OpenHours) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # Somebody's own invention; the company's zone is better than none.
        return ZoneInfo(hours.zone)


def _open_in(hours: OpenHours, zone: ZoneInfo, at: datetime) -> bool:
    local = at.astimezone(zone)
    window = hours.days[local.weekday()]
    return window is not None and window[0] <= local.time() < window[1]
