"""Grading all customers of a company at once; and every night where figures move with the days."""

from __future__ import annotations

from datetime import time, timedelta
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_platform.work import RunningJob, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.grading.events import grade_by_passing_time
from kedang_tenants.grading.grades import count_customers, regrade_everybody
from kedang_tenants.grading.schemes import REGRADE
from kedang_tenants.reading import Viewer
from kedang_workers.walking import walk


@handler(REGRADE, timeout=timedelta(minutes=30), slow=True)
async def regrade(job: RunningJob) -> None:
    """Grade every customer by one scheme."""
    scheme = UUID(str(job.payload["scheme"]))

    async def step(write: TenantWrite, viewer: Viewer, _after: UUID | None) -> Part:
        return await regrade_everybody(write, viewer, scheme_id=scheme, clock=job.clock)

    await walk(job, step, count=count_customers)


@recurring("grading.nightly", at=time(2, 30))
@handler("grading.nightly")
async def regrade_nightly(job: RunningJob) -> None:
    async with job.finish() as write:
        await grade_by_passing_time(write)
