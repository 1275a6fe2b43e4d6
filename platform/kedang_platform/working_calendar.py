"""The working days of a company: its weekend, the public holidays of its country, its own exceptions.

China moves working days to weekends around holidays (调休); those are working days here. The State Council
announces them for one year at a time, so ``known_until`` says how far the calendar can be trusted.
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

    @property
    def known_until(self) -> date | None:
        """The last day whose public holidays are settled; ``None`` when the country's are not known at all."""
        year = _last_settled_year(self.country)
        return None if year is None else date(year, 12, 31)

    def is_known(self, day: date) -> bool:
        """Whether the public holidays around ``day`` are settled; later ones are an estimate."""
        last = self.known_until
        return last is not None and day <= last

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
        return self._seek(day, _DAY)

    def add_working_days(self, day: date, number: int) -> date:
        """The ``number``-th working day after ``day``, before it when negative; 0 is ``next_working(day)``.

        ``day`` itself is never counted, so a deadline of one working day given on any day of a free weekend
        is the Monday. Raises ``NoWorkingDay``.
        """
        if number == 0:
            return self.next_working(day)
        step = _DAY if number > 0 else -_DAY
        for _ in range(abs(number)):
            day = self._seek(day + step, step)
        return day

    def count_working_days(self, start: date, end: date) -> int:
        """Working days from ``start`` to before ``end``; 0 when ``end`` is not later."""
        return sum(self.is_working(start + timedelta(days=n)) for n in range((end - start).days))

    def _seek(self, day: date, step: timedelta) -> date:
        for _ in range(_LONGEST_REST):
            if self.is_working(day):
                return day
            day += step
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
def _last_settled_year(country: str) -> int | None:
    if not _is_supported(country):
        return None
    public = holidays.country_holidays(country)
    if country == "CN":
        return max(int(year) for year in public.special_public_holidays)
    return int(public.end_year)


@cache
def _is_supported(country: str) -> bool:
    return country in holidays.list_supported_countries()
