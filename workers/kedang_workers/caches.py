"""What Valkey remembers of credentials, and forgetting it with their company."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

from kedang_platform.buckets import database_beside

_AT_ONCE = 500


class ValkeyCaches:
    """The keys of both logical databases: messages of work, and points of credentials (``buckets``)."""

    def __init__(self, redis_url: str) -> None:
        self._urls = (redis_url, database_beside(redis_url))

    async def forget(self, credentials: Sequence[UUID], company_id: UUID) -> None:
        """Delete every key that names one of the credentials or the company."""
        names = {form for each in (*credentials, company_id) for form in (each.hex, str(each))}
        for url in self._urls:
            client: Redis = Redis.from_url(url, socket_timeout=5)
            try:
                await _forget(client, names)
            finally:
                await client.aclose()


async def _forget(client: Any, names: set[str]) -> None:
    async for key in client.scan_iter(count=_AT_ONCE):
        text = key.decode(errors="replace")
        if any(name in text for name in names):
            await client.delete(key)
