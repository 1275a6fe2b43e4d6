"""The relay: hands due jobs to the workers, company by company, and takes back what got lost.

``python -m kedang_workers.relay``; several at once are safe, and one is enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

import structlog
from dramatiq.brokers.redis import RedisBroker
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from kedang_platform.clock import Clock, SystemClock
from kedang_platform.database import Databases, urls_of
from kedang_platform.errors import KedangError
from kedang_platform.observing import metrics
from kedang_platform.observing.endpoint import telling
from kedang_platform.observing.health import Health
from kedang_platform.settings import Settings
from kedang_platform.work.claims import sweep
from kedang_platform.work.lanes import Handed, Limits, hand_out, take_back
from kedang_platform.work.standing import keep_telling
from kedang_platform.work.wakeup import CHANNEL
from kedang_workers.broker import AT_ONCE, UNREAD, make_broker, send
from kedang_workers.channels import CHANNELS
from kedang_workers.process import redis_url, serve

MARK = "kedang:relay"
"""A key that vanishes when Valkey is emptied, and by that tells that all messages are gone."""

log = structlog.get_logger("kedang_workers.relay")


@dataclass(frozen=True, slots=True)
class Timing:
    """``idle`` is the wait when nothing is due, ``sweep`` the time between two looks for what got lost.

    ``unanswered`` is how long a message may lie unread before it counts as lost: well above any
    normal wait in the queue, since a message that was only late is then sent twice (and ignored once).
    A relay that begins waits for none of them: one that was killed may have sent none of what it handed out.
    ``quiet`` is how long Valkey may say nothing before it is asked whether it is there.
    """

    idle: timedelta = timedelta(seconds=1)
    sweep: timedelta = timedelta(seconds=1)
    unanswered: timedelta = timedelta(seconds=30)
    quiet: timedelta = timedelta(seconds=5)
    crowded_least: timedelta = timedelta(milliseconds=10)
    crowded_most: timedelta = timedelta(milliseconds=100)


class Relay:
    """Hands out what is due by ``clock``, or by the database's, which all relays share."""

    def __init__(
        self,
        *,
        databases: Databases,
        clock: Clock | None = None,
        redis_url: str,
        limits: Limits | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._databases = databases
        self._clock = clock
        self._broker: RedisBroker = make_broker(redis_url)
        self._redis = Redis.from_url(redis_url, socket_connect_timeout=5, socket_timeout=5, retry=AT_ONCE)
        self._limits = limits or Limits()
        self._timing = timing or Timing()
        self._woken = asyncio.Event()
        self._swept_at = -1e9
        self._begun = False
        self._crowded = self._timing.crowded_least

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until ``stop`` is set; a server that is away is waited for."""
        listening = asyncio.create_task(self._listen())
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                await self._wait(await self._survive_round())
        finally:
            for task in (listening, stopping):
                task.cancel()
            await asyncio.gather(listening, stopping, return_exceptions=True)

    async def close(self) -> None:
        """Close the connections to Valkey."""
        await self._redis.aclose()
        await asyncio.to_thread(self._broker.client.close)

    async def round(self) -> timedelta:
        """Take back what got lost, hand out what is due; returns how long the next round may wait."""
        if monotonic() - self._swept_at >= self._timing.sweep.total_seconds():
            await self._sweep()
            self._swept_at = monotonic()
        async with self._databases.control() as tx:
            now = self._clock.now() if self._clock else None
            due = await hand_out(tx, now=now, limits=self._limits)
        await self._send(due.jobs)
        metrics.HANDED_OUT.inc(len(due.jobs))
        if not due.more:
            return self._timing.idle
        if due.jobs:
            self._crowded = self._timing.crowded_least
        else:
            self._crowded = min(self._crowded * 2, self._timing.crowded_most)
        return self._crowded

    async def _survive_round(self) -> timedelta:
        try:
            wait = await self.round()
        except (KedangError, RedisError, OSError) as error:
            log.warning("relay.server_away", error=type(error).__name__)
            metrics.VALKEY_AWAY.labels("relay").set(isinstance(error, RedisError))
            return self._timing.idle
        metrics.VALKEY_AWAY.labels("relay").set(0)
        return wait

    async def _sweep(self) -> None:
        after = await self._unanswered_after()
        async with self._databases.control() as tx:
            swept = await sweep(tx, unanswered_after=after)
        self._begun = True
        if after == timedelta(0):
            await self._redis.set(MARK, b"1")
        if swept.expired or swept.unanswered:
            metrics.EXPIRED.inc(swept.expired)
            metrics.UNANSWERED.inc(swept.unanswered)
            log.info("relay.taken_back", expired=swept.expired, unanswered=swept.unanswered)

    async def _unanswered_after(self) -> timedelta | None:
        if not await self._redis.exists(MARK):
            return timedelta(0)
        # Messages that lie unread are not lost: where no worker runs, sending them again would only pile them up.
        if await self._redis.llen(UNREAD) >= self._limits.queued:
            return None
        return self._timing.unanswered if self._begun else timedelta(0)

    async def _send(self, jobs: Sequence[Handed]) -> None:
        if not jobs:
            return
        sent = await asyncio.to_thread(self._send_all, jobs)
        if sent < len(jobs):
            async with self._databases.control() as tx:
                await take_back(tx, jobs[sent:])
            raise RedisError(f"{len(jobs) - sent} messages could not be sent")

    def _send_all(self, jobs: Sequence[Handed]) -> int:
        """Returns how many were surely sent; the rest may go out twice, which the fence forgives."""
        for number, job in enumerate(jobs):
            try:
                send(self._broker, job)
            except (RedisError, OSError) as error:
                log.warning("relay.valkey_away", error=type(error).__name__)
                return number
        return len(jobs)

    async def _wait(self, at_most: timedelta) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most.total_seconds()):
                await self._woken.wait()
        self._woken.clear()

    async def _listen(self) -> None:
        while True:
            with suppress(RedisError, OSError):
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    await self._hear(channel)
            await asyncio.sleep(1)

    async def _hear(self, channel: PubSub) -> None:
        """Until Valkey, silent for a while, does not answer either: a network may swallow all and say nothing."""
        pinged = False
        while True:
            message = await channel.get_message(timeout=self._timing.quiet.total_seconds())
            if message is not None:
                pinged = False
                self._woken.set()
            elif pinged:
                return
            else:
                pinged = True
                await channel.ping()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()


async def relay(settings: Settings, stop: asyncio.Event, *, timing: Timing | None = None) -> None:
    """Relay for the installation that ``settings`` name, until ``stop`` is set."""
    health = Health()
    databases = await Databases.open(settings, urls_of(settings))
    try:
        async with telling(settings, health, metrics.Pools(databases)) as port:
            running = Relay(
                databases=databases,
                redis_url=redis_url(settings),
                limits=Limits(channels=CHANNELS),
                timing=timing,
            )
            names = {kind: channel.name for kind, channel in CHANNELS.items()}
            counting = [keep_telling(databases, SystemClock(), channels=names)] if port else []
            tasks = [asyncio.create_task(each) for each in counting]
            health.begin(databases, redis_url=settings.redis_url)
            try:
                await running.run(stop)
            finally:
                health.drain()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await running.close()
    finally:
        await databases.close()


if __name__ == "__main__":
    serve(relay, name="relay")
