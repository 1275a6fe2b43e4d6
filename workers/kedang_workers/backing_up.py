"""Saves the embedded PostgreSQL all the time: ``python -m kedang_workers.backing_up``; one an installation."""

from __future__ import annotations

import asyncio

from kedang_platform.backups import archive_of, embedded_source
from kedang_platform.backups.keeping import Keeper
from kedang_platform.clock import SystemClock
from kedang_platform.settings import Settings
from kedang_workers.process import serve


async def back_up(settings: Settings, stop: asyncio.Event) -> None:
    """Keep the archive of ``KEDANG_BACKUP_DIR`` up to date until ``stop`` is set."""
    keeper = Keeper(
        archive=archive_of(settings),
        source=embedded_source(settings),
        var=settings.var.absolute(),
        at=settings.backup_at,
        keep=settings.backup_keep,
        clock=SystemClock(),
    )
    await keeper.run(stop)


if __name__ == "__main__":
    serve(back_up, name="backup")
