"""Telling the features what a transaction has done."""

from __future__ import annotations

from uuid import UUID

from kedang_platform.work import RunningJob, handler
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import EVENTS, fan_out
from kedang_tenants.people.viewers import company_of, system_viewer


@handler(EVENTS)
async def tell_of_changes(job: RunningJob) -> None:
    """Hand the transaction's events to their subscribers; what these do commits with the job's end."""
    catalogue()  # the features subscribe when their records become known
    company = await company_of(job)
    async with job.finish() as write:
        viewer = await system_viewer(write, company=company)
        await fan_out(write, viewer, UUID(str(job.payload["transaction"])), clock=job.clock)
