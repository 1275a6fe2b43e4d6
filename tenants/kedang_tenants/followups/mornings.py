"""What a day begins with: whom to remind when, what superiors hear, and whether the year's calendar is known."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.followups.escalating import ESCALATE
from kedang_tenants.followups.reminders import REMIND, company_s_moment, is_working_day, moments_of
from kedang_tenants.people.calendar_warning import warn_of_calendar
from kedang_tenants.reading import Viewer

BEGIN: Final = "followups.day"
_DAY: Final = timedelta(days=1)


async def begin_day(write: TenantWrite, viewer: Viewer, *, day: date, clock: Clock) -> None:
    """Ask for the reminders of a working day, each at its instant, and for what superiors are told.

    The last reminding of the day looks at everybody, so that whoever changes their times in between is not missed.
    East of the company the next day's morning may come before the company's midnight: it is asked for here already.
    """
    await warn_of_calendar(write, viewer, day=day, clock=clock)
    jobs = [*await _today(write, viewer, day), *await _early(write, viewer, day + _DAY)]
    await enqueue(write, *jobs)


async def _today(write: TenantWrite, viewer: Viewer, day: date) -> list[NewJob]:
    if not await is_working_day(write, viewer, day):
        return []
    moments = await moments_of(write, day=day, zone=viewer.time_zone)
    upward = await company_s_moment(write, day=day, zone=viewer.time_zone)
    return [
        *(_reminding(day, at) for at in moments[:-1]),
        *(NewJob(REMIND, {"date": day.isoformat()}, due_at=at) for at in moments[-1:]),
        NewJob(ESCALATE, {"date": day.isoformat()}, due_at=upward),
    ]


async def _early(write: TenantWrite, viewer: Viewer, day: date) -> list[NewJob]:
    """What is told of a day before it begins where the company is."""
    if not await is_working_day(write, viewer, day):
        return []
    begin = datetime.combine(day, time(), ZoneInfo(viewer.time_zone))
    moments = await moments_of(write, day=day, zone=viewer.time_zone)
    return [_reminding(day, at) for at in moments if at < begin]


def _reminding(day: date, at: datetime) -> NewJob:
    return NewJob(REMIND, {"date": day.isoformat(), "until": at.isoformat()}, due_at=at)
