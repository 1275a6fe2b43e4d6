"""Data protection: the retention rules every night, exports and erasures of one person's data."""

from __future__ import annotations

from datetime import time, timedelta

from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.protection import erasing, exporting, retention


@handler(erasing.RUN, timeout=erasing.TIMEOUT, slow=True, on_give_up=erasing.conclude_broken)
async def erase_person(job: RunningJob) -> None:
    await erasing.run_erasure(job)


@handler(exporting.RUN, timeout=exporting.TIMEOUT, slow=True, on_give_up=exporting.conclude_broken)
async def export_person(job: RunningJob) -> None:
    await exporting.run_export(job)


@recurring(retention.RUN, at=time(3, 15))
@handler(retention.RUN, timeout=timedelta(hours=4), slow=True, on_give_up=retention.conclude_broken)
async def keep_retention(job: RunningJob) -> None:
    """Do what the retention rules in force say; without any nothing is touched."""
    await retention.run_retention(job)
