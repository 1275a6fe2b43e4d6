"""Upkeep of the files of a company."""

from __future__ import annotations

from datetime import time, timedelta
from uuid import UUID

from kedang_platform.work import Progress, RunningJob, handler, recurring
from kedang_tenants.files.sweeping import forget_unfinished, sweep_part
from kedang_tenants.people.viewers import company_of

SWEEP = "files.sweep"


@recurring(SWEEP, at=time(4, 20))
@handler(SWEEP, timeout=timedelta(hours=1))
async def sweep(job: RunningJob) -> None:
    """Forget contents that killed processes left behind."""
    company = (await company_of(job)).ref
    files = job.services.files
    forgotten = await forget_unfinished(files, company, clock=job.clock)
    after = UUID(str(job.checkpoint)) if job.checkpoint else None
    seen, more = 0, True
    while more:
        part = await sweep_part(job.databases, files, company, after=after, clock=job.clock)
        after, more = part.last, part.last is not None
        seen, forgotten = seen + part.seen, forgotten + part.changed
        async with job.step(progress=Progress(seen), checkpoint=str(after) if after else None):
            pass
    async with job.finish(result={"seen": seen, "changed": forgotten}):
        pass
