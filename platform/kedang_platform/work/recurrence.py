"""When a recurring rule occurs, in the wall-clock time of a zone, whatever its clocks do."""

from __future__ import annotations

from abc import abstractmethod
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from borax.calendars.lunardate import LCalendars, LunarDate

EPOCH = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday, so that weekly intervals fall on Mondays
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """Every ``period`` on a grid that all processes share; the zone plays no part."""

    period: timedelta

    def __post_init__(self) -> None:
        if self.period < timedelta(seconds=1):
            raise ValueError(f"a period of {self.period} is too short")

    def latest(self, now: datetime, _zone: ZoneInfo) -> datetime:
        """The last instant of the grid that is not after ``now``."""
        return now.astimezone(UTC) - (now - EPOCH) % self.period

    def after(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The first instant of the grid after ``now``."""
        return self.latest(now, zone) + self.period


class _OnDays:
    """Once on each of certain calendar days at a wall-clock time.

    Where the clock is put forward over the time, it occurs as much later as the clock jumped
    (02:30 becomes 03:30); where the clock is put back, at the first of the two. A day that a zone
    leaves out is joined to the one after it.
    """

    __slots__ = ()
    at: time

    @abstractmethod
    def _last_until(self, day: date) -> date:
        """The last day of the pattern that is not after ``day``."""

    @abstractmethod
    def _first_from(self, day: date) -> date:
        """The first day of the pattern that is not before ``day``."""

    def on(self, day: date, zone: ZoneInfo) -> datetime:
        """The instant of the occurrence that belongs to ``day``, in UTC."""
        return datetime.combine(day, self.at, zone).astimezone(UTC)

    def latest(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The last occurrence that is not after ``now``, in UTC."""
        # A zone that skips a whole day shows tomorrow's occurrence to be past already.
        day = self._last_until(now.astimezone(zone).date() + _DAY)
        while (instant := self.on(day, zone)) > now:
            day = self._last_until(day - _DAY)
        return instant

    def after(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The first occurrence after ``now``, in UTC."""
        day = self._first_from(now.astimezone(zone).date() - _DAY)
        while (instant := self.on(day, zone)) <= now:
            day = self._first_from(day + _DAY)
        return instant

    def _check_time(self) -> None:
        if self.at.tzinfo is not None or self.at.fold:
            raise ValueError(f"{self.at!r} is not a plain wall-clock time")


@dataclass(frozen=True, slots=True)
class Daily(_OnDays):
    """Every day."""

    at: time

    def __post_init__(self) -> None:
        self._check_time()

    def _last_until(self, day: date) -> date:
        return day

    def _first_from(self, day: date) -> date:
        return day


@dataclass(frozen=True, slots=True)
class Weekly(_OnDays):
    """Every week on ``days``: 1 is Monday, 7 Sunday (ISO 8601)."""

    days: tuple[int, ...]
    at: time

    def __post_init__(self) -> None:
        self._check_time()
        if not self.days or not all(1 <= day <= 7 for day in self.days):
            raise ValueError(f"{self.days} are not days of the week")

    def _last_until(self, day: date) -> date:
        return day - min((day.isoweekday() - each) % 7 for each in self.days) * _DAY

    def _first_from(self, day: date) -> date:
        return day + min((each - day.isoweekday()) % 7 for each in self.days) * _DAY


class _OncePerPeriod(_OnDays):
    """Once in every month or year, on a day that may lie elsewhere each time."""

    __slots__ = ()

    @abstractmethod
    def _day_in(self, period: int) -> date:
        """The day in the period of this number."""

    @abstractmethod
    def _period_of(self, day: date) -> int:
        """The number of the period in which ``day`` lies."""

    def _last_until(self, day: date) -> date:
        period = self._period_of(day)
        found = self._day_in(period)
        return found if found <= day else self._day_in(period - 1)

    def _first_from(self, day: date) -> date:
        period = self._period_of(day)
        found = self._day_in(period)
        return found if found >= day else self._day_in(period + 1)


@dataclass(frozen=True, slots=True)
class Monthly(_OncePerPeriod):
    """Every month on ``day`` (1–31); in a month that has no such day, on its last."""

    day: int
    at: time

    def __post_init__(self) -> None:
        self._check_time()
        if not 1 <= self.day <= 31:
            raise ValueError(f"{self.day} is not a day of a month")

    def _day_in(self, period: int) -> date:
        year, month = divmod(period, 12)
        return date(year, month + 1, min(self.day, monthrange(year, month + 1)[1]))

    def _period_of(self, day: date) -> int:
        return day.year * 12 + day.month - 1


@dataclass(frozen=True, slots=True)
class Yearly(_OncePerPeriod):
    """Every year on one day; 29 February is the 28th in common years."""

    month: int
    day: int
    at: time

    def __post_init__(self) -> None:
        self._check_time()
        date(2000, self.month, self.day)  # a leap year: raises ValueError for what no year has

    def _day_in(self, period: int) -> date:
        return date(period, self.month, min(self.day, monthrange(period, self.month)[1]))

    def _period_of(self, day: date) -> int:
        return day.year


@dataclass(frozen=True, slots=True)
class Lunar(_OncePerPeriod):
    """Every year of the Chinese calendar on one day, from 1901 until 2100.

    Day 30 is the 29th where the month has no 30 days, so that (12, 30) is always the eve of the new year. A leap month
    repeats nothing: the day is kept in the month that bears the number first.
    """

    month: int
    day: int
    at: time

    def __post_init__(self) -> None:
        self._check_time()
        if not (1 <= self.month <= 12 and 1 <= self.day <= 30):
            raise ValueError(f"{self.month}-{self.day} is not a day of the lunar calendar")

    def _day_in(self, period: int) -> date:
        day = min(self.day, LCalendars.ndays(period, self.month))
        found: date = LunarDate(period, self.month, day).to_solar_date()
        return found

    def _period_of(self, day: date) -> int:
        year: int = LunarDate.from_solar(day).year
        return year


Pattern: TypeAlias = Interval | Daily | Weekly | Monthly | Yearly | Lunar


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule that makes jobs of ``kind``, for each company or once for the installation."""

    name: str
    kind: str
    pattern: Pattern
    installation: bool = False
