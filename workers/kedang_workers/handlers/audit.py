"""Sealing what companies noted, every minute where somebody did something, every night everywhere."""

from __future__ import annotations

from datetime import time, timedelta

from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.changing.sealing import SEAL, SEAL_ALL, ask_for_seals, seal
from kedang_tenants.people.viewers import company_of


@recurring(SEAL_ALL, every=timedelta(minutes=1), installation=True)
@handler(SEAL_ALL, installation=True)
async def seal_where_something_happened(job: RunningJob) -> None:
    """Ask for seals in the companies that noted something lately."""
    async with job.finish_control() as control:
        await ask_for_seals(control, occurrence=str(job.payload.get("occurrence", job.id)))


@recurring(SEAL, at=time(0, 5))
@handler(SEAL)
async def seal_minutes(job: RunningJob) -> None:
    """Seal the minutes of a company that have ended."""
    company = await company_of(job)
    await seal(job.databases, company.ref, clock=job.clock)
    async with job.finish():
        pass
