"""Scoring a company's customers by what they bought: asked for, and every night, since the months move on."""

from __future__ import annotations

from datetime import time, timedelta
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_platform.work import NewJob, RunningJob, enqueue, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.classing.rfm import MEASURE, count_customers, score_part
from kedang_tenants.reading import Viewer
from kedang_workers.walking import walk

NIGHTLY = "classing.nightly"


@handler(MEASURE, timeout=timedelta(minutes=30), slow=True)
async def measure(job: RunningJob) -> None:
    """Score every customer."""

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await score_part(write, viewer, after=after, clock=job.clock)

    await walk(job, step, count=count_customers)


@recurring(NIGHTLY, at=time(2, 10))
@handler(NIGHTLY)
async def measure_nightly(job: RunningJob) -> None:
    async with job.finish() as write:
        await enqueue(write, NewJob(MEASURE))
