"""The gateway's composition root: what a process opens once and hands to every request."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kedang_graphql.engine.viewers import Viewers
from kedang_graphql.measuring import Measurer
from kedang_graphql.viewing import Views
from kedang_platform.buckets import Buckets, database_beside
from kedang_platform.clock import Clock, SystemClock
from kedang_platform.database import Databases, urls_of
from kedang_platform.documents import Papers
from kedang_platform.files import FileLinks, FileStore, open_files
from kedang_platform.identity.announcing import VALKEY_CHANNEL
from kedang_platform.identity.services import IdentityServices
from kedang_platform.secrets import load_secret_key
from kedang_platform.settings import Settings
from kedang_platform.work.wakeup import Waker
from kedang_tenants.reports.dashboard import Dashboard


@dataclass(frozen=True, slots=True)
class Services:
    databases: Databases
    settings: Settings
    clock: Clock
    identity: IdentityServices
    viewers: Viewers
    files: FileStore
    file_links: FileLinks
    buckets: Buckets
    measurer: Measurer
    views: Views
    papers: Papers
    dashboard: Dashboard
    waker: Waker | None = None
    ender: Waker | None = None

    @classmethod
    async def open(cls, settings: Settings) -> Services:
        """Open the pools that the settings name; raises ServersUnknown when they name none."""
        databases = await Databases.open(settings, urls_of(settings))
        services = cls.on(databases, settings, SystemClock())
        return services.waking_relays(settings.redis_url) if settings.redis_url else services

    @classmethod
    def on(cls, databases: Databases, settings: Settings, clock: Clock) -> Services:
        identity = IdentityServices.open(databases, settings, clock)
        links = FileLinks(load_secret_key(settings), clock)
        return cls(
            databases,
            settings,
            clock,
            identity,
            Viewers(databases, clock),
            open_files(settings),
            links,
            Buckets(
                size=settings.cost_points,
                rate=settings.cost_points_per_second,
                redis_url=database_beside(settings.redis_url) if settings.redis_url else None,
            ),
            Measurer(clock, slow_seconds=settings.slow_sql_seconds),
            Views(clock),
            Papers(),
            Dashboard(databases, clock),
        )

    def waking_relays(self, redis_url: str) -> Services:
        """The same services, which tell the relays after each commit that work is there, and gateways who is out."""
        waker, ender = Waker(redis_url), Waker(redis_url, channel=VALKEY_CHANNEL)
        self.databases.wake_relay, self.databases.tell_ended = waker.wake, ender.wake
        return replace(self, waker=waker, ender=ender)

    async def close(self) -> None:
        for tapping in (self.waker, self.ender):
            if tapping:
                await tapping.close()
        await self.buckets.close()
        self.identity.close()
        await self.databases.close()
