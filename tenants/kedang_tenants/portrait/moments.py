"""Where an entry stands on a timeline: days and instants in one order, the latest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.reading import BadCursor
from kedang_tenants.reading.ordering import SortKey, read_cursor, write_cursor

_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)
_SIGNATURE: Final = "timeline"
_KEYS: Final = [
    SortKey(name, cast, descending=True, nulls_last=True, nullable=False, name=name)
    for name, cast in (("moment", "timestamptz"), ("source", "text"), ("id", "uuid"))
]


class Position(NamedTuple):
    """The place of an entry; of two, the greater one stands first. A mere day counts from its midnight."""

    moment: datetime
    source: str
    id: UUID


def read_position(cursor: str) -> Position:
    """Raises BadCursor for anything that is not a cursor of a timeline."""
    moment, source, row_id = read_cursor(cursor, _SIGNATURE, _KEYS)
    assert isinstance(moment, datetime)
    assert isinstance(row_id, UUID)
    if not 1 < moment.year < 9999:  # in another zone these years end
        raise BadCursor(msg("This cursor does not belong to this list."))
    return Position(moment, str(source), row_id)


def write_position(position: Position) -> str:
    return write_cursor(_SIGNATURE, list(position))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days of the company: its zone says when they begin."""

    zone: ZoneInfo

    def begin(self, day: date) -> datetime:
        """The instant in which a day begins, in UTC; days never begin in another order than they are in."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def day_of(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def behind(self, position: Position, source: str, *, days: bool) -> tuple[date | datetime, UUID]:
        """The rows of a source that stand behind a position have ``(when, id)`` below this pair.

        ``days``: whether the source knows days only. What is of the same moment stands in the order of
        the sources' names, and of one source in the order of the ids.
        """
        when: date | datetime = position.moment
        same_moment = True
        if days:
            when = self.day_of(position.moment)
            same_moment = self.begin(when) == position.moment
        if not same_moment or source < position.source:
            return when, _LAST
        return when, position.id if source == position.source else _FIRST


def checked_day(day: date | None, path: str) -> date | None:
    """Raises BadUserInput for a day so far away that time zones end there."""
    if day is not None and not 1 < day.year < 9999:
        raise BadUserInput(msg("This is not a date."), path=(path,))
    return day
