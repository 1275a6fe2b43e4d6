"""Bulk exports and imports."""

from __future__ import annotations

from datetime import timedelta

from kedang_platform.work import RunningJob, handler
from kedang_tenants.bulk import exporting, importing
from kedang_tenants.bulk.operations import RUN_EXPORT, RUN_IMPORT
from kedang_tenants.imports.record_keeping import RETRIES


@handler(
    RUN_EXPORT,
    timeout=timedelta(hours=2),
    retries=RETRIES,
    slow=True,
    channel="imports",
    on_give_up=exporting.conclude_broken,
)
async def export_in_bulk(job: RunningJob) -> None:
    await exporting.run_bulk_export(job)


@handler(
    RUN_IMPORT,
    timeout=timedelta(hours=2),
    retries=RETRIES,
    slow=True,
    channel="imports",
    on_give_up=importing.conclude_broken,
)
async def import_in_bulk(job: RunningJob) -> None:
    await importing.run_bulk_import(job)
