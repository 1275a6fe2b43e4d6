"""Telling administrators that the working days of a year are not known: from December of the year before (T6)."""

from __future__ import annotations

from datetime import date
from typing import Final

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.people.notices import CALENDAR_MISSING
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Viewer

_DECEMBER: Final = 12
_ADMINISTRATORS: Final = """
SELECT id FROM member WHERE roles && ARRAY['OWNER', 'ADMIN'] AND state <> 'SUSPENDED' AND archived_at IS NULL ORDER BY id
"""


def unknown_years(calendar: WorkingCalendar, day: date) -> list[int]:
    """The years whose calendar should be known on ``day`` and is not: this one, and in December the next."""
    years = [day.year, day.year + 1] if day.month == _DECEMBER else [day.year]
    return [year for year in years if calendar.is_estimate(year)]


async def warn_of_calendar(write: TenantWrite, viewer: Viewer, *, day: date, clock: Clock) -> int:
    """Tell the company's administrators of each such year, once a month; how many were told anew."""
    years = unknown_years(await load_calendar(write, country=viewer.country), day)
    if not years:
        return 0
    members = [row["id"] for row in await write.fetch(_ADMINISTRATORS)]
    tellings = [
        Telling(
            kind=CALENDAR_MISSING,
            member_id=member,
            occasion=f"calendar:{year}:{day:%Y-%m}",
            title=msg("The working calendar of {year} is missing"),
            body=msg(
                "The holidays and make-up working days of {year} are not known to this installation. Until they are,"
                " reminders, follow-ups and deadlines in {year} count by an estimate. They come with an update of"
                " the product once they are announced; or enter the year's days yourselves as days of the calendar."
            ),
            params={"year": year},
        )
        for year in years
        for member in members
    ]
    return await tell(write, viewer, tellings, clock=clock)
