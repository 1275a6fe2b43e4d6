"""A real server on this machine that says what it is told to, and notes what it got."""

import asyncio
import contextlib
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class Server:
    port: int = 0
    answer: bytes = OK
    silent: bool = False
    open_end: bool = False  # stay connected after the answer
    flood: bytes = b""  # what is sent behind the answer again and again, ``every`` so many seconds
    every: float = 0.0
    sent: int = 0
    got: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def handle(self, reader, writer):
        self.connections += 1
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        self.got.append(head + await reader.readexactly(length))
        if self.silent:
            await reader.read()
        else:
            with contextlib.suppress(ConnectionError):
                await self.say(writer)
                if self.open_end:
                    await reader.read()
        writer.close()

    async def say(self, writer):
        writer.write(self.answer)
        await writer.drain()
        while self.flood:
            writer.write(self.flood)
            self.sent += len(self.flood)
            await writer.drain()
            await asyncio.sleep(self.every)


@pytest.fixture
def serving():
    @asynccontextmanager
    async def serve(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, **options):
        server = Server(**options)
        listening = await asyncio.start_server(server.handle, host, server.port, ssl=tls)
        server.port = listening.sockets[0].getsockname()[1]
        async with listening:
            yield server

    return serve
