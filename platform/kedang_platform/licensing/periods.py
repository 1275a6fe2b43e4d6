"""Periods of a subscription: whole months and years that end on the anchor's day, where the month has it (T4)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

Interval = Literal["month", "year"]

_MONTHS: dict[Interval, int] = {"month": 1, "year": 12}


def end_of_period(*, start: date, anchor: date, interval: Interval) -> date:
    """The day on which the period that began on ``start`` is over and the next one begins.

    A subscription of 31 January goes on from 28 February, 31 March, 30 April; one of 29 February from
    28 February and, every fourth year, from the 29th again.
    """
    months = start.year * 12 + start.month - 1 + _MONTHS[interval]
    year, month = divmod(months, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def day_in(zone: str, instant: datetime) -> date:
    """The day that people in ``zone`` (an IANA name) have at ``instant``."""
    return instant.astimezone(ZoneInfo(zone)).date()
