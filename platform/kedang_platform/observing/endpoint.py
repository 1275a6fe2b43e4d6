"""``/metrics``, ``/livez`` and ``/readyz`` of a process that has no HTTP of its own, on the loop it works on.

So ``/livez`` answers as long as that loop does. Nothing else is read of a request than its first line and, where a token
is set, the bearer's; a connection carries one.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.observing import metrics
from kedang_platform.observing.health import Health
from kedang_platform.settings import Settings

_SECONDS: Final = 5.0
_LARGEST: Final = 8_192
_REASONS: Final[Mapping[int, str]] = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    503: "Service Unavailable",
}


class MetricsUnprotected(KedangError):
    """Figures are to be told beyond this machine, and no token guards them."""


class MetricsPortTaken(KedangError):
    """Another process listens where this one is to tell its figures."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told, and to whom: with a ``token`` figures are for who bears it, health for everybody."""

    health: Health
    collectors: tuple[Collector, ...]
    token: bytes | None

    async def answer(self, path: str, bearer: bytes | None) -> tuple[int, str, bytes]:
        """Status, type and content."""
        if path == "/livez":
            return 200, "application/json", b'{"status":"live"}'
        if path == "/readyz":
            found = await self.health.ready()
            return found.code, "application/json", json.dumps({"status": found.status}).encode()
        if path == "/metrics" and self._opens_for(bearer):
            return 200, CONTENT_TYPE_LATEST, metrics.text(*self.collectors)
        return 404, "text/plain", b""

    def _opens_for(self, bearer: bytes | None) -> bool:
        return self.token is None or (bearer is not None and hmac.compare_digest(bearer, self.token))


@asynccontextmanager
async def telling(settings: Settings, health: Health, *collectors: Collector) -> AsyncIterator[int | None]:
    """Tell at the port of the settings as long as the block lasts; gives the port, None where none is set.

    Raises MetricsUnprotected, MetricsPortTaken.
    """
    if settings.metrics_port is None:
        yield None
        return
    token = settings.metrics_token.get_secret_value().encode() if settings.metrics_token else None
    if token is None and not _is_loopback(settings.metrics_host):
        raise MetricsUnprotected(msg("KEDANG_METRICS_HOST needs KEDANG_METRICS_TOKEN, too."))
    told = Telling(health, collectors, token)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _serve(told, reader, writer)

    try:
        server = await asyncio.start_server(
            connected, settings.metrics_host, settings.metrics_port, limit=_LARGEST
        )
    except OSError as error:
        raise MetricsPortTaken(
            msg("Port {port} (KEDANG_METRICS_PORT) is taken."), port=settings.metrics_port
        ) from error
    try:
        yield settings.metrics_port
    finally:
        server.close()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


async def _serve(told: Telling, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(await _answered(told, head))
            await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass  # who asked is gone, slow, or asks for something else
    finally:
        writer.close()


async def _answered(told: Telling, head: bytes) -> bytes:
    first, *lines = head.split(b"\r\n")
    words = first.split(b" ")
    status, kind, content = 400, "text/plain", b""
    if len(words) == 3 and words[0] in {b"GET", b"HEAD"}:
        path = words[1].partition(b"?")[0].decode(errors="replace")
        status, kind, content = await told.answer(path, _bearer(lines))
    top = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: {kind}\r\ncontent-length: {len(content)}\r\n"
        "cache-control: no-store\r\nconnection: close\r\n\r\n"
    )
    return top.encode() + (b"" if words[0] == b"HEAD" else content)


def _bearer(lines: list[bytes]) -> bytes | None:
    for line in lines:
        name, _, value = line.partition(b":")
        scheme, _, token = value.strip().partition(b" ")
        if name.lower() == b"authorization" and scheme.lower() == b"bearer":
            return token.strip()
    return None
