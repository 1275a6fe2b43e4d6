"""When a report is made by itself, and which days a period means: rules of the calendar, nothing else."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kedang_platform.work.recurrence import Daily, Monthly, Pattern, Weekly, Yearly
from kedang_tenants.people.calendar import WEEKDAYS
from kedang_tenants.reports.models import BETWEEN

_DAY: Final = timedelta(days=1)
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_WEEKDAY_NUMBERS: Final = {option.code: number for number, option in enumerate(WEEKDAYS, start=1)}


def pattern_of(
    every: str, at: time, *, weekday: str | None = None, day: int | None = None, month: int | None = None
) -> Pattern:
    """When a schedule occurs: every day, or on one day of every week, month or year, at a wall-clock time.

    The 31st is the last day of a shorter month, 29 February the 28th of a common year. Raises ValueError
    for a day that no year has.
    """
    match every:
        case "WEEKLY":
            return Weekly((_WEEKDAY_NUMBERS[weekday or "MONDAY"],), at)
        case "MONTHLY":
            return Monthly(day or 1, at)
        case "YEARLY":
            return Yearly(month or 1, day or 1, at)
    return Daily(at)


def time_of_day(text: str) -> time | None:
    """``HH:MM`` as a time; None for anything else."""
    return time.fromisoformat(text) if _TIME.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def end(self) -> date:
        """The first day that is not part of it any more."""
        return self.last + _DAY

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """From the beginning of the first day to that of the day after the last, in the company's zone."""
        return datetime.combine(self.first, time(), zone), datetime.combine(self.end, time(), zone)


def span_of(period: str, today: date, *, first: date | None = None, last: date | None = None) -> Span:
    """The days that a period means as seen on ``today``; ``first`` and ``last`` only between two days."""
    if period == BETWEEN:
        if first is None or last is None:
            raise ValueError("a period between two days names them")
        return Span(first, last)
    month = today.replace(day=1)
    year = month.replace(month=1)
    quarter = month.replace(month=(month.month - 1) // 3 * 3 + 1)
    monday = today - today.weekday() * _DAY
    match period:
        case "YESTERDAY":
            return Span(today - _DAY, today - _DAY)
        case "LAST_WEEK":
            return Span(monday - 7 * _DAY, monday - _DAY)
        case "LAST_MONTH":
            return Span((month - _DAY).replace(day=1), month - _DAY)
        case "LAST_QUARTER":
            before = (quarter - _DAY).replace(day=1)
            return Span(before.replace(month=before.month - 2), quarter - _DAY)
        case "LAST_YEAR":
            return Span(year.replace(year=year.year - 1), year - _DAY)
        case "THIS_MONTH":
            return Span(month, today)
        case "THIS_YEAR":
            return Span(year, today)
        case "LAST_12_MONTHS":
            return Span(_year_before(today) + _DAY, today)
    raise ValueError(f"no period: {period}")


def _year_before(day: date) -> date:
    """The same day a year ago; the 28th for a 29th of February."""
    return day.replace(year=day.year - 1, day=min(day.day, monthrange(day.year - 1, day.month)[1]))
