"""When the company works: the public calendar of its country, its own weekend, hours and exceptions (T6)."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.working_calendar import WorkingCalendar, WorkingHours, usual_weekend
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.people.calendar import HOLIDAY, WEEKDAYS, WORKING_DAY
from kedang_tenants.reading import Viewer

_NUMBER = {option.code: number for number, option in enumerate(WEEKDAYS)}
_WEEK = "SELECT weekend, opens_at, closes_at FROM working_week ORDER BY created_at, id LIMIT 1"
_SHORTEST_DAY = 60
_USUAL_HOURS = ("09:00", "18:00")


@prepares("working_week")
async def guard_hours(_write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A working day has at least an hour."""
    for draft in drafts:
        if _minutes(str(draft.now("closes_at"))) - _minutes(str(draft.now("opens_at"))) < _SHORTEST_DAY:
            draft.refuse("closes_at", "NO_WORKING_HOURS", msg("A working day must have at least one hour."))


async def load_calendar(read: TenantRead, *, country: str) -> WorkingCalendar:
    """The calendar of the company that ``read`` stands in; ``country`` is the company's, ISO 3166 alpha-2."""
    return await _calendar(read, country, await read.fetchrow(_WEEK))


async def load_hours(read: TenantRead, *, country: str, time_zone: str) -> WorkingHours:
    """The working hours of the company that ``read`` stands in, in its time zone."""
    week = await read.fetchrow(_WEEK)
    opens, closes = (week["opens_at"], week["closes_at"]) if week else _USUAL_HOURS
    return WorkingHours(
        calendar=await _calendar(read, country, week),
        zone=ZoneInfo(time_zone),
        opens=_minutes(opens),
        closes=_minutes(closes),
    )


async def _calendar(read: TenantRead, country: str, week: asyncpg.Record | None) -> WorkingCalendar:
    days = await read.fetch("SELECT day, kind FROM calendar_day WHERE archived_at IS NULL")
    return WorkingCalendar(
        country=country,
        weekend=usual_weekend(country) if week is None else frozenset(_NUMBER[c] for c in week["weekend"]),
        extra_holidays=frozenset(row["day"] for row in days if row["kind"] == HOLIDAY),
        extra_working_days=frozenset(row["day"] for row in days if row["kind"] == WORKING_DAY),
    )


def _minutes(time_of_day: str) -> int:
    hours, minutes = time_of_day.split(":")
    return 60 * int(hours) + int(minutes)
