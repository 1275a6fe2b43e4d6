"""The watch list, looked at every night."""

from __future__ import annotations

from datetime import time, timedelta
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_platform.work import RunningJob, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.reading import Viewer
from kedang_tenants.watching.checks import plan_checks
from kedang_tenants.watching.listing import count_customers, watch_part
from kedang_tenants.watching.telling import tell_untold
from kedang_workers.walking import walk

NIGHTLY = "watching.nightly"


@recurring(NIGHTLY, at=time(4, 30))
@handler(NIGHTLY, timeout=timedelta(minutes=30), slow=True)
async def look(job: RunningJob) -> None:
    """Put customers on the list and take them off; then plan the checks and tell owners and managers."""

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await watch_part(write, viewer, after=after, clock=job.clock)

    async def end(write: TenantWrite, viewer: Viewer) -> None:
        await plan_checks(write, viewer, clock=job.clock)
        await tell_untold(write, viewer, clock=job.clock)

    await walk(job, step, count=count_customers, ending=end)
