"""Handover: everything moved in steps, then everybody told."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.mail import post
from kedang_platform.work import RunningJob, handler
from kedang_platform.work.parts import Part
from kedang_tenants.handover.moving import MOVE, TELL, count_customers, move_part
from kedang_tenants.handover.telling import next_letters, note_told, tell_people
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.reading import Viewer
from kedang_workers.walking import walk


@handler(MOVE, timeout=timedelta(hours=1), slow=True)
async def move(job: RunningJob) -> None:
    """Move what the leaver had in hand."""
    handover = UUID(str(job.payload["handover"]))

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await move_part(write, viewer, handover_id=handover, after=after, clock=job.clock)

    async def count(read: TenantRead) -> int:
        return await count_customers(read, handover)

    await walk(job, step, count=count)


@handler(TELL, timeout=timedelta(hours=1), slow=True)
async def tell(job: RunningJob) -> None:
    """Give the letters to the way out, then note it: killed in between, the same letters have the same keys."""
    handover = UUID(str(job.payload["handover"]))
    company = await company_of(job)
    while True:
        async with job.databases.tenant_read(company.ref) as read:
            batch = await next_letters(read, company=company, handover_id=handover)
        if not batch.outcomes:
            break
        async with job.databases.control() as control:
            await post(control, batch.letters, sender=job.settings.mail_from, now=job.clock.now())
        async with job.step() as write:
            await note_told(write, batch, clock=job.clock)
    async with job.finish() as write:
        viewer = await system_viewer(write, company=company)
        await tell_people(write, viewer, handover_id=handover, clock=job.clock)
