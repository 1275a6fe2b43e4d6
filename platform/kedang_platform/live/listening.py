"""The gateways' side: one connection a process, the channels of those companies that somebody watches.

A connection that breaks, or over which nothing comes back, is never mended in silence: what was told
meanwhile is lost, so whoever listens hears of the loss and begins anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from kedang_platform.buckets import database_beside
from kedang_platform.live.events import LiveEvent, channel_of, company_in, read, unavailable

_LONGEST_WAIT: Final = 1.0
_QUIET: Final = 5.0

log = structlog.get_logger(__name__)

Told = Callable[[UUID, Sequence[LiveEvent]], None]


class Feed:
    """What happens in the companies that are listened to; used on one event loop.

    ``told`` gets each message, ``lost`` is called when the connection was lost: nothing is listened to
    any more then. A Valkey that does not answer is given up after 5 to 10 seconds.
    """

    def __init__(
        self, redis_url: str, *, told: Told, lost: Callable[[], None], quiet: float = _QUIET
    ) -> None:
        self._told = told
        self._lost = lost
        self._quiet = quiet
        self._redis: Any = Redis.from_url(
            database_beside(redis_url),
            socket_timeout=_LONGEST_WAIT,
            socket_connect_timeout=_LONGEST_WAIT,
            retry=Retry(NoBackoff(), 0),
        )
        self._pubsub: Any = None
        self._reading: asyncio.Task[None] | None = None
        self._listening: dict[UUID, asyncio.Future[None]] = {}
        self._turn = asyncio.Lock()

    async def listen(self, company_id: UUID) -> None:
        """Hear of this company from now on; raises LiveUnavailable. Once is enough for all that watch it."""
        async with self._turn:
            heard = self._listening.get(company_id)
            if heard is None:
                heard = asyncio.get_running_loop().create_future()
                self._listening[company_id] = heard
                try:
                    await self._subscribe(company_id)
                except (RedisError, OSError) as error:
                    await self._give_up(error)
                except asyncio.CancelledError:
                    self._listening.pop(company_id, None)  # whoever comes next asks for it themselves
                    raise
        await asyncio.wait([heard], timeout=_LONGEST_WAIT)
        if not heard.done() or heard.cancelled():
            raise unavailable()

    def hears(self, company_id: UUID) -> bool:
        """Whether this company is listened to at this moment: the connection may be lost after ``listen``."""
        heard = self._listening.get(company_id)
        return heard is not None and heard.done()

    async def ignore(self, company_id: UUID, *, unless: Callable[[], bool]) -> None:
        """Nobody watches this company any more, ``unless`` somebody has begun to meanwhile."""
        async with self._turn:
            if unless() or self._listening.pop(company_id, None) is None:
                return
            try:
                await self._pubsub.unsubscribe(channel_of(company_id))
            except (RedisError, OSError) as error:
                await self._give_up(error)

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        if self._pubsub is not None:
            await self._pubsub.aclose()
        await self._redis.aclose()

    async def _subscribe(self, company_id: UUID) -> None:
        if self._pubsub is None:
            self._pubsub = self._redis.pubsub()
        await self._pubsub.subscribe(channel_of(company_id))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(self._pubsub))

    async def _read(self, pubsub: Any) -> None:
        """Until the connection is lost. One ping is under way while nothing comes."""
        pinged = False
        try:
            while True:
                message = await pubsub.get_message(timeout=self._quiet)
                if message is not None:
                    pinged = False
                    self._take(message)
                elif pinged:
                    raise ConnectionError("no answer to a ping")
                else:
                    pinged = True
                    await pubsub.ping()
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may be left waiting for what never comes
            async with self._turn:
                if pubsub is self._pubsub:
                    self._reading = None
                    await self._give_up(error)

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            heard = self._listening.get(company_in(message["channel"]))
            if heard is not None and not heard.done():
                heard.set_result(None)
        elif message["type"] == "message":
            company = company_in(message["channel"])
            if company in self._listening:
                self._told(company, read(message["data"]))

    async def _give_up(self, error: Exception) -> None:
        """Tell that nothing is heard any more, and close the connection."""
        log.warning("live.valkey_lost", error=type(error).__name__)
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
        pubsub, self._pubsub = self._pubsub, None
        listening, self._listening = self._listening, {}
        for heard in listening.values():
            if not heard.done():
                heard.cancel()
        self._lost()
        if pubsub is not None:
            await pubsub.aclose()
