"""Putting rules in force on their day."""

from __future__ import annotations

from uuid import UUID

from kedang_platform.work import RunningJob, handler
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.rules import PUT_IN_FORCE, put_in_force


@handler(PUT_IN_FORCE)
async def put_rule_in_force(job: RunningJob) -> None:
    """Put an approved version in force when its day has begun."""
    company = await company_of(job)
    async with job.finish() as write:
        viewer = await system_viewer(write, company=company)
        version = UUID(str(job.payload["version"]))
        await put_in_force(write, viewer, version_id=version, clock=job.clock)
