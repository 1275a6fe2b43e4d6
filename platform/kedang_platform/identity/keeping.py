"""What a process does beside its requests for the credentials it knows."""

from __future__ import annotations

import asyncio
import logging

from kedang_platform.database import Databases
from kedang_platform.errors import KedangError
from kedang_platform.identity.announcing import CHANNEL
from kedang_platform.identity.credentials import Credentials

_INTERVAL = 60.0
log = logging.getLogger(__name__)


async def keep_credentials(
    databases: Databases, credentials: Credentials, *, interval: float = _INTERVAL
) -> None:
    """Until cancelled: forget what other processes revoke, and store every minute what was last used.

    Where the database cannot be listened to (PgBouncer in transaction mode), revocation still takes
    effect within 5 seconds; a failure of one round only delays it to the next.
    """
    try:
        while True:
            await _listen(databases, credentials, interval=interval)
            await asyncio.sleep(interval)
            await _write(credentials)
    finally:
        await _write(credentials)


async def _listen(databases: Databases, credentials: Credentials, *, interval: float) -> None:
    """Hear until the connection breaks; what was missed before it stood is forgotten first."""
    try:
        async with databases.listener(CHANNEL, lambda _: credentials.forget()) as connection:
            credentials.forget()
            while not connection.is_closed():
                await asyncio.sleep(interval)
                await _write(credentials)
    except KedangError as error:
        log.warning("not listening for ended credentials: %s", error.code)


async def _write(credentials: Credentials) -> None:
    try:
        await credentials.write_uses()
    except KedangError as error:
        log.warning("last uses not stored: %s", error.code)
