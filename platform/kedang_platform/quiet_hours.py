"""Hours of the day in which nobody is written to, by the clocks of whoever is written to (T10, V3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


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
        """``at`` itself where it is loud in ``zone``, else the instant at which the quiet hours end; in UTC.

        Where the clocks are put forward over the end, that is as much later as they jumped; where they are
        put back, the first time they show it that is not before ``at``.
        """
        local = at.astimezone(zone)
        if not self.holds_at(local.time()):
            return at.astimezone(UTC)
        day = local.date() if local.time() < self.end else local.date() + _DAY
        first, second = (
            datetime.combine(day, self.end.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)
        )
        return first if first >= at else second
