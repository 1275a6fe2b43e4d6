"""Schemas for the next sign-ups."""

from __future__ import annotations

from datetime import timedelta

from kedang_platform.registry import KEEP_SPARES
from kedang_platform.work import RunningJob, handler, recurring


@recurring(KEEP_SPARES, every=timedelta(minutes=1), installation=True)
@handler(KEEP_SPARES, installation=True)
async def keep_spares(job: RunningJob) -> None:
    """Asked for by each sign-up, and every minute for whatever took spares otherwise."""
    from kedang_migrations.runner import build_spares  # and Alembic, which few processes ever need

    await build_spares(job.databases, count=job.settings.spare_schemas)
