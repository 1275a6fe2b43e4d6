"""A tap on others' shoulders after a commit: work is there now. Lost taps cost a second, nothing else."""

from __future__ import annotations

import asyncio

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

CHANNEL = "kedang:work"
_SECONDS = 2.0
_APART = 0.01

log = structlog.get_logger(__name__)


class Waker:
    """Publishes to Valkey that there is work: at once, and then at most every 10 milliseconds.

    On another ``channel`` it says what that one stands for.
    """

    def __init__(self, redis_url: str, *, channel: str = CHANNEL) -> None:
        self._channel = channel
        self._redis = Redis.from_url(redis_url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def wake(self) -> None:
        """Wake the relays soon; returns at once and never raises. Call it on the event loop."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._publish())

    async def close(self) -> None:
        if self._task is not None:
            await self._task
        await self._redis.aclose()

    async def _publish(self) -> None:
        while self._again:
            self._again = False
            try:
                await self._redis.publish(self._channel, b"")
            except (RedisError, OSError) as error:
                log.debug("work.wake_failed", error=type(error).__name__)
            await asyncio.sleep(_APART)
