"""A scheduler on a machine whose clock is wrong: ``python -m tests.faults.skewed_scheduler <seconds> [<times>]``.

Without ``times`` it is the product's own process; it goes by the database's clock, so that its machine's makes no
difference. With it the scheduler is put together by hand with the wrong clock, which runs so many times as fast:
the worst that several that disagree could do to each other.
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
from kedang_workers import composition, handlers
from kedang_workers import schedule as product
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
    async with composition.open_services(settings) as services:
        rules = handlers.load().rules
        scheduler = Scheduler(databases=services.databases, rules=rules, clock=clock)
        while not stop.is_set():
            with suppress(KedangError):
                await scheduler.make_due()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await stop.wait()


def main(apart: timedelta, times: float | None) -> None:
    if times is None:
        composition.SystemClock = partial(SkewedClock, apart, 1.0)
        serve(product.schedule, name="scheduler")
    else:
        serve(partial(schedule, clock=SkewedClock(apart, times)), name="scheduler")


if __name__ == "__main__":
    main(timedelta(seconds=float(sys.argv[1])), float(sys.argv[2]) if len(sys.argv) > 2 else None)
