"""The working days of a company: its weekend, the public holidays of its country, its own exceptions.

China moves working days to weekends around holidays (调休); those are working days here. The State Council
announces them for one year at a time: beyond the last one announced the days are an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

import holidays

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg

SATURDAY_SUNDAY: Final = frozenset({5, 6})
_DAY: Final = timedelta(days=1)
_LONGEST_REST: Final = 366


class NoWorkingDay(KedangError):
    """The calendar has no working day within a year: its exceptions leave none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCalendar:
    """``country`` is ISO 3166 alpha-2; ``weekend`` holds weekdays, Monday 0 to Sunday 6.

    A day of ``extra_working_days`` is a working day whatever else is said of it, then a day of
    ``extra_holidays`` is free whatever else. A country without known holidays has its weekends only.
    """

    country: str
    weekend: frozenset[int] = SATURDAY_SUNDAY
    extra_holidays: frozenset[date] = frozenset()
    extra_working_days: frozenset[date] = frozenset()

    def is_working(self, day: date) -> bool:
        if day in self.extra_working_days:
            return True
        if day in self.extra_holidays:
            return False
        year = _public_year(self.country, day.year)
        if day in year.make_up_days:
            return True
        return day.weekday() not in self.weekend and day not in year.holidays

    def next_working(self, day: date) -> date:
        """``day`` itself when it is a working day, else the first one after it; raises ``NoWorkingDay``."""
        found = day
        for _ in range(_LONGEST_REST):
            if self.is_working(found):
                return found
            found += _DAY
        raise NoWorkingDay(msg("The working calendar has no working day within a year of {day}."), day=day)


def usual_weekend(country: str) -> frozenset[int]:
    """The weekdays of rest that are usual in ``country`` today, Monday 0; Saturday and Sunday where unknown."""
    if not _is_supported(country):
        return SATURDAY_SUNDAY
    return frozenset(holidays.country_holidays(country).weekend)


@dataclass(frozen=True, slots=True)
class _PublicYear:
    holidays: frozenset[date]
    make_up_days: frozenset[date]


@cache
def _public_year(country: str, year: int) -> _PublicYear:
    if not _is_supported(country):
        return _PublicYear(frozenset(), frozenset())
    public = holidays.country_holidays(country, years=year)
    moved = frozenset(day for day in public.weekend_workdays if day.year == year)
    return _PublicYear(frozenset(public) - moved, moved)


@cache
def _is_supported(country: str) -> bool:
    return country in holidays.list_supported_countries()
