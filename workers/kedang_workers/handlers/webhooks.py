"""Telling webhooks: one job a delivery and try."""

from __future__ import annotations

from datetime import timedelta

from kedang_platform.work import RunningJob, handler
from kedang_tenants.webhooks.delivering import deliver, give_up
from kedang_tenants.webhooks.queueing import DELIVER
from kedang_workers.acting import company_of


@handler(DELIVER, timeout=timedelta(minutes=1), on_give_up=give_up)
async def tell(job: RunningJob) -> None:
    """Tell a webhook of one event, or note that it has to be tried again."""
    await deliver(job, await company_of(job))
