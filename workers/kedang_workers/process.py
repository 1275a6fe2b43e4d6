"""What the processes behind the gateway share: logs, settings, an event loop, an orderly end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from kedang_platform.database import ServersUnknown
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.observing.process import begin
from kedang_platform.settings import Settings

log = structlog.get_logger("kedang_workers.process")


def serve(main: Callable[[Settings, asyncio.Event], Awaitable[None]], *, name: str | None = None) -> None:
    """Run ``main`` until SIGTERM or SIGINT sets its event; an expected failure ends the process with 1."""
    with begin(name or str(getattr(main, "__name__", "process"))) as settings:

        async def until_told() -> None:
            stop = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            log.info("process.started")
            await main(settings, stop)

        try:
            uvloop.run(until_told())
        except KedangError as error:
            log.critical("process.ended", exc_info=error)
            sys.exit(1)
        log.info("process.stopped")


def redis_url(settings: Settings) -> str:
    """Where Valkey is; the messages of work have its logical database 0 unless the address names one."""
    if settings.redis_url is None:
        raise ServersUnknown(msg("KEDANG_REDIS_URL is not set."))
    return settings.redis_url
