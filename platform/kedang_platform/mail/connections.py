"""Connections to the mail server between two mails: kept for a moment, then parted from politely.

Opening one costs five round trips, with TLS and a password ten and more; a thousand invitations share a few.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aiosmtplib import SMTP, SMTPException

# Servers wait minutes (RFC 5321, 4.5.3.2: five), but a place at theirs is scarce; Postfix keeps one for two seconds.
IDLE_SECONDS = 5.0
# Some take only so many mails of one connection; after a hundred the opening no longer counts.
MAILS = 100
_GOODBYE_SECONDS = 2.0


@dataclass(slots=True)
class Kept:
    """A connection, how many mails were begun on it, and since when (the loop's time) it lies idle."""

    client: SMTP
    mails: int = 0
    idle_since: float = 0.0


class ConnectionKeeper:
    """The idle connections of one event loop, the latest used taken first."""

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS, mails: int = MAILS) -> None:
        self._idle: list[Kept] = []
        self._idle_seconds = idle_seconds
        self._mails = mails
        self._timer: asyncio.TimerHandle | None = None
        self._partings: set[asyncio.Task[None]] = set()

    def take(self) -> Kept | None:
        """An idle connection that as far as is known still stands; None when there is none."""
        while self._idle:
            kept = self._idle.pop()
            if kept.client.is_connected:
                return kept
        return None

    @asynccontextmanager
    async def dropping(self, connection: Kept) -> AsyncIterator[None]:
        """Break the connection off when an error leaves the block."""
        try:
            yield
        except BaseException:
            connection.client.close()
            raise

    @asynccontextmanager
    async def returning(self, connection: Kept) -> AsyncIterator[None]:
        """Keep the connection after the block, in which one mail ends; an error breaks it off."""
        async with self.dropping(connection):
            yield
            connection.mails += 1
            if connection.client.is_connected:
                self._keep(connection)

    async def close(self) -> None:
        """Part from all idle connections, and wait for the partings under way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for kept in self._idle:
            self._part(kept)
        self._idle.clear()
        while self._partings:
            await asyncio.gather(*self._partings)

    def _keep(self, connection: Kept) -> None:
        if connection.mails >= self._mails:
            self._part(connection)
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.append(connection)
        if self._timer is None:
            self._timer = loop.call_later(self._idle_seconds, self._tidy)

    def _tidy(self) -> None:
        """Part from those that nobody took for so long; look again when the next one's time has come."""
        loop = asyncio.get_running_loop()
        due = loop.time() - self._idle_seconds
        for kept in self._idle:
            if kept.idle_since <= due:
                self._part(kept)
        self._idle = [kept for kept in self._idle if kept.idle_since > due]
        oldest = min((kept.idle_since for kept in self._idle), default=None)
        self._timer = None if oldest is None else loop.call_at(oldest + self._idle_seconds, self._tidy)

    def _part(self, connection: Kept) -> None:
        task = asyncio.create_task(_part(connection.client))
        self._partings.add(task)
        task.add_done_callback(self._partings.discard)


async def _part(client: SMTP) -> None:
    with suppress(SMTPException, OSError):
        await client.quit(timeout=_GOODBYE_SECONDS)
    client.close()
