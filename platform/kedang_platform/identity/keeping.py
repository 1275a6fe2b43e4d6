"""What a process does beside its requests for the credentials it knows."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kedang_platform.database import Databases
from kedang_platform.errors import KedangError
from kedang_platform.identity.announcing import CHANNEL, VALKEY_CHANNEL
from kedang_platform.identity.credentials import Credentials

_INTERVAL = 60.0
_PAUSE = 1.0
# As long as nothing is heard, so that a connection that has died in silence is opened anew.
_QUIET = 300.0
log = structlog.get_logger(__name__)


async def keep_credentials(
    databases: Databases,
    credentials: Credentials,
    *,
    interval: float = _INTERVAL,
    redis_url: str | None = None,
) -> None:
    """Until cancelled: forget what other processes revoke, and store every minute what was last used.

    They are heard of over the database and over Valkey. Where neither can be listened to, revocation still
    takes effect within 5 seconds; a failure of one round only delays it to the next.
    """
    hearing = asyncio.create_task(hear_endings(credentials, redis_url)) if redis_url is not None else None
    try:
        while True:
            await _listen(databases, credentials, interval=interval)
            await asyncio.sleep(interval)
            await _write(credentials)
    finally:
        if hearing is not None:
            hearing.cancel()
            await asyncio.wait([hearing])
        await _write(credentials)


async def hear_endings(credentials: Credentials, redis_url: str) -> None:
    """Until cancelled: forget what other processes end, as Valkey tells it; what was missed is forgotten first."""
    redis: Any = Redis.from_url(redis_url, socket_timeout=_QUIET, socket_connect_timeout=_PAUSE)
    try:
        while True:
            try:
                async with redis.pubsub() as heard:
                    await heard.subscribe(VALKEY_CHANNEL)
                    async for _ in heard.listen():
                        credentials.forget()
            except (RedisError, OSError) as error:
                log.debug("credentials.valkey_away", error=type(error).__name__)
                await asyncio.sleep(_PAUSE)
    finally:
        await redis.aclose()


async def _listen(databases: Databases, credentials: Credentials, *, interval: float) -> None:
    """Hear until the connection breaks; what was missed before it stood is forgotten first."""
    try:
        async with databases.listener(CHANNEL, lambda _: credentials.forget()) as connection:
            credentials.forget()
            while not connection.is_closed():
                await asyncio.sleep(interval)
                await _write(credentials)
    except KedangError as error:
        log.warning("credentials.not_listening", code=error.code)


async def _write(credentials: Credentials) -> None:
    try:
        await credentials.write_uses()
    except KedangError as error:
        log.warning("credentials.uses_not_stored", code=error.code)
