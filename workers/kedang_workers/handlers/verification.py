"""Moving the days until which archives are to be verified, when a cycle changes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_platform.work import RunningJob, handler
from kedang_platform.work.parts import Part
from kedang_tenants.reading import Viewer
from kedang_tenants.verification.replanning import REPLAN, count_customers, replan_part
from kedang_workers.walking import walk


@handler(REPLAN, timeout=timedelta(minutes=30), slow=True)
async def replan(job: RunningJob) -> None:
    """Move the days of all archives to where the cycles put them now."""

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await replan_part(write, viewer, after=after, clock=job.clock)

    await walk(job, step, count=count_customers)
