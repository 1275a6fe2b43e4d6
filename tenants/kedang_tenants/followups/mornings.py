"""What a day begins with: whom to remind when, what superiors hear, and whether the year's calendar is known."""

from __future__ import annotations

from datetime import date
from typing import Final

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.followups.escalating import ESCALATE
from kedang_tenants.followups.reminders import REMIND, is_working_day, moments_of
from kedang_tenants.people.calendar_warning import warn_of_calendar
from kedang_tenants.reading import Viewer

BEGIN: Final = "followups.day"


async def begin_day(write: TenantWrite, viewer: Viewer, *, day: date, clock: Clock) -> None:
    """Ask for the reminders of a working day, each at its instant, and for what superiors are told.

    The last reminding of the day looks at everybody, so that whoever changes their times in between is not missed.
    """
    await warn_of_calendar(write, viewer, day=day, clock=clock)
    if not await is_working_day(write, viewer, day):
        return
    moments = await moments_of(write, day=day, zone=viewer.time_zone)
    said = day.isoformat()
    jobs = [NewJob(REMIND, {"date": said, "until": at.isoformat()}, due_at=at) for at in moments[:-1]]
    jobs += [NewJob(REMIND, {"date": said}, due_at=at) for at in moments[-1:]]
    jobs += [NewJob(ESCALATE, {"date": said}, due_at=at) for at in moments[:1]]
    await enqueue(write, *jobs)
