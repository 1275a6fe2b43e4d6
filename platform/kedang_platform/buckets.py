"""Leaky buckets: how much somebody may still ask for, the same in all processes through Valkey.

A process keeps an estimate of each bucket it has to do with. Far from empty it takes from the estimate
at once and tells Valkey a moment later, many takings in one round trip; near empty it asks Valkey first. What was
taken locally is written to the bucket in any case, as debt if need be, so that nobody gets more
than the rate for long. Without Valkey the estimate is the bucket: one for each process.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import structlog
from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from kedang_platform.observing.metrics import VALKEY_AWAY

# A bucket is one number: the second (of the server's clock) at which it will be full again.
# ARGV: what was taken already (may be negative: given back), what is asked for now, size, rate.
_SCRIPT = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local size, rate = tonumber(ARGV[3]), tonumber(ARGV[4])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
full = math.min(math.max(full + ARGV[1] / rate, now), now + 2 * size / rate)
local asked = tonumber(ARGV[2])
local granted = 0
if asked <= size - (full - now) * rate then
  full = full + asked / rate
  granted = 1
end
if full > now then
  redis.call('SET', KEYS[1], string.format('%.6f', full), 'PX', math.ceil((full - now) * 1000))
else
  redis.call('DEL', KEYS[1])
end
return {granted, tostring(size - (full - now) * rate)}
"""
_PREFIX = "kedang:bucket:"
_TELL_AFTER = 0.05
_TRY_AGAIN = 1.0
_LONGEST_WAIT = 0.25
_PLENTY = 0.5
_MOST_KNOWN = 10_000

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Estimate:
    """What a bucket held at a moment of this process's clock, and what Valkey does not know of yet."""

    held: float
    at: float
    untold: float = 0.0


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether what was asked for was granted, and what the bucket holds now (below 0: a debt)."""

    granted: bool
    available: float


def database_beside(redis_url: str) -> str:
    """The logical database after the one that an address names, which is the broker's."""
    parts = urlsplit(redis_url)
    number = int(parts.path.strip("/") or 0)
    return urlunsplit(parts._replace(path=f"/{number + 1}"))


class Buckets:
    """Buckets of ``size`` points, filled up by ``rate`` points a second; used on one event loop."""

    def __init__(
        self,
        *,
        size: int,
        rate: float,
        redis_url: str | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.size = size
        self.rate = rate
        self._seconds = seconds
        self._known: OrderedDict[str, _Estimate] = OrderedDict()
        self._untold: set[str] = set()
        self._telling: asyncio.Task[None] | None = None
        self._away = False
        self._redis: Any = None
        self._script: Any = None
        if redis_url is not None:
            self._redis = Redis.from_url(
                redis_url,
                socket_timeout=_LONGEST_WAIT,
                socket_connect_timeout=_LONGEST_WAIT,
                retry=Retry(NoBackoff(), 0),
            )
            self._script = self._redis.register_script(_SCRIPT)

    async def take(self, key: str, points: float) -> Taken:
        """Take points out of a bucket, if it holds them. Never raises because of Valkey."""
        known = self._estimate(key)
        if self._redis is None or self._away or known.held - points >= self.size * _PLENTY:
            return self._take_here(key, known, points)
        untold, known.untold = known.untold, 0.0
        try:
            granted, held = await self._ask(key, untold, points)
        except (RedisError, OSError) as error:
            known.untold += untold
            self._lost(error)
            return self._take_here(key, self._estimate(key), points)
        self._learn(known, held)
        return Taken(granted, known.held)

    def give_back(self, key: str, points: float) -> float:
        """Put points back that were taken and not needed; what the bucket holds now."""
        known = self._estimate(key)
        known.held = min(known.held + points, self.size)
        if points:
            self._tell_soon(key, known, -points)
        return known.held

    def spend(self, key: str, points: float) -> None:
        """Take points that are owed already, whatever the bucket holds."""
        known = self._estimate(key)
        known.held -= points
        self._tell_soon(key, known, points)

    def seconds_until(self, points: float, available: float) -> int:
        """Whole seconds until a bucket that holds ``available`` holds ``points``; at least 1."""
        return max(1, math.ceil((points - available) / self.rate))

    def forget(self) -> None:
        """Forget all estimates: every bucket is full, or what Valkey says."""
        self._known.clear()
        self._untold.clear()

    async def close(self) -> None:
        """Close the connection; what was taken in the last moments is told to nobody."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait([self._telling])
        if self._redis is not None:
            await self._redis.aclose()

    def _estimate(self, key: str) -> _Estimate:
        now = self._seconds()
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Estimate(float(self.size), now)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
            return known
        self._known.move_to_end(key)
        filled = (now - known.at) * self.rate
        known.held = min(known.held + filled, self.size)
        if self._away:  # what was taken meanwhile is paid back meanwhile
            known.untold = max(known.untold - filled, 0.0)
        known.at = now
        return known

    def _take_here(self, key: str, known: _Estimate, points: float) -> Taken:
        if points > known.held:
            return Taken(granted=False, available=known.held)
        known.held -= points
        self._tell_soon(key, known, points)
        return Taken(granted=True, available=known.held)

    def _learn(self, known: _Estimate, held: float) -> None:
        """What Valkey says, less what was taken here since it was asked."""
        known.held = min(held - known.untold, self.size)
        known.at = self._seconds()

    async def _ask(self, key: str, untold: float, points: float) -> tuple[bool, float]:
        granted, held = await self._script(keys=[_PREFIX + key], args=[untold, points, self.size, self.rate])
        return granted == 1, float(held)

    def _tell_soon(self, key: str, known: _Estimate, points: float) -> None:
        if self._redis is None:
            return
        known.untold += points
        self._untold.add(key)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        """Tell Valkey in one round trip of all that was taken and given back here, until nothing is left to tell."""
        while self._untold:
            await asyncio.sleep(_TRY_AGAIN if self._away else _TELL_AFTER)
            told = {key: self._estimate(key) for key in self._untold}
            self._untold = set()
            amounts = {key: known.untold for key, known in told.items()}
            for known in told.values():
                known.untold = 0.0
            try:
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for key, amount in amounts.items():
                        await self._script(
                            keys=[_PREFIX + key], args=[amount, 0, self.size, self.rate], client=pipeline
                        )
                    answers = await pipeline.execute()
            except (RedisError, OSError) as error:
                for key, known in told.items():
                    known.untold += amounts[key]
                self._untold |= set(told)
                self._lost(error)
                continue
            if self._away:
                self._away = False
                VALKEY_AWAY.labels("limits").set(0)
                log.info("buckets.valkey_back")
            for known, (_, held) in zip(told.values(), answers, strict=True):
                self._learn(known, float(held))

    def _lost(self, error: Exception) -> None:
        if not self._away:
            self._away = True
            VALKEY_AWAY.labels("limits").set(1)
            log.warning("buckets.valkey_away", error=type(error).__name__)
