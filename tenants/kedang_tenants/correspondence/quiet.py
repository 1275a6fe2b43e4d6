"""Quiet hours: the times of the day at which no mail arrives, and the first instant after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_A_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From a time of the day until another, as the clocks on the wall show it; over midnight where it ends earlier."""

    begin: time
    end: time

    def cover(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Whether the clocks in ``zone`` show a quiet time at the moment; at the end they are over."""
        shown = moment.astimezone(zone).time()
        if self.begin <= self.end:
            return self.begin <= shown < self.end
        return shown >= self.begin or shown < self.end

    def first_outside(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first instant (UTC, whole seconds after a wait) from ``moment`` on that is not quiet in ``zone``.

        Where clocks are put forward over the end, or back from a quiet time to one that is not, it is that instant.
        """
        moment = moment.astimezone(UTC)
        if not self.cover(moment, zone):
            return moment
        found = [at for at in self._ends(moment, zone) if at >= moment and not self.cover(at, zone)]
        return min(found)

    def _ends(self, moment: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """The instants at which quiet hours can end in the two days from ``moment``: their end, and changes of clocks."""
        day = moment.astimezone(zone).date()
        for days in range(3):
            for fold in (0, 1):
                local = datetime.combine(day + timedelta(days=days), self.end, zone).replace(fold=fold)
                yield local.astimezone(UTC)
        for days in range(2):
            begin = moment + days * _A_DAY
            yield from _changes(begin, begin + _A_DAY, zone)


def _changes(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The first second after a change of the clocks between two instants; at most one is looked for."""
    before = begin.astimezone(zone).utcoffset()
    if end.astimezone(zone).utcoffset() == before:
        return
    low, high = begin.replace(microsecond=0), end.replace(microsecond=0)
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    yield high
