"""The public pool at night: days of return renewed, owners warned, what is due returned."""

from __future__ import annotations

from datetime import time, timedelta
from uuid import UUID

from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.work import NewJob, RunningJob, enqueue, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.pool.renewing import RENEW, count_kept, renew_part
from kedang_tenants.pool.sweeping import SWEEP, count_due, sweep_part, warn
from kedang_tenants.reading import Viewer
from kedang_workers.walking import walk

NIGHTLY = "pool.nightly"


@handler(RENEW, timeout=timedelta(minutes=30), slow=True)
async def renew(job: RunningJob) -> None:
    """Move the days of return of all customers to where the rule puts them now."""

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await renew_part(write, viewer, after=after, clock=job.clock)

    await walk(job, step, count=count_kept)


@recurring(NIGHTLY, at=time(1, 10))
@handler(NIGHTLY, timeout=timedelta(minutes=30), slow=True)
async def nightly(job: RunningJob) -> None:
    """Renew all days; then owners are warned, and the sweep is asked for."""

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await renew_part(write, viewer, after=after, clock=job.clock)

    async def end(write: TenantWrite, viewer: Viewer) -> None:
        await warn(write, viewer, clock=job.clock)
        await enqueue(write, NewJob(SWEEP))

    await walk(job, step, count=count_kept, ending=end)


@handler(SWEEP, timeout=timedelta(minutes=30), slow=True)
async def sweep(job: RunningJob) -> None:
    """Return to the pool what is due, a part at a time."""

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await sweep_part(write, viewer, after=after, clock=job.clock)

    async def count(read: TenantRead) -> int:
        return await count_due(read, viewer, clock=job.clock)

    company = await company_of(job)
    async with job.databases.tenant_read(company.ref) as read:
        viewer = await system_viewer(read, company=company)
    await walk(job, step, count=count)
