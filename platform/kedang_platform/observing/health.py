"""Whether a process is well: live, ready, degraded, draining; the same words for all of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from kedang_platform.database import Databases
from kedang_platform.errors import KedangError

_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """``code`` is the status over HTTP; ``status`` one of ``ready``, ``degraded``, ``starting``, ``draining``,
    ``no database``. A process that is degraded serves, slower or less: it does without Valkey.
    """

    code: int
    status: str


class Health:
    """What a process knows of itself; ``begin`` and ``drain`` say where in its life it is."""

    def __init__(self) -> None:
        self._databases: Databases | None = None
        self._redis_url: str | None = None
        self._draining = False

    @property
    def draining(self) -> bool:
        return self._draining

    def begin(self, databases: Databases, *, redis_url: str | None) -> None:
        """The process has opened what it needs."""
        self._databases, self._redis_url, self._draining = databases, redis_url, False

    def drain(self) -> None:
        """The process takes nothing new; call it before whatever listens is closed."""
        self._draining = True

    async def ready(self) -> Readiness:
        """Asks PostgreSQL and Valkey, each for two seconds at most."""
        if self._draining:
            return Readiness(503, "draining")
        if self._databases is None:
            return Readiness(503, "starting")
        database, valkey = await asyncio.gather(_database_answers(self._databases), self._valkey_answers())
        if not database:
            return Readiness(503, "no database")
        return Readiness(200, "ready" if valkey else "degraded")

    async def _valkey_answers(self) -> bool:
        if self._redis_url is None:
            return True  # none is asked for
        try:
            async with asyncio.timeout(_SECONDS):
                async with Redis.from_url(self._redis_url, socket_connect_timeout=_SECONDS) as client:
                    await client.ping()
        except (RedisError, OSError, TimeoutError):
            return False
        return True


async def _database_answers(databases: Databases) -> bool:
    try:
        async with asyncio.timeout(_SECONDS), databases.control_read() as read:
            await read.fetchval("SELECT 1")
    except (KedangError, OSError, TimeoutError):
        return False
    return True
