"""Looking at open approvals every morning: whose turn it is now, who is late, who is reminded."""

from __future__ import annotations

from datetime import time, timedelta
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_platform.work import RunningJob, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.approvals.following import FOLLOW, follow_part
from kedang_tenants.approvals.requests import count_open
from kedang_tenants.reading import Viewer
from kedang_workers.walking import walk


# Before half past eight, so that reminders stand in the letter of their own day.
@recurring(FOLLOW, at=time(8, 10))
@handler(FOLLOW, timeout=timedelta(minutes=30))
async def follow_approvals(job: RunningJob) -> None:
    """Pass on what waits too long, remind, and let deputies begin and end."""

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await follow_part(write, viewer, after=after, clock=job.clock)

    await walk(job, step, count=count_open)
