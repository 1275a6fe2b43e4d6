"""Hot marks that have expired, ended when a day begins."""

from __future__ import annotations

from datetime import time

from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.hot.expiring import EXPIRE, expire
from kedang_tenants.people.viewers import company_of, system_viewer


@recurring(EXPIRE, at=time(0, 1))
@handler(EXPIRE)
async def end_expired(job: RunningJob) -> None:
    """End the marks whose last day has passed and tell their owners."""
    company = await company_of(job)
    async with job.finish() as write:
        await expire(write, await system_viewer(write, company=company), clock=job.clock)
