"""Own fields that another process changes are known here at once, not when what is remembered grows old."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog

from kedang_graphql.engine.viewers import Viewers
from kedang_platform.database import Databases
from kedang_platform.errors import KedangError
from kedang_tenants.people.custom_fields import CHANNEL

_INTERVAL = 5.0
log = structlog.get_logger(__name__)


async def keep_fields_fresh(databases: Databases, viewers: Viewers, *, interval: float = _INTERVAL) -> None:
    """Until cancelled: forget the viewers of every company whose own fields change.

    A connection that breaks is opened again after ``interval`` seconds. Where the main database cannot be listened to (PgBouncer in transaction mode), and for companies in another
    one, changes are seen within 5 seconds.
    """
    while True:
        try:
            await _listen(databases, viewers)
        except KedangError as error:
            log.warning("overlay.not_listening", code=error.code)
        await asyncio.sleep(interval)


async def _listen(databases: Databases, viewers: Viewers) -> None:
    """Hear until the connection breaks; what was told before it stood is unknown, so all are forgotten then."""
    broken = asyncio.Event()
    async with databases.listener(CHANNEL, lambda told: viewers.forget(UUID(told))) as connection:
        connection.add_termination_listener(lambda _: broken.set())
        viewers.forget()
        await broken.wait()
