"""The scheduler with a clock that stands apart and runs faster: ``python -m tests.faults.skewed_scheduler <seconds> <times>``.

It is the product's scheduler, put together by hand because the product itself only knows the machine's clock.
"""

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from kedang_platform.errors import KedangError
from kedang_platform.settings import Settings
from kedang_platform.work.schedule import Scheduler
from kedang_workers import handlers
from kedang_workers.composition import open_services
from kedang_workers.process import serve

LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class SkewedClock:
    """``apart`` from the machine's clock, and from then on ``times`` as fast."""

    apart: timedelta
    times: float
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.began + self.apart + (datetime.now(UTC) - self.began) * self.times


async def schedule(settings: Settings, stop: asyncio.Event, *, clock: SkewedClock) -> None:
    async with open_services(settings) as services:
        rules = handlers.load().rules
        scheduler = Scheduler(databases=services.databases, rules=rules, clock=clock)
        while not stop.is_set():
            with suppress(KedangError):
                await scheduler.make_due()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await stop.wait()


if __name__ == "__main__":
    apart, times = timedelta(seconds=float(sys.argv[1])), float(sys.argv[2])
    serve(partial(schedule, clock=SkewedClock(apart, times)))
