"""Forgetting, every night, what operations took long ago."""

from __future__ import annotations

from datetime import time, timedelta

from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.measuring.tidying import TIDY, forget_part


@recurring(TIDY, at=time(4, 10))
@handler(TIDY, timeout=timedelta(minutes=10))
async def tidy(job: RunningJob) -> None:
    """Remove what was kept long enough, part by part."""
    now = job.clock.now()
    more = True
    while more:
        async with job.step() as write:
            more = await forget_part(write, now=now)
    async with job.finish():
        pass
