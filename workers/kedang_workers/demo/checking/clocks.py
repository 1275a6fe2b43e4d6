"""Working days and business time at Northwind, counted here on their own.

The public holidays come from the ``holidays`` library directly, not from the product's calendar.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import holidays

from kedang_workers.demo.looking import TIME_ZONE, day_of

OPENS, CLOSES = time(9), time(18)
_ZONE: Final = ZoneInfo(TIME_ZONE)
_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


def is_working_day(day: date) -> bool:
    """Neither Saturday, Sunday nor a public holiday in the USA."""
    return day.weekday() < _SATURDAY and day not in holidays.country_holidays("US", years=day.year)


def next_working_day(day: date) -> date:
    """The day itself, or the first working day after it."""
    while not is_working_day(day):
        day += _DAY
    return day


def business_time(start: datetime, end: datetime) -> timedelta:
    """How much of the time between two instants lies within working hours."""
    passed = timedelta()
    day = day_of(start.isoformat())
    while day <= day_of(end.isoformat()):
        if is_working_day(day):
            opens, closes = (datetime.combine(day, at, _ZONE) for at in (OPENS, CLOSES))
            passed += max(min(closes, end) - max(opens, start), timedelta())
        day += _DAY
    return passed


def runs_out(opened: datetime, due: datetime) -> timedelta | None:
    """The business time after which a clock that began at ``opened`` runs out; None if ``due`` is not the first such instant."""
    allowed = business_time(opened, due)
    earlier = business_time(opened, due - timedelta(seconds=1))
    return allowed if earlier < allowed else None
