"""Hours of the day in which nobody is written to, by the clocks of whoever is written to (T10, V3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``begin`` until ``end``, over midnight where ``end`` is the earlier one; ``end`` itself is loud.

    Both are plain times of the wall clock. Raises ValueError where they are the same: no time would be left.
    """

    begin: time
    end: time

    def __post_init__(self) -> None:
        if self.begin == self.end:
            raise ValueError("quiet hours that begin when they end leave no time")

    def holds_at(self, wall_clock: time) -> bool:
        """Whether it is quiet when the clocks show this."""
        if self.begin < self.end:
            return self.begin <= wall_clock < self.end
        return wall_clock >= self.begin or wall_clock < self.end

    def earliest(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The first instant from ``at`` on (in UTC) that is loud in ``zone``.

        Where the clocks are put forward over the end, or back from a quiet time to a loud one, it is that instant.
        """
        at = at.astimezone(UTC)
        if self._is_loud(at, zone):
            return at
        return min(end for end in self._ends(at, zone) if end >= at and self._is_loud(end, zone))

    def _is_loud(self, at: datetime, zone: ZoneInfo) -> bool:
        return not self.holds_at(at.astimezone(zone).time())

    def _ends(self, at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """The instants in the two days from ``at`` when the hours can end: their end, and changes of the clocks."""
        day = at.astimezone(zone).date()
        for days in range(3):
            for fold in (0, 1):
                shown = datetime.combine(day + timedelta(days=days), self.end.replace(fold=fold), zone)
                yield shown.astimezone(UTC)
        for days in range(2):
            yield from _changes(at + days * _DAY, at + (days + 1) * _DAY, zone)


def _changes(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The second from which on the clocks are other than at ``begin``; none where they are the same at ``end``."""
    offset = begin.astimezone(zone).utcoffset()
    if end.astimezone(zone).utcoffset() == offset:
        return
    low, high = begin.replace(microsecond=0), end.replace(microsecond=0)
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        same = middle.astimezone(zone).utcoffset() == offset
        low, high = (middle, high) if same else (low, middle)
    yield high
