"""The drafts of daily reports that make themselves in the evening."""

from __future__ import annotations

from datetime import date, time, timedelta
from uuid import UUID

from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.work import RunningJob, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.dailies.evenings import BEGIN, MAKE, begin_day, count_writers, make_part
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.reading import Viewer
from kedang_workers.walking import walk


@recurring(BEGIN, at=time())
@handler(BEGIN)
async def begin(job: RunningJob) -> None:
    """Ask for the drafts of a day that begins, and hand on what waits for account managers who have left."""
    company = await company_of(job)
    async with job.finish() as write:
        viewer = await system_viewer(write, company=company)
        await begin_day(write, viewer, day=_day(job), clock=job.clock)


@handler(MAKE, timeout=timedelta(minutes=30))
async def make(job: RunningJob) -> None:
    """Make the drafts of everybody who met customers on the day."""
    day, again = _day(job), bool(job.payload.get("again"))

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await make_part(write, viewer, day=day, after=after, clock=job.clock, again=again)

    async def count(read: TenantRead) -> int:
        return await count_writers(read, day=day)

    await walk(job, step, count=count)


def _day(job: RunningJob) -> date:
    return date.fromisoformat(str(job.payload["date"]))
