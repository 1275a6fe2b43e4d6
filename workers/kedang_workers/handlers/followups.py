"""Planning anew for many customers, and the reminders of every working morning."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID

from kedang_platform.clock import today_in
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.work import RunningJob, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.followups.escalating import ESCALATE, escalate
from kedang_tenants.followups.mornings import BEGIN, begin_day
from kedang_tenants.followups.planning import REPLAN
from kedang_tenants.followups.reminders import (
    REMIND,
    count_members,
    is_working_day,
    remind_part,
)
from kedang_tenants.followups.replanning import Whose, count_planned, replan_part
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.reading import Viewer
from kedang_workers.walking import walk

_LONGEST_DAY = timedelta(days=1)
"""By how much a day may end later for members west of the company, in whole days."""


@handler(REPLAN, timeout=timedelta(minutes=30), slow=True)
async def replan(job: RunningJob) -> None:
    """Place contacts afresh where cycle, calendar, rule and capacity put them now, person by person."""
    whose = Whose.of(job.payload)

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await replan_part(write, viewer, whose=whose, after=after, clock=job.clock)

    async def count(read: TenantRead) -> int:
        return await count_planned(read, whose)

    await walk(job, step, count=count)


@recurring(REMIND, at=time())
@handler(BEGIN)
async def begin(job: RunningJob) -> None:
    """Plan what is to be told in the course of a day that begins."""
    company = await company_of(job)
    async with job.finish() as write:
        viewer = await system_viewer(write, company=company)
        await begin_day(write, viewer, day=_day(job), clock=job.clock)


@handler(REMIND, timeout=timedelta(minutes=30))
async def remind(job: RunningJob) -> None:
    """Remind every member of what is due: on working days, and on any day when somebody asked for it.

    A day that is over everywhere, as for a company that was suspended, is told of no more.
    """
    day = _day(job)
    said = job.payload.get("until")
    until = datetime.fromisoformat(str(said)) if said else None
    company = await company_of(job)
    over = day < today_in(job.clock, company.time_zone) - _LONGEST_DAY
    if not job.payload.get("asked") and (over or not await _is_working_day(job, day)):
        async with job.finish():
            return

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await remind_part(write, viewer, day=day, after=after, until=until, clock=job.clock)

    async def count(read: TenantRead) -> int:
        return await count_members(read, day=day, zone=company.time_zone, clock=job.clock)

    await walk(job, step, count=count)


@handler(ESCALATE, timeout=timedelta(minutes=30))
async def tell_superiors(job: RunningJob) -> None:
    """Tell superiors what has stayed undone: on working days only, by which it counts, and while the day lasts."""
    company = await company_of(job)
    day = _day(job)
    if day < today_in(job.clock, company.time_zone) or not await _is_working_day(job, day):
        async with job.finish():
            return
    async with job.finish() as write:
        await escalate(write, await system_viewer(write, company=company), day=day, clock=job.clock)


def _day(job: RunningJob) -> date:
    return date.fromisoformat(str(job.payload["date"]))


async def _is_working_day(job: RunningJob, day: date) -> bool:
    company = await company_of(job)
    async with job.databases.tenant_read(company.ref) as read:
        return await is_working_day(read, await system_viewer(read, company=company), day)
