"""An installation with servers of its own, for tests that save it, kill it and bring it back."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import copy
from pathlib import Path

import asyncpg
import pytest

from kedang_platform import backups, embedded
from kedang_platform.backups.keeping import MARK
from kedang_platform.backups.wal import Receiver, ensure_slot
from kedang_platform.clock import SystemClock
from kedang_platform.database import Databases, urls_of
from kedang_platform.settings import Settings


class Installation:
    """A folder, its servers, its archive and whoever receives the log."""

    def __init__(self, folder: Path, *, name: str = "var"):
        self.folder = folder
        self.settings = Settings(
            var=folder / name,
            postgres_port=embedded.free_port(),
            valkey_port=embedded.free_port(),
            backup_dir=folder / "saved",
        )
        self.running = None
        self._receiver = None

    def start(self):
        self.running = embedded.start(self.settings, fsync=False)
        return self

    def saved_into(self, folder):
        """The same servers, saved into another folder."""
        other = copy(self)
        other.settings = self.settings.model_copy(update={"backup_dir": folder})
        return other

    @property
    def named(self) -> Settings:
        return self.settings.model_copy(update={"database_url": self.running.database_url})

    @property
    def archive(self):
        return backups.archive_of(self.settings)

    @property
    def source(self):
        return backups.embedded_source(self.settings)

    async def receive(self):
        """Receive the log from now on."""
        self.archive.make()
        self.receive_no_more()
        await ensure_slot(self.source)
        self._receiver = Receiver(self.source, self.archive, log=self.folder / "receiver.log")
        self._receiver.start()

    def receive_no_more(self):
        if self._receiver:
            self._receiver.stop()

    async def received(self):
        """Wait until the archive has everything that was written by now."""
        connection = await asyncpg.connect(self.running.database_url)
        try:
            # Without fsync commits do not wait for the log to be written either; this one does.
            await connection.execute("SET synchronous_commit = on")
            await connection.execute(MARK)
            written = await connection.fetchval("SELECT pg_current_wal_flush_lsn()")
            for _ in range(200):
                if await connection.fetchval(
                    "SELECT count(*) FROM pg_stat_replication WHERE flush_lsn >= $1", written
                ):
                    return
                await asyncio.sleep(0.05)
        finally:
            await connection.close()
        raise AssertionError("the log was not received in time")

    async def save(self, *, keep: int = 3):
        return await backups.take(
            self.archive, self.source, var=self.settings.var, keep=keep, clock=SystemClock()
        )

    async def execute(self, statement: str, *values: object):
        connection = await asyncpg.connect(self.running.database_url)
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    @asynccontextmanager
    async def databases(self) -> AsyncIterator[Databases]:
        opened = await Databases.open(self.named, urls_of(self.named))
        try:
            yield opened
        finally:
            await opened.close()

    def stop(self):
        self.receive_no_more()
        if self.running:
            self.running.stop()


@pytest.fixture
def folder():
    """A folder that every account may pass through, unlike the one pytest gives."""
    path = Path(tempfile.mkdtemp(prefix="kedang-backup-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def installation(folder):
    """Make an installation in the test's folder; whatever runs is stopped after the test."""
    made = []

    def make(name: str = "var") -> Installation:
        one = Installation(folder, name=name)
        made.append(one)
        return one.start()

    yield make
    for one in made:
        one.stop()
