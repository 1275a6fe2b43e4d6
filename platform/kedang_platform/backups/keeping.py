"""What goes on beside the servers all the time: the log is received, new contents are copied, bases are made."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final

import structlog

from kedang_platform.backups.archive import Archive, Base
from kedang_platform.backups.contents import save_contents
from kedang_platform.backups.errors import InstallationStopped, room_on
from kedang_platform.backups.server import Source
from kedang_platform.backups.taking import take
from kedang_platform.backups.wal import Receiver, ensure_slot, note_sums
from kedang_platform.clock import Clock
from kedang_platform.errors import KedangError

MARK_SECONDS: Final = 10.0
_CONTENTS_SECONDS: Final = 60.0
_RETRY: Final = timedelta(minutes=15)
# A commit of its own, so that an instant at which nobody wrote anything can be restored, too.
MARK: Final = "SELECT pg_logical_emit_message(true, 'kedang', '')"

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Keeps one archive up to date until it is stopped. What fails is logged and tried again."""

    archive: Archive
    source: Source
    var: Path
    at: time
    keep: int
    clock: Clock
    not_before: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Call it from the main thread, which the receiver dies with."""
        with room_on(self.archive.folder):
            self.archive.make()
        receiver = Receiver(self.source, self.archive, log=self.var / "log" / "backup-wal.log")
        contents_due = 0.0
        loop = asyncio.get_running_loop()
        try:
            while not stop.is_set():
                try:
                    await self._receive(receiver)
                    if loop.time() >= contents_due:
                        contents_due = loop.time() + _CONTENTS_SECONDS
                        await asyncio.to_thread(self._keep_contents)
                    await self._make_base()
                except InstallationStopped as away:  # it is being started again
                    log.warning("backup.server_away", error=type(away).__name__)
                except (KedangError, OSError) as failure:
                    log.exception("backup.failed", error=type(failure).__name__)
                with suppress(TimeoutError):
                    async with asyncio.timeout(MARK_SECONDS):
                        await stop.wait()
        finally:
            receiver.stop()

    async def _receive(self, receiver: Receiver) -> None:
        if not receiver.running:
            await ensure_slot(self.source)
            receiver.start()
        connection = await self.source.connect()
        try:
            await connection.execute(MARK)
        finally:
            await connection.close()

    def _keep_contents(self) -> None:
        save_contents(self.archive, self.var / "files", now=self.clock.now())
        note_sums(self.archive)

    async def _make_base(self) -> None:
        now = self.clock.now()
        if (self.not_before and now < self.not_before) or not base_due(self.archive, at=self.at, now=now):
            return
        self.not_before = now + _RETRY  # a full disk is not filled again every few seconds
        taken = await take(self.archive, self.source, var=self.var, keep=self.keep, clock=self.clock)
        log.info("backup.made", bytes=taken.bytes, files=taken.files)


def base_due(archive: Archive, *, at: time, now: datetime) -> bool:
    """Whether the latest ``at`` of the clock (UTC) lies behind the latest base, or there is none."""
    folders = archive.base_folders()
    if not folders:
        return True
    latest = now.replace(hour=at.hour, minute=at.minute, second=at.second, microsecond=0)
    if latest > now:
        latest -= timedelta(days=1)
    return Base.read(folders[-1]).ended_at < latest
