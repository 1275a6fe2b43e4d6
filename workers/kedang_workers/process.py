"""What the processes behind the gateway share: settings, an event loop, an orderly end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop

from kedang_platform.errors import KedangError
from kedang_platform.settings import Settings
from kedang_workers.logs import configure_logs


def serve(main: Callable[[Settings, asyncio.Event], Awaitable[None]]) -> None:
    """Run ``main`` until SIGTERM or SIGINT sets its event; an expected failure ends the process with 1."""
    configure_logs()

    async def until_told() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await main(Settings(), stop)

    try:
        uvloop.run(until_told())
    except KedangError as error:
        sys.exit(f"{error.code}: {error}")
