"""The worker: runs jobs side by side in one process. ``python -m kedang_workers.start``.

dramatiq's threads only carry messages; the jobs themselves run on one event loop, on which
everything they use is opened. SIGTERM and SIGINT drain: nothing new is begun, what runs stops at
its next step and goes on in another worker from its checkpoint.
"""

from __future__ import annotations

import asyncio
import queue
import signal
import sys
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import structlog
import uvloop
from dramatiq import Worker
from dramatiq.asyncio import EventLoopThread, get_event_loop_thread, set_event_loop_thread
from dramatiq.middleware import AsyncIO

from kedang_platform.errors import KedangError
from kedang_platform.settings import Settings
from kedang_platform.work import Registry
from kedang_platform.work.runner import JobRunner
from kedang_workers import handlers
from kedang_workers.broker import declare_run, make_broker
from kedang_workers.composition import open_services, redis_url
from kedang_workers.logs import configure_logs

GRACE_SECONDS = 20.0
"""How long a draining worker lets a step last before it breaks the step off (it is rolled back and repeated)."""
_END_SECONDS = 30.0
_LOOP_SECONDS = 30.0
_POLL_MILLIS = 100

log = structlog.get_logger(__name__)


class JobLoop(AsyncIO):
    """The event loop of the process with everything that jobs use, open as long as the worker runs."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        super().__init__()
        self._settings = settings
        self._registry = registry
        self._opened = AsyncExitStack()
        self._leases: asyncio.Task[None] | None = None
        self._runner: JobRunner | None = None

    async def run(self, job_id: str, attempt: int, *_newer: object, **_newest: object) -> None:
        """The actor. What a newer relay says beyond this is not for us."""
        assert self._runner is not None
        await self._runner.run(UUID(job_id), attempt)

    def drain(self) -> None:
        """Begin nothing more; after the grace break off what still runs. Call from any thread."""
        thread = get_event_loop_thread()
        if self._runner is not None and thread is not None:
            thread.loop.call_soon_threadsafe(self._runner.drain)
            thread.loop.call_soon_threadsafe(thread.loop.call_later, GRACE_SECONDS, self._runner.break_off)

    def before_worker_boot(self, broker: Any, worker: Any) -> None:  # noqa: ARG002 - dramatiq's hook
        # As the parent class does, but patient: on a busy machine a thread may need more than a second.
        thread = EventLoopThread(self.logger)
        thread.start(timeout=_LOOP_SECONDS)
        set_event_loop_thread(thread)
        thread.run_coroutine(self._open())

    def after_worker_shutdown(self, broker: Any, worker: Any) -> None:
        thread = get_event_loop_thread()
        if thread is not None:
            thread.run_coroutine(self._close())
        super().after_worker_shutdown(broker, worker)  # type: ignore[no-untyped-call]

    async def _open(self) -> None:
        services = await self._opened.enter_async_context(open_services(self._settings))
        places = self._settings.worker_threads
        self._runner = JobRunner(services=services, registry=self._registry, places=places)
        self._leases = asyncio.create_task(self._runner.keep_leases())

    async def _close(self) -> None:
        if self._leases is not None:
            self._leases.cancel()
            await asyncio.gather(self._leases, return_exceptions=True)
        await self._opened.aclose()


def work(settings: Settings, registry: Registry, stop: queue.SimpleQueue[int]) -> None:
    """Run a worker in this process until something is put into ``stop``."""
    loop = JobLoop(settings, registry)
    broker = make_broker(redis_url(settings), middleware=[loop])
    declare_run(broker, loop.run)
    worker = Worker(broker, worker_threads=settings.worker_threads, worker_timeout=_POLL_MILLIS)
    worker.start()
    log.info("worker.started", places=settings.worker_threads)
    stop.get()
    log.info("worker.draining")
    loop.drain()
    worker.stop(timeout=int(_END_SECONDS * 1000))
    broker.close()


def main() -> None:
    configure_logs()
    uvloop.install()
    # A SimpleQueue may be put into by a signal handler, whatever the main thread is doing.
    stop: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stop.put(received))
    try:
        work(Settings(), handlers.load(), stop)
    except KedangError as error:
        _stop_loop()
        sys.exit(f"{error.code}: {error}")


def _stop_loop() -> None:
    """End the loop's thread where the worker could not begin, so that the process can end."""
    thread = get_event_loop_thread()
    if thread is not None:
        thread.stop()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
