"""The workers' side: one message for what a transaction did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from kedang_platform.buckets import database_beside
from kedang_platform.live.events import LiveEvent, channel_of, unavailable, written

_LONGEST_WAIT: Final = 0.5
_MOST_A_MESSAGE: Final = 500


class Publisher:
    """Tells the gateways; used on one event loop. It connects when something is told first."""

    def __init__(self, redis_url: str) -> None:
        self._redis: Any = Redis.from_url(
            database_beside(redis_url),
            socket_timeout=_LONGEST_WAIT,
            socket_connect_timeout=_LONGEST_WAIT,
            retry=Retry(NoBackoff(), 1),  # a connection that was closed while it lay idle is opened again
        )

    async def publish(self, company_id: UUID, events: Sequence[LiveEvent]) -> None:
        """Tell whoever listens now, in the order given; raises LiveUnavailable, and may then have told some."""
        channel = channel_of(company_id)
        try:
            for begin in range(0, len(events), _MOST_A_MESSAGE):
                await self._redis.publish(channel, written(events[begin : begin + _MOST_A_MESSAGE]))
        except (RedisError, OSError) as error:
            raise unavailable() from error

    async def close(self) -> None:
        await self._redis.aclose()
