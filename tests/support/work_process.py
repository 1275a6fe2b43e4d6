"""Real processes for tests: ``python -m tests.support.work_process worker|product|relay|scheduler``.

They are the product's own with shorter waits for what got lost: ``worker`` has handlers made for
tests, ``product`` those of the product.
"""

import asyncio
import os
import sys
from datetime import timedelta
from functools import partial

from kedang_platform.work import Progress, Registry, RunningJob, handler
from kedang_workers import handlers, relay, schedule, start
from kedang_workers.process import serve

LEASE = timedelta(seconds=2)
TIMING = relay.Timing(sweep=timedelta(milliseconds=300), unanswered=timedelta(seconds=3))


async def leave(write, what: str) -> None:
    """An effect that would be seen twice if it happened twice."""
    await write.fetch("INSERT INTO effect (what, by) VALUES ($1, $2)", what, os.getpid())


@handler("effect")
async def effect(job: RunningJob) -> None:
    await asyncio.sleep(job.payload.get("seconds", 0))
    async with job.finish() as write:
        await leave(write, job.payload["what"])


@handler("effects", slow=True)
async def effects(job: RunningJob) -> None:
    """``count`` effects, ten a step, with a pause inside each step, so that a death meets it half done."""
    count = job.payload["count"]
    for begin in range(job.checkpoint or 0, count, 10):
        end = min(begin + 10, count)
        async with job.step(progress=Progress(end, count), checkpoint=end) as write:
            for number in range(begin, end):
                await leave(write, f"{job.payload['what']} {number}")
            await asyncio.sleep(job.payload.get("seconds", 0))


REGISTRY = Registry.of(effect, effects)

if __name__ == "__main__":
    match sys.argv[1]:
        case "worker":
            start.main(REGISTRY, lease=LEASE)
        case "product":
            start.main(handlers.load(), lease=LEASE)
        case "relay":
            serve(partial(relay.relay, timing=TIMING), name="relay")
        case "scheduler":
            serve(schedule.schedule, name="scheduler")
