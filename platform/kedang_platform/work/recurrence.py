"""When a recurring rule occurs, in the wall-clock time of a zone, whatever its clocks do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

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


@dataclass(frozen=True, slots=True)
class Daily:
    """Once every calendar day at a wall-clock time.

    Where the clock is put forward over the time, it occurs as much later as the clock jumped
    (02:30 becomes 03:30); where the clock is put back, at the first of the two.
    """

    at: time

    def __post_init__(self) -> None:
        if self.at.tzinfo is not None or self.at.fold:
            raise ValueError(f"{self.at!r} is not a plain wall-clock time")

    def on(self, day: date, zone: ZoneInfo) -> datetime:
        """The instant of the occurrence that belongs to ``day``, in UTC."""
        return datetime.combine(day, self.at, zone).astimezone(UTC)

    def latest(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The last occurrence that is not after ``now``, in UTC."""
        today = now.astimezone(zone).date()
        # A zone that skips a whole day shows tomorrow's occurrence to be past already.
        for day in (today + _DAY, today, today - _DAY):
            if (instant := self.on(day, zone)) <= now:
                return instant
        return self.on(today - 2 * _DAY, zone)


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule that makes jobs of ``kind``, for each company or once for the installation."""

    name: str
    kind: str
    pattern: Interval | Daily
    installation: bool = False
