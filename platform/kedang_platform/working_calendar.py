"""The working days and hours of a company: its weekend, the public holidays of its country, its own exceptions.

China moves working days to weekends around holidays (调休); those are working days here. The State Council
announces them for one year at a time: beyond the last one announced the days are an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg

SATURDAY_SUNDAY: Final = frozenset({5, 6})
_ANNOUNCED_YEARLY: Final = frozenset({"CN"})
"""Where every year has make-up working days that are known only when they are announced."""
_DAY: Final = timedelta(days=1)
_LONGEST_REST: Final = 366
_NOTHING: Final = timedelta()


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

    def working_days_back(self, day: date, number: int) -> date:
        """The latest day after which ``number`` working days have passed when ``day`` is over; ``number`` >= 1.

        What was due on it or before is overdue by at least that many working days on ``day``. Raises ``NoWorkingDay``.
        """
        found, left, rest = day, number, 0
        while left:
            working = self.is_working(found)
            left -= working
            rest = 0 if working else rest + 1
            if rest > _LONGEST_REST:
                raise NoWorkingDay(
                    msg("The working calendar has no working day within a year of {day}."), day=day
                )
            found -= _DAY
        return found

    def is_estimate(self, year: int) -> bool:
        """Whether the year's holidays and make-up days have not been announced, and the company has entered none."""
        if self.country not in _ANNOUNCED_YEARLY or _public_year(self.country, year).make_up_days:
            return False
        return all(day.year != year for day in self.extra_holidays | self.extra_working_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """The hours between ``opens`` and ``closes`` of every working day, in minutes from midnight on the clocks of ``zone``.

    0 <= ``opens`` < ``closes`` <= 1440; 1440 is midnight at the end of the day. Business time is the
    time that passes within these hours: on the day on which the clocks are put forward a company that
    works at night has an hour less, on the other one an hour more. Instants are aware.
    """

    calendar: WorkingCalendar
    zone: ZoneInfo
    opens: int = 9 * 60
    closes: int = 18 * 60

    def due_after(self, start: datetime, minutes: int) -> datetime:
        """The first instant at which ``minutes`` of business time have passed since ``start``; in UTC.

        It lies within working hours, their ends included: what is due when nothing has passed is due at
        once, or at the next opening. Raises ``NoWorkingDay``.
        """
        return self.after(start, timedelta(minutes=minutes))

    def business_minutes_between(self, start: datetime, end: datetime) -> int:
        """The whole minutes of business time from ``start`` to ``end``; 0 when ``end`` is not later."""
        return self.between(start, end) // timedelta(minutes=1)

    def after(self, start: datetime, business_time: timedelta) -> datetime:
        """``due_after`` to the microsecond; ``business_time`` is not negative."""
        start = start.astimezone(UTC)
        left = business_time
        day = self._day(start)
        while True:
            day = self.calendar.next_working(day)
            begin, end = self._span(day)
            begin = max(begin, start)
            if begin <= end and begin + left <= end:
                return begin + left
            left -= max(end - begin, _NOTHING)
            day += _DAY

    def between(self, start: datetime, end: datetime) -> timedelta:
        """``business_minutes_between`` to the microsecond."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        passed = _NOTHING
        day, last = self._day(start), self._day(end)
        while day <= last:
            if self.calendar.is_working(day):
                opens, closes = self._span(day)
                passed += max(min(closes, end) - max(opens, start), _NOTHING)
            day += _DAY
        return passed

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def _span(self, day: date) -> tuple[datetime, datetime]:
        """When the company opens and closes on a day, in UTC; an hour that the clocks leave out is passed over."""
        begin, end = self._instant(day, self.opens), self._instant(day, self.closes)
        return begin, max(begin, end)

    def _instant(self, day: date, minutes: int) -> datetime:
        days, minutes = divmod(minutes, 24 * 60)
        local = datetime.combine(day + days * _DAY, time(*divmod(minutes, 60)), self.zone)
        return local.astimezone(UTC)


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
