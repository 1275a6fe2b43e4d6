"""What waits to be written to a socket: bounded, so that nobody's slowness fills the process."""

from __future__ import annotations

import asyncio
from collections import deque


class Outbox:
    """Messages in their order. More than ``most_bytes`` never wait but for one answer that is larger itself."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._messages: deque[str] = deque()
        self._bytes = 0
        self._closed = False
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def push(self, message: str) -> bool:
        """Have it written; False where too much waits already, and then it is not kept."""
        if self._bytes + len(message) > self._most and self._messages:
            return False
        self._add(message)
        return True

    async def put(self, message: str) -> None:
        """Have it written; waits while much waits, but not for a socket that is closed."""
        while not self._room.is_set():
            await self._room.wait()
        if not self._closed:
            self._add(message)

    def close(self) -> None:
        """Nothing more is written, so nobody is to wait for it."""
        self._closed = True
        self._room.set()

    async def take(self) -> str:
        """The next to be written; waits for it."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        message = self._messages.popleft()
        self._bytes -= len(message)
        if self._bytes < self._most:
            self._room.set()
        return message

    def _add(self, message: str) -> None:
        self._messages.append(message)
        self._bytes += len(message)
        self._filled.set()
        if self._bytes >= self._most:
            self._room.clear()
