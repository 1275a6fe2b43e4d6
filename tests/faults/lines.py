"""Lines between the product and its servers that fall silent, or swallow the answer to a COMMIT."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any


class _Connection:
    """One connection carried over a line, until one of its ends closes it or it is dead."""

    def __init__(self, line: "Line", near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.line, self.near, self.far = line, near, far
        self.dead = False
        self.writing = self.swallowing = False

    async def ask(self, reader: asyncio.StreamReader) -> None:
        """From the product to the server."""
        while data := await reader.read(65_536):
            self.line.listen_for_word(data)
            if self.dead:
                continue
            self.writing = self.writing or b"BEGIN READ WRITE" in data
            if self.writing and data.endswith(b"COMMIT\0"):
                self.writing = False
                self.swallowing = self.line.takes_commit()
            self.far.write(data)
            await self.far.drain()

    async def answer(self, reader: asyncio.StreamReader) -> None:
        """From the server to the product."""
        while data := await reader.read(65_536):
            if self.swallowing:
                self.line.swallowed += 1
                return
            if not self.dead:
                self.near.write(data)
                await self.near.drain()

    def close(self) -> None:
        for writer in (self.near, self.far):
            writer.transport.abort()


class Line:
    """Carries bytes from ``port`` of this machine to a server. Its methods may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, goal: int) -> None:
        self._loop = loop
        self._goal = goal
        self._connections: set[_Connection] = set()
        self._silent = False
        self._word: bytes | None = None
        self._to_swallow = 0
        self.swallowed = 0
        self.port = 0

    def silence(self) -> None:
        """Carry nothing more and close nothing; connections that stand now, or come meanwhile, are dead for ever."""

        self._call(self._fall_silent)

    def silence_at(self, word: bytes) -> None:
        """Fall silent when the product says this word; it is not carried any more."""

        def listen() -> None:
            self._word = word

        self._call(listen)

    @property
    def silent(self) -> bool:
        return self._silent

    def speak(self) -> None:
        """Carry what comes over new connections again."""

        def begin() -> None:
            self._silent = False

        self._call(begin)

    def swallow(self, commits: int) -> None:
        """Pass on so many COMMITs of transactions that write, and break their connections off instead of the answer."""

        def arm() -> None:
            self._to_swallow = commits

        self._call(arm)

    def listen_for_word(self, data: bytes) -> None:
        if self._word is not None and self._word in data:
            self._word = None
            self._fall_silent()

    def _fall_silent(self) -> None:
        self._silent = True
        for connection in self._connections:
            connection.dead = True

    def takes_commit(self) -> bool:
        if self._to_swallow == 0:
            return False
        self._to_swallow -= 1
        return True

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Take no further connection, and break those that stand."""
        self._server.close()
        for connection in self._connections:
            connection.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, there = await asyncio.open_connection("127.0.0.1", self._goal)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(self, writer, there)
        connection.dead = self._silent
        self._connections.add(connection)
        ways = [asyncio.ensure_future(way) for way in (connection.ask(reader), connection.answer(back))]
        with suppress(OSError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        connection.close()
        await asyncio.gather(*ways, return_exceptions=True)
        self._connections.discard(connection)

    def _call(self, change: Callable[[], None]) -> None:
        done: Future[None] = Future()

        def run() -> None:
            change()
            done.set_result(None)

        self._loop.call_soon_threadsafe(run)
        done.result(10)


class Lines:
    """The lines of a house, carried by a thread of their own."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def to(self, port: int) -> Line:
        """A new line to a port of this machine."""
        line = Line(self._loop, port)
        asyncio.run_coroutine_threadsafe(line.open(), self._loop).result(10)
        self._lines.append(line)
        return line

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end_all(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end_all(self) -> None:
        for line in self._lines:
            line.close()
        tasks: list[asyncio.Task[Any]] = [
            task for task in asyncio.all_tasks() if task is not asyncio.current_task()
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
