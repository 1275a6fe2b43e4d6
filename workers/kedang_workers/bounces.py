"""Takes in mails that came back: ``python -m kedang_workers.bounces``, where a setting says where it listens."""

from __future__ import annotations

import asyncio

from kedang_platform.clock import SystemClock
from kedang_platform.database import Databases
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.mail.receiving import Receiver, listening
from kedang_platform.observing import metrics
from kedang_platform.observing.endpoint import telling
from kedang_platform.observing.health import Health
from kedang_platform.secrets import load_secret_key
from kedang_platform.settings import Settings
from kedang_workers.composition import open_services
from kedang_workers.process import serve


class NowhereToListen(KedangError):
    """No setting says where mails that came back are taken."""


async def receive(settings: Settings, stop: asyncio.Event) -> None:
    """Take in what the mail server sends, until ``stop`` is set. Raises NowhereToListen."""
    if settings.bounce_listen is None:
        raise NowhereToListen(msg("KEDANG_BOUNCE_LISTEN is not set."))
    health = Health()
    async with (
        open_services(settings) as services,
        telling(settings, health, metrics.Pools(services.databases)),
    ):
        health.begin(services.databases, redis_url=settings.redis_url)
        receiver = receiver_over(services.databases, settings)
        async with listening(receiver, settings.bounce_listen):
            await stop.wait()
            health.drain()


def receiver_over(databases: Databases, settings: Settings) -> Receiver:
    """What takes in messages, over databases that the caller has opened."""
    return Receiver(databases, load_secret_key(settings), SystemClock())


if __name__ == "__main__":
    serve(receive, name="bounces")
