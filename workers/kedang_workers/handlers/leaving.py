"""Archives that owners asked for, and companies whose time is over."""

from __future__ import annotations

from datetime import timedelta

from kedang_platform.registry import DELETE_DUE
from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.leaving.deleting import delete_due
from kedang_tenants.leaving.operations import EXPORT, conclude_broken, run_export
from kedang_workers.caches import ValkeyCaches


@recurring(DELETE_DUE, every=timedelta(minutes=10), installation=True)
@handler(DELETE_DUE, timeout=timedelta(hours=1), installation=True, slow=True)
async def delete_what_is_due(job: RunningJob) -> None:
    """Remove companies whose days of grace are over; what a killed worker left half done is done again."""
    url = job.settings.redis_url
    caches = ValkeyCaches(url) if url else None
    await delete_due(job.databases, files=job.services.files, caches=caches, clock=job.clock)
    async with job.finish_control():
        pass


@handler(EXPORT, timeout=timedelta(hours=6), slow=True, installation=True, on_give_up=conclude_broken)
async def export_company(job: RunningJob) -> None:
    """Write the archive that the company's owner asked for."""
    await run_export(job)
