"""One request and the head of its answer over a connection of its own (HTTP/1.1, RFC 9112), bounded in bytes.

What stands in the body of an answer is nobody's business here, so it is not read; nothing of an answer is
interpreted but its status and ``Retry-After``.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 64 * 1024
"""What is read of an answer until its head has ended, heads of interim answers (1xx) among it."""
_CHUNK: Final = 4096
_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?=[ \r\n])")
_RETRY_AFTER: Final = re.compile(rb"\nretry-after:[ \t]*([^\r\n]{1,100})", re.IGNORECASE)
_SWITCHING: Final = 101


class NoHttp(Exception):
    """What came back is no answer of HTTP, or has no end."""


@dataclass(frozen=True, slots=True)
class Head:
    status: int
    retry_after: str | None


async def connect(
    address: str, port: int, *, tls: ssl.SSLContext | None, name: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to an address; with TLS, to whoever shows a certificate of ``name``. Raises OSError."""
    return await asyncio.open_connection(
        address, port, ssl=tls, server_hostname=name if tls is not None else None, limit=_CHUNK
    )


def request_of(*, target: bytes, host: bytes, headers: Mapping[str, str], body: bytes) -> bytes:
    """The bytes of a POST."""
    lines = [b"POST %s HTTP/1.1" % target, b"Host: %s" % host]
    fixed = {
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Length": str(len(body)),
    }
    lines += [f"{name}: {value}".encode("ascii") for name, value in {**headers, **fixed}.items()]
    return b"\r\n".join([*lines, b"", body])


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> Head:
    """Send the request and read the head of its answer; the connection is of no use after that.

    Raises NoHttp and OSError. It is read while still being sent, for whoever refuses may not wait for all of it.
    """
    writer.write(request)
    return await _head(reader)


async def _head(reader: asyncio.StreamReader) -> Head:
    """The head of the answer proper; those of interim answers are passed over."""
    waiting, left, looked = b"", HEAD_BYTES, 0
    while True:
        end = _END.search(waiting, max(0, looked - 3))
        if end is None:
            looked = len(waiting)
            chunk = await reader.read(min(_CHUNK, left))
            if not chunk:
                raise NoHttp
            left -= len(chunk)
            waiting += chunk
            continue
        head = _read(waiting[: end.end()])
        if head.status >= 200 or head.status == _SWITCHING:
            return head
        waiting, looked = waiting[end.end() :], 0


def _read(head: bytes) -> Head:
    status = _STATUS.match(head)
    if status is None:
        raise NoHttp
    again = _RETRY_AFTER.search(head)
    return Head(int(status[1]), again[1].strip().decode("latin-1") if again else None)
