"""``python -m kedang_graphql``: the gateway as a process."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from typing import TYPE_CHECKING

import structlog
import uvicorn
from starlette.applications import Starlette

from kedang_platform.observing.process import begin
from kedang_platform.settings import Settings

if TYPE_CHECKING:
    from kedang_graphql.live import Live

log = structlog.get_logger("kedang_graphql")

# Rows of a long list are no cycles, but at the interpreter's 700 each such list was looked through four times.
COLLECT_AFTER = (20_000, 20, 20)


class DrainingServer(uvicorn.Server):
    """Sends those who are connected by a WebSocket to another process before it stops."""

    def __init__(self, config: uvicorn.Config, app: Starlette, *, drain_seconds: float) -> None:
        super().__init__(config)
        self._app = app
        self._drain_seconds = drain_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Before anything is closed: whoever sends requests here is to send them elsewhere.
        self._app.state.health.drain()
        await asyncio.sleep(self._drain_seconds)
        live: Live | None = getattr(self._app.state, "live", None)
        if live is not None:
            await live.drain()
        await super().shutdown(sockets)


def main() -> None:
    """Serve until told to stop; requests under way are finished first (at most 10 seconds)."""
    with begin("gateway") as settings:
        _serve(settings)


def _serve(settings: Settings) -> None:
    # What is imported and built here stays: looking for garbage in it while it grows took a fifth of the start.
    gc.disable()
    from kedang_graphql.app import create_app
    from kedang_graphql.http import LARGEST_BODY

    app = create_app(settings)
    # The schema lives as long as the process: looking through it at each collection held requests up for 0.2 s.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    gc.enable()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=LARGEST_BODY,
        ws_per_message_deflate=False,  # what is told is small; a compressor for each connection is not
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        proxy_headers=settings.trusted_proxies is not None,
        forwarded_allow_ips=settings.trusted_proxies or "",
    )
    server = DrainingServer(config, app, drain_seconds=settings.drain_seconds)
    server.run()
    if not server.started:
        log.critical("process.ended")
        sys.exit(1)
    log.info("process.stopped")


if __name__ == "__main__":
    main()
