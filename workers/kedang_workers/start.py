"""The worker: runs jobs side by side in one process. ``python -m kedang_workers.start``.

dramatiq's threads only carry messages; the jobs themselves run on one event loop, on which
everything they use is opened. SIGTERM and SIGINT drain: nothing new is begun, what runs stops at
its next step and goes on in another worker from its checkpoint.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import queue
import signal
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Self
from uuid import UUID

import structlog
import uvloop
from dramatiq import Worker
from dramatiq.asyncio import EventLoopThread, set_event_loop_thread

from kedang_platform.errors import KedangError
from kedang_platform.observing.endpoint import telling
from kedang_platform.observing.health import Health
from kedang_platform.observing.metrics import Pools
from kedang_platform.observing.process import begin
from kedang_platform.settings import Settings
from kedang_platform.work import Registry
from kedang_platform.work.claims import LEASE
from kedang_platform.work.runner import JobRunner
from kedang_workers import handlers
from kedang_workers.broker import FORMAT, declare_run, make_broker
from kedang_workers.composition import open_services
from kedang_workers.process import redis_url

GRACE_SECONDS = 20.0
"""How long a draining worker lets a step last before it breaks the step off (it is rolled back and repeated)."""
_END_SECONDS = 30.0
_LOOP_SECONDS = 30.0
_POLL_MILLIS = 100

log = structlog.get_logger("kedang_workers.start")


class JobLoop:
    """The event loop of the process with everything that jobs use, open as long as the block lasts.

    It is the loop that dramatiq runs its async actors on. Its own middleware would open it too, but
    what fails there is only logged, and the worker would go on without a database.
    """

    def __init__(self, settings: Settings, registry: Registry, *, lease: timedelta) -> None:
        self._settings = settings
        self._registry = registry
        self._lease = lease
        self._opened = AsyncExitStack()
        self._thread = EventLoopThread(logging.getLogger("kedang_workers.start.loop"))
        self._runner: JobRunner | None = None
        self._health = Health()

    def __enter__(self) -> Self:
        self._thread.start(timeout=_LOOP_SECONDS)
        try:
            self._thread.run_coroutine(self._open())
        except BaseException:
            self._thread.stop()  # type: ignore[no-untyped-call]
            raise
        set_event_loop_thread(self._thread)
        return self

    def __exit__(self, *_error: object) -> None:
        set_event_loop_thread(None)
        try:
            self._thread.run_coroutine(self._close())
        finally:
            self._thread.stop()  # type: ignore[no-untyped-call]

    async def run(self, job_id: str, attempt: int, *newer: object, **said: object) -> None:
        """The actor."""
        assert self._runner is not None
        await answer(self._runner, job_id, attempt, *newer, **said)

    def drain(self) -> None:
        """Begin nothing more; after the grace break off what still runs. Call from any thread."""
        assert self._runner is not None
        self._health.drain()
        loop = self._thread.loop
        loop.call_soon_threadsafe(self._runner.drain)
        loop.call_soon_threadsafe(loop.call_later, GRACE_SECONDS, self._runner.break_off)

    async def _open(self) -> None:
        services = await self._opened.enter_async_context(open_services(self._settings))
        pools = Pools(services.databases)
        await self._opened.enter_async_context(telling(self._settings, self._health, pools))
        places = self._settings.worker_threads
        self._runner = JobRunner(services=services, registry=self._registry, places=places, lease=self._lease)
        leases = asyncio.create_task(self._runner.keep_leases())
        self._opened.push_async_callback(_cancelled, leases)
        self._health.begin(services.databases, redis_url=self._settings.redis_url)

    async def _close(self) -> None:
        """Let what left its place end, which draining sees to, then close what it used."""
        if self._runner is not None:
            await self._runner.settled()
        await self._opened.aclose()


async def answer(
    runner: JobRunner,
    job_id: str,
    attempt: int,
    *_newer: object,
    format: object = 1,  # noqa: A002 - the message's word
    **_newest: object,
) -> None:
    """Run the job that a message speaks of; what a newer relay says beyond this is not for us.

    A message of a newer format is left to newer workers.
    """
    if isinstance(format, int) and format <= FORMAT:
        await runner.carry(UUID(job_id), attempt)
    else:
        await runner.leave_to_newer(UUID(job_id), attempt)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def work(
    settings: Settings, registry: Registry, stop: queue.SimpleQueue[int], *, lease: timedelta = LEASE
) -> None:
    """Run a worker in this process until something is put into ``stop``."""
    with JobLoop(settings, registry, lease=lease) as loop:
        broker = make_broker(redis_url(settings))
        declare_run(broker, loop.run)
        worker = Worker(broker, worker_threads=settings.worker_threads, worker_timeout=_POLL_MILLIS)
        worker.start()
        log.info("worker.started", places=settings.worker_threads)
        stop.get()
        log.info("worker.draining")
        loop.drain()
        worker.stop(timeout=int(_END_SECONDS * 1000))
        broker.client.close()


def _calm_collector() -> None:
    """Look for garbage less often, and never among what the program consists of (for which nobody looked so far).

    A step over many records makes and drops objects by the ten thousand; with Python's thresholds
    a quarter of an import's time went into looking at them again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def main(registry: Registry | None = None, *, lease: timedelta = LEASE) -> None:
    """Run a worker with the product's handlers, or with those given, until SIGTERM or SIGINT."""
    with begin("worker") as settings:
        _work_until_told(settings, registry, lease=lease)


def _work_until_told(settings: Settings, registry: Registry | None, *, lease: timedelta) -> None:
    uvloop.install()
    # A SimpleQueue may be put into by a signal handler, whatever the main thread is doing.
    stop: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stop.put(received))
    gc.disable()
    handled = registry or handlers.load()
    _calm_collector()
    try:
        work(settings, handled, stop, lease=lease)
    except KedangError as error:
        log.critical("process.ended", exc_info=error)
        sys.exit(1)
    log.info("process.stopped")


if __name__ == "__main__":
    main()
