"""The scheduler: makes jobs of the rules that recur. ``python -m kedang_workers.schedule``; several are safe."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from kedang_platform.errors import KedangError
from kedang_platform.settings import Settings
from kedang_platform.work.schedule import Scheduler
from kedang_workers import handlers
from kedang_workers.composition import open_services
from kedang_workers.process import serve

_SECONDS = 2.0

log = structlog.get_logger("kedang_workers.schedule")


async def schedule(settings: Settings, stop: asyncio.Event) -> None:
    """Look every two seconds for what has fallen due, until ``stop`` is set."""
    rules = handlers.load().rules
    async with open_services(settings) as services:
        scheduler = Scheduler(databases=services.databases, rules=rules, clock=services.clock)
        while not stop.is_set():
            try:
                await scheduler.make_due()
            except KedangError as error:
                log.warning("schedule.server_away", error=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS):
                    await stop.wait()


if __name__ == "__main__":
    serve(schedule)
