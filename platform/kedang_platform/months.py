"""Counting in months of the calendar: the same day some months on, the last one where the month is too short."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Final

_LAST_YEAR: Final = 9998


def add_months(day: date, months: int) -> date:
    """The day ``months`` later, or earlier where negative: 31 January and one is 28 February, 29 in a leap year.

    Counting always begins at ``day``, so that one short month does not shorten those after it. What lies
    behind the year 9998 is its last day: dates end there.
    """
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if year > _LAST_YEAR:
        return date(_LAST_YEAR, 12, 31)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
