"""The scheduler: makes jobs of the rules that recur. ``python -m kedang_workers.schedule``; several are safe."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from kedang_platform.errors import KedangError
from kedang_platform.observing import metrics
from kedang_platform.observing.endpoint import telling
from kedang_platform.observing.health import Health
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
    health = Health()
    async with (
        open_services(settings) as services,
        telling(settings, health, metrics.Pools(services.databases)),
    ):
        health.begin(services.databases, redis_url=settings.redis_url)
        scheduler = Scheduler(databases=services.databases, rules=rules)
        while not stop.is_set():
            try:
                metrics.OCCURRENCES.inc(await scheduler.make_due())
                metrics.SCHEDULED_AT.set_to_current_time()
            except KedangError as error:
                log.warning("schedule.server_away", code=error.code)
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS):
                    await stop.wait()
        health.drain()


if __name__ == "__main__":
    serve(schedule, name="scheduler")
