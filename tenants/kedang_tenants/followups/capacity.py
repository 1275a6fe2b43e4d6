"""Placing contacts on working days within what a person can do a day (F1). Pure: no database, no today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from kedang_platform.working_calendar import WorkingCalendar

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """A contact that is to be placed. ``wanted`` is a working day, ``waits`` since when the customer has waited for it."""

    key: str
    wanted: date
    waits: date

    @property
    def age(self) -> tuple[date, date, str]:
        """The older ones first; total."""
        return self.wanted, self.waits, self.key


@dataclass(frozen=True, slots=True)
class Placed:
    """The day of a contact; ``over`` says that the person had no room on any day on which it could be."""

    on: date
    over: bool = False


class Days:
    """The working days of a calendar, each looked up once."""

    def __init__(self, calendar: WorkingCalendar) -> None:
        self._calendar = calendar
        self._next: dict[date, date] = {}

    def on_or_after(self, day: date) -> date:
        """The first working day that is not before ``day``; raises NoWorkingDay."""
        found = self._next.get(day)
        if found is None:
            found = self._next[day] = self._calendar.next_working(day)
        return found

    def is_working(self, day: date) -> bool:
        """Whether people work on ``day``; raises NoWorkingDay where they do not for a year."""
        return self.on_or_after(day) == day


def place(
    days: Days, wishes: Iterable[Wish], *, taken: Mapping[date, int], per_day: int | None, later: int
) -> dict[str, Placed]:
    """A day for each wish of one person, whatever their order; ``taken`` counts what is planned already.

    The oldest wish comes first. It gets the first day from the wanted one to ``later`` working days after it
    on which fewer than ``per_day`` contacts are planned. As all may be moved equally far, every wish finds such a
    day if that is possible at all. Where none is left, it goes to the one of these days with the fewest, the
    earliest of them. Without ``per_day`` everything is placed where it is wanted.
    """
    ordered = sorted(wishes, key=lambda wish: wish.age)
    if per_day is None:
        return {wish.key: Placed(wish.wanted) for wish in ordered}
    full = Counter(taken)
    placed: dict[str, Placed] = {}
    for wish in ordered:
        found = _room(days, wish.wanted, full, per_day, later)
        full[found.on] += 1
        placed[wish.key] = found
    return placed


def _room(days: Days, wanted: date, full: Mapping[date, int], per_day: int, later: int) -> Placed:
    day, fewest = wanted, wanted
    for number in range(later + 1):
        day = days.on_or_after(day + _DAY) if number else wanted
        if full.get(day, 0) < per_day:
            return Placed(day)
        if full.get(day, 0) < full.get(fewest, 0):
            fewest = day
    return Placed(fewest, over=True)
