"""Imports and exports of records."""

from __future__ import annotations

from datetime import timedelta

from kedang_platform.work import RunningJob, handler
from kedang_tenants.imports import concluding, exporting
from kedang_tenants.imports.operations import RUN
from kedang_tenants.imports.record_keeping import RETRIES
from kedang_tenants.imports.running import run_import


@handler(
    RUN,
    timeout=timedelta(hours=2),
    retries=RETRIES,
    slow=True,
    channel="imports",
    on_give_up=concluding.conclude_broken,
)
async def import_records(job: RunningJob) -> None:
    await run_import(job)


@handler(
    exporting.RUN,
    timeout=timedelta(hours=2),
    retries=RETRIES,
    slow=True,
    channel="imports",
    on_give_up=exporting.conclude_broken,
)
async def export_records(job: RunningJob) -> None:
    await exporting.run_export(job)
