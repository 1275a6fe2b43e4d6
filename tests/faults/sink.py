"""A mail server whose manners depend on whom a mail is for: ``python -m tests.faults.sink <port> <file>``.

It appends a line of JSON for each mail that it took or refused for good. What it does to a recipient the
first time stands in ``MANNERS``; asked again it behaves.
"""

import asyncio
import json
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TextIO

import uvloop

MANNERS = {
    "busy.example": "451 at RCPT",
    "full.example": "452 after the mail",
    "closed.example": "550 at RCPT, always",
    "refusing.example": "554 after the mail, always",
    "silent.example": "no answer to RCPT",
    "lost.example": "the mail is taken, the answer never comes",
    "drip.example": "the answer comes a byte at a time",
    "half.example": "the mail is taken, half an answer comes, then the connection is closed",
    "endless.example": "the mail is taken, an answer of ever more lines begins",
    "gone.example": "the connection is closed in the middle of the mail",
}
GOOD = "ok.example"
REFUSED = ("closed.example", "refusing.example")
TAKEN_UNTOLD = ("lost.example", "half.example", "endless.example")
_MESSAGE_ID = re.compile(rb"^Message-ID: *(\S+)", re.MULTILINE | re.IGNORECASE)
_ADDRESS = re.compile(r"<([^>]*)>")
_SILENCE = 3_600.0


class Sink:
    def __init__(self, log: TextIO) -> None:
        self._log = log
        self._asked: Counter[str] = Counter()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, reader, writer)
        try:
            await session.serve()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def first(self, recipient: str, place: str) -> bool:
        """Whether the recipient comes to this place for the first time."""
        self._asked[f"{place} {recipient}"] += 1
        return self._asked[f"{place} {recipient}"] == 1

    def note(self, event: str, recipient: str, content: bytes, *, told: bool = True) -> None:
        found = _MESSAGE_ID.search(content)
        line = {
            "event": event,
            "recipient": recipient,
            "message_id": found[1].decode() if found else "",
            "told": told,
            "size": len(content),
            "at": time.time(),
        }
        self._log.write(json.dumps(line) + "\n")
        self._log.flush()


class _Session:
    def __init__(self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sink, self._reader, self._writer = sink, reader, writer
        self._recipient = ""

    async def serve(self) -> None:
        await self._say("220 sink.example")
        while line := (await self._reader.readline()).decode(errors="replace").strip():
            verb = line.split()[0].upper()
            if verb == "QUIT":
                await self._say("221 Bye")
                return
            if verb == "EHLO":
                await self._say("250-sink.example\r\n250-8BITMIME\r\n250 SMTPUTF8")
            elif verb == "RCPT":
                await self._rcpt(line)
            elif verb == "DATA":
                await self._data()
            else:
                await self._say("250 OK")

    async def _rcpt(self, line: str) -> None:
        found = _ADDRESS.search(line)
        self._recipient = found[1] if found else ""
        domain = self._recipient.rpartition("@")[2]
        if domain == "closed.example":
            self._sink.note("refused", self._recipient, b"")
            await self._say("550 No such mailbox")
        elif domain == "busy.example" and self._sink.first(self._recipient, "rcpt"):
            await self._say("451 Come back later")
        elif domain == "silent.example" and self._sink.first(self._recipient, "rcpt"):
            await asyncio.sleep(_SILENCE)
        else:
            await self._say("250 OK")

    async def _data(self) -> None:
        domain = self._recipient.rpartition("@")[2]
        first = self._sink.first(self._recipient, "data")
        await self._say("354 Go on")
        if domain == "gone.example" and first:
            await self._reader.read(100)
            self._writer.transport.abort()
            raise ConnectionResetError
        content = await self._reader.readuntil(b"\r\n.\r\n")
        if domain == "refusing.example":
            self._sink.note("refused", self._recipient, content)
            await self._say("554 Not wanted")
        elif domain == "full.example" and first:
            await self._say("452 No room")
        elif domain in TAKEN_UNTOLD and first:
            self._sink.note("taken", self._recipient, content, told=False)
            await self._say_nothing_useful(domain)
        else:
            self._sink.note("taken", self._recipient, content)
            await (self._drip("250 OK\r\n") if domain == "drip.example" and first else self._say("250 OK"))

    async def _say_nothing_useful(self, domain: str) -> None:
        if domain == "half.example":
            self._writer.write(b"25")
            await self._writer.drain()
            self._writer.close()
            raise ConnectionResetError
        while not self._writer.is_closing():
            await asyncio.sleep(1)
            if domain == "endless.example" and not self._writer.is_closing():
                self._writer.write(b"250-still thinking\r\n")
                await self._writer.drain()
        raise ConnectionResetError

    async def _drip(self, text: str) -> None:
        for byte in text.encode():
            self._writer.write(bytes([byte]))
            await self._writer.drain()
            await asyncio.sleep(0.3)

    async def _say(self, text: str) -> None:
        self._writer.write(f"{text}\r\n".encode())
        await self._writer.drain()


async def serve(port: int, file: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with file.open("a") as log:
        sink = Sink(log)
        server = await asyncio.start_server(sink.connected, "127.0.0.1", port, limit=1024 * 1024)
        await stop.wait()
        server.close()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
