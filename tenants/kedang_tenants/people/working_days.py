"""Which days the company works: the public calendar of its country, its own weekend, its own exceptions (T6)."""

from __future__ import annotations

from kedang_platform.database import TenantRead
from kedang_platform.working_calendar import WorkingCalendar, usual_weekend
from kedang_tenants.people.calendar import HOLIDAY, WEEKDAYS, WORKING_DAY

_NUMBER = {option.code: number for number, option in enumerate(WEEKDAYS)}


async def load_calendar(read: TenantRead, *, country: str) -> WorkingCalendar:
    """The calendar of the company that ``read`` stands in; ``country`` is the company's, ISO 3166 alpha-2."""
    weekend = await read.fetchval("SELECT weekend FROM working_week ORDER BY created_at, id LIMIT 1")
    days = await read.fetch("SELECT day, kind FROM calendar_day WHERE archived_at IS NULL")
    return WorkingCalendar(
        country=country,
        weekend=usual_weekend(country) if weekend is None else frozenset(_NUMBER[code] for code in weekend),
        extra_holidays=frozenset(row["day"] for row in days if row["kind"] == HOLIDAY),
        extra_working_days=frozenset(row["day"] for row in days if row["kind"] == WORKING_DAY),
    )
