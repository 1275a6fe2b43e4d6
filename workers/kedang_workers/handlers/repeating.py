"""Forgetting, every night, the answers that were kept for a day under idempotency keys."""

from __future__ import annotations

from datetime import time, timedelta

from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.changing.repeating import FORGET, forget_answers


@recurring(FORGET, at=time(3, 20))
@handler(FORGET, timeout=timedelta(minutes=10))
async def forget(job: RunningJob) -> None:
    """Remove what is a day old, part by part."""
    now = job.clock.now()
    more = True
    while more:
        async with job.step() as write:
            more = await forget_answers(write, now=now)
    async with job.finish():
        pass
