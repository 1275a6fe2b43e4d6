"""The one place where a worker process puts together what its handlers use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kedang_platform.clock import Clock, SystemClock
from kedang_platform.database import Databases, urls_of
from kedang_platform.files import open_files
from kedang_platform.identity.announcing import VALKEY_CHANNEL
from kedang_platform.live import Publisher
from kedang_platform.mail import open_mailer
from kedang_platform.outgoing import AllowedNetworks, OutgoingClient
from kedang_platform.settings import Settings
from kedang_platform.work import Services
from kedang_platform.work.wakeup import Waker
from kedang_workers.process import redis_url


def make_services(*, databases: Databases, settings: Settings, clock: Clock) -> Services:
    """What handlers use, over databases that the caller has opened and closes."""
    return Services(
        databases=databases,
        settings=settings,
        clock=clock,
        mail=open_mailer(settings),
        files=open_files(settings),
        outgoing=OutgoingClient(allowed=AllowedNetworks.of(settings.outgoing_allowed)),
        live=Publisher(settings.redis_url) if settings.redis_url else None,
    )


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """What handlers use, opened on the running event loop and closed with the block.

    Raises ServersUnknown, DatabaseUnavailable.
    """
    databases = await Databases.open(settings, urls_of(settings))
    try:
        services = make_services(databases=databases, settings=settings, clock=SystemClock())
        waker = Waker(redis_url(settings))
        ender = Waker(redis_url(settings), channel=VALKEY_CHANNEL)
        databases.wake_relay, databases.tell_ended = waker.wake, ender.wake
        try:
            yield services
        finally:
            await services.mail.close()
            await waker.close()
            await ender.close()
            if services.live is not None:
                await services.live.close()
    finally:
        await databases.close()
