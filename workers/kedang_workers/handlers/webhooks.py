"""Telling webhooks: one job a delivery and try; and forgetting what was told long ago."""

from __future__ import annotations

from datetime import time, timedelta

from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.people.viewers import company_of
from kedang_tenants.webhooks.delivering import deliver, give_up
from kedang_tenants.webhooks.queueing import DELIVER
from kedang_tenants.webhooks.tidying import CHUNK, TIDY, forget_part


@handler(DELIVER, timeout=timedelta(minutes=1), on_give_up=give_up, channel="webhooks")
async def tell(job: RunningJob) -> None:
    """Tell a webhook of one event, or note that it has to be tried again."""
    await deliver(job, await company_of(job))


@recurring(TIDY, at=time(3, 50))
@handler(TIDY, timeout=timedelta(minutes=30))
async def tidy(job: RunningJob) -> None:
    """Remove what was kept long enough from the log of deliveries."""
    while True:
        async with job.step() as write:
            if await forget_part(write, now=job.clock.now()) < CHUNK:
                break
    async with job.finish():
        return
