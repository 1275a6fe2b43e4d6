"""Planning the clocks of requests anew, and telling of those that have run out."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_platform.work import RunningJob, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.reading import Viewer
from kedang_tenants.service.events import REPLAN
from kedang_tenants.service.overdue import CHUNK, ESCALATE, escalate_part
from kedang_tenants.service.replanning import count_open, replan_part
from kedang_workers.walking import walk


@handler(REPLAN, timeout=timedelta(minutes=30), slow=True)
async def replan(job: RunningJob) -> None:
    """Move what is due of the open requests to where the calendar, or their customers' grades, put it now."""
    by_grade = bool(job.payload.get("by_grade"))

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await replan_part(write, viewer, by_grade=by_grade, after=after, clock=job.clock)

    await walk(job, step, count=count_open)


@recurring(ESCALATE, every=timedelta(minutes=5))
@handler(ESCALATE)
async def escalate(job: RunningJob) -> None:
    """Tell of every clock that has run out since the last time."""
    company = await company_of(job)
    told = CHUNK
    while told == CHUNK:
        async with job.step() as write:
            told = await escalate_part(write, await system_viewer(write, company=company), clock=job.clock)
    async with job.finish():
        pass
