"""The installation's own upkeep."""

from __future__ import annotations

from datetime import timedelta

from kedang_platform.work import RunningJob, handler, recurring
from kedang_platform.work.upkeep import BATCH, remove_ended


@recurring("work.remove_ended", every=timedelta(hours=1), installation=True)
@handler("work.remove_ended", installation=True)
async def remove_ended_jobs(job: RunningJob) -> None:
    removed = BATCH
    while removed == BATCH:
        async with job.step_control() as control:
            removed = await remove_ended(control)
