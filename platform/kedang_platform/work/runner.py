"""From a message to a settled job: claim, run the handler, settle what came of it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from time import perf_counter
from typing import TypeAlias
from uuid import UUID

import structlog

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.observing import metrics, tracing
from kedang_platform.work import claims, retry
from kedang_platform.work.claims import LEASE, Claim
from kedang_platform.work.handlers import RETRIES, JobHandler, Registry
from kedang_platform.work.running import JobCancelled, JobInterrupted, JobLost, JobPutOff, RunningJob
from kedang_platform.work.services import Services
from kedang_platform.work.standing import NO_CHANNEL

LAST_WORDS = 5
"""Tries beyond the last that a job gets when telling that it is given up fails, too."""
_TURNED_AWAY = timedelta(seconds=1)

log = structlog.get_logger(__name__)
Report: TypeAlias = Callable[[Claim, Exception], None]
Leave: TypeAlias = Callable[[], None]


class Outcome(Enum):
    """What came of one message."""

    DONE = "done"
    FAILED = "failed"
    AGAIN = "again"
    CANCELLED = "cancelled"
    RELEASED = "released"
    LOST = "lost"
    DUPLICATE = "duplicate"


def log_failure(claim: Claim, error: Exception) -> None:
    """Tell the operator of a try that failed: a plain no in a line, anything else with its traceback."""
    facts = {"job": str(claim.id), "kind": claim.kind, "tries": claim.tries}
    if isinstance(error, KedangError):
        log.warning("job.failed", code=error.code, **facts)
    else:
        log.error("job.failed", exc_info=error, **facts)


class JobRunner:
    """Runs the jobs of one process. ``places`` is how many the process runs side by side."""

    def __init__(
        self,
        *,
        services: Services,
        registry: Registry,
        places: int = 1,
        lease: timedelta = LEASE,
        chance: random.Random | None = None,
        report: Report = log_failure,
    ) -> None:
        self._services = services
        self._registry = registry
        self._places_for_slow = max(1, places - 1)
        self._lease = lease
        self._chance = chance or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._report = report
        self._running: dict[UUID, RunningJob] = {}
        self._tasks: set[asyncio.Task[Outcome]] = set()
        self._slow = 0
        self._outside: Counter[str] = Counter()
        self._draining = False

    async def run(self, job_id: UUID, attempt: int) -> Outcome:
        """Run the job that a message speaks of and settle it, whatever its handler does.

        What cannot be settled because the database is away is taken back when the lease ends.
        """
        return await self._begin(job_id, attempt, leave=_stay)

    async def carry(self, job_id: UUID, attempt: int) -> None:
        """As ``run``, but returns as soon as the job needs no place here: when it has ended, or only waits outside."""
        left = asyncio.get_running_loop().create_future()

        def leave(*_ended: object) -> None:
            if not left.done():
                left.set_result(None)

        task = self._begin(job_id, attempt, leave=leave)
        task.add_done_callback(leave)
        await left
        if task.done():
            task.result()
        else:
            task.add_done_callback(_tell_broken)

    async def leave_to_newer(self, job_id: UUID, attempt: int) -> None:
        """Leave the job of a message that only a newer worker can read to one, for some seconds at first."""
        wait = retry.wait_for_newer(timedelta(0), chance=self._chance)
        async with self._services.databases.control() as tx:
            await claims.give_back(tx, job_id, attempt, due_at=self._services.clock.now() + wait)

    async def settled(self) -> None:
        """Wait until nothing runs here any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def keep_leases(self) -> None:
        """Renew the leases of what runs here, three times a lease, until cancelled."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            with suppress(KedangError):  # the next round, or the end of the lease, sees to it
                await self._renew()

    def drain(self) -> None:
        """Begin nothing more, and let what runs stop at its next step and go on elsewhere."""
        self._draining = True
        for job in self._running.values():
            job.interrupted = True

    def break_off(self) -> None:
        """Cancel what still runs: its open step is rolled back and the job put back."""
        for task in self._tasks:
            task.cancel()

    def _begin(self, job_id: UUID, attempt: int, *, leave: Leave) -> asyncio.Task[Outcome]:
        # A task of its own, so that breaking it off leaves whoever called alone.
        task = asyncio.get_running_loop().create_task(self._run(job_id, attempt, leave))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, job_id: UUID, attempt: int, leave: Leave) -> Outcome:
        try:
            async with self._services.databases.control() as tx:
                claim = await claims.claim(tx, job_id, attempt, lease=self._lease)
            if claim is None:
                metrics.JOBS.labels(metrics.UNKNOWN, Outcome.DUPLICATE.value).inc()
                return Outcome.DUPLICATE
            return await self._observed(claim, leave)
        except KedangError as error:
            log.warning("job.unsettled", job=str(job_id), code=error.code)
            return Outcome.LOST

    async def _observed(self, claim: Claim, leave: Leave) -> Outcome:
        """A try from its beginning to its end, told in figures, as a span linked to whence it was asked for, in the log."""
        handler = self._registry.handlers.get(claim.kind)
        kind = metrics.UNKNOWN if handler is None else handler.kind
        channel = handler.channel.name if handler is not None and handler.channel is not None else NO_CHANNEL
        metrics.JOB_WAIT.labels(channel, metrics.priority_class(claim.priority)).observe(claim.waited)
        began = perf_counter()
        outcome = Outcome.LOST
        with tracing.span("job", link=claim.trace, root=True, kind=kind, tries=claim.tries) as span:
            try:
                outcome = await self._answer(claim, leave)
                return outcome
            finally:
                seconds = perf_counter() - began
                span.tell(outcome=outcome.value, waited=claim.waited)
                metrics.JOBS.labels(kind, outcome.value).inc()
                metrics.JOB_SECONDS.labels(kind).observe(seconds)
                ms = round(seconds * 1000, 1)
                log.debug(
                    "job.ended",
                    job=claim.id,
                    kind=kind,
                    outcome=outcome.value,
                    tries=claim.tries,
                    milliseconds=ms,
                )

    async def _renew(self) -> None:
        held = [(job.id, job.attempt) for job in self._running.values()]
        if not held:
            return
        async with self._services.databases.control() as tx:
            called_off = await claims.renew(tx, held, lease=self._lease)
        for job_id, off in called_off.items():
            if job := self._running.get(job_id):
                job.cancelled = off

    async def _answer(self, claim: Claim, leave: Leave) -> Outcome:
        handler = self._registry.handlers.get(claim.kind)
        if handler is None or (claim.company is not None and handler.installation is not claim.installation):
            unknown = retry.UnknownKind(msg("This kind of work is not known here: {kind}."), kind=claim.kind)
            return await self._again_or_failed(claim, unknown)
        if self._draining:
            return await self._released(claim, after=timedelta(0))
        if self._is_full(handler):
            return await self._released(claim, after=_TURNED_AWAY)
        if handler.channel is not None and handler.channel.outside:
            leave()
        job = RunningJob.of(claim, services=self._services, lease=self._lease)
        self._running[job.id] = job
        self._count(handler, 1)
        try:
            return await self._handle(claim, handler, job)
        finally:
            self._count(handler, -1)
            del self._running[job.id]

    def _is_full(self, handler: JobHandler) -> bool:
        """Whether this process does enough of such work already."""
        channel = handler.channel
        if channel is not None and channel.outside:
            return self._outside[channel.name] >= channel.process
        return handler.slow and self._slow >= self._places_for_slow

    def _count(self, handler: JobHandler, more: int) -> None:
        if handler.channel is not None and handler.channel.outside:
            self._outside[handler.channel.name] += more
        else:
            self._slow += more * handler.slow

    async def _handle(self, claim: Claim, handler: JobHandler, job: RunningJob) -> Outcome:
        try:
            if claim.tries > handler.retries + 1:
                raise retry.WorkerLost(msg("The work was broken off each time it was tried."))
            async with asyncio.timeout(handler.timeout.total_seconds()):
                await handler.run(job)
        except JobLost:
            return Outcome.LOST
        except JobCancelled:
            async with self._services.databases.control() as tx:
                return _held(Outcome.CANCELLED, held=await claims.settle_cancelled(tx, claim))
        except JobInterrupted:
            return await self._released(claim, after=timedelta(0))
        except JobPutOff as put_off:
            return await self._released(claim, after=put_off.until - self._services.clock.now())
        except asyncio.CancelledError:
            return await self._released(claim, after=timedelta(0))
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is settled and reported
            return await self._failed(claim, handler, job, error)
        if job.finished:
            return Outcome.DONE
        async with self._services.databases.control() as tx:
            return _held(Outcome.DONE, held=await claims.settle_done(tx, claim))

    async def _failed(self, claim: Claim, handler: JobHandler, job: RunningJob, error: Exception) -> Outcome:
        """Settle a try that failed; where there is no further one, whoever waits for the job is told first."""
        ends = _ends(claim, error, retries=handler.retries)
        if not ends or handler.on_give_up is None or job.finished:
            return await self._again_or_failed(claim, error, handler=handler)
        job.given_up = True
        try:
            async with asyncio.timeout(handler.timeout.total_seconds()):
                await handler.on_give_up(job, retry.told_of(error))
        except JobLost:
            return Outcome.LOST
        except asyncio.CancelledError:
            return await self._released(claim, after=timedelta(0))
        except Exception as untold:  # noqa: BLE001 - as above
            self._report(claim, error)
            return await self._again_or_failed(claim, untold, handler=handler, more=LAST_WORDS)
        return await self._again_or_failed(claim, error, handler=handler)

    async def _again_or_failed(
        self, claim: Claim, error: Exception, *, handler: JobHandler | None = None, more: int = 0
    ) -> Outcome:
        self._report(claim, error)
        failure = retry.failure_of(error)
        if (span := tracing.current()) is not None:
            span.failed(failure.code)
        retries, usual = (handler.retries, handler.backoff) if handler else (RETRIES, retry.USUAL)
        async with self._services.databases.control() as tx:
            if _ends(claim, error, retries=retries + more):
                return _held(Outcome.FAILED, held=await claims.settle_failed(tx, claim, failure))
            wait = retry.wait_after(error, claim.tries, age=claim.age, usual=usual, chance=self._chance)
            again = claims.settle_again(
                tx,
                claim,
                failure,
                due_at=self._services.clock.now() + wait,
                counts=retry.counts(error, age=claim.age),
            )
            return _held(Outcome.AGAIN, held=await again)

    async def _released(self, claim: Claim, *, after: timedelta) -> Outcome:
        due_at = self._services.clock.now() + after
        async with self._services.databases.control() as tx:
            return _held(Outcome.RELEASED, held=await claims.release(tx, claim, due_at=due_at))


def _ends(claim: Claim, error: Exception, *, retries: int) -> bool:
    """Whether a job that failed so is not tried again."""
    if not retry.may_pass(error):
        return True
    return claim.tries > retries and retry.counts(error, age=claim.age)


def _stay() -> None:
    """Whoever runs a job themselves stays with it to its end."""


def _tell_broken(task: asyncio.Task[Outcome]) -> None:
    """Nobody awaits a job that has left its place: what it could not settle is told here."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("job.unsettled", exc_info=error)


def _held(outcome: Outcome, *, held: bool) -> Outcome:
    return outcome if held else Outcome.LOST
