"""Taking a base: a whole copy of the running servers, proven before it counts."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from kedang_platform.backups.archive import (
    BASE_FILE,
    FORMAT,
    Archive,
    Base,
    sync_folder,
    write_private,
)
from kedang_platform.backups.contents import forget_contents, save_contents
from kedang_platform.backups.errors import BackupFailed, BackupRunning, no_room, room_on
from kedang_platform.backups.server import Source
from kedang_platform.backups.verifying import prove, sums_of
from kedang_platform.backups.wal import forget_before, note_sums, segment_of
from kedang_platform.clock import Clock
from kedang_platform.embedded import AlreadyRunning, Echo, silent
from kedang_platform.i18n import msg

SECRETS: Final = ("servers.json", "secret")
_HEADROOM: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """A base that counts from now on. ``secret`` tells whether the installation's secret lies in it."""

    folder: Path
    base: Base
    files: int
    secret: bool

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.folder.iterdir())


async def take(
    archive: Archive, source: Source, *, var: Path, keep: int, clock: Clock, echo: Echo = silent
) -> Taken:
    """Copy servers, contents and secrets into ``archive``, and let go of what more than ``keep`` bases need.

    Raises BackupRunning, InstallationStopped, DiskFull, BackupFailed, BackupDamaged; nothing half written stays.
    """
    with room_on(archive.folder):
        archive.make()
    with _alone(archive):
        for leftover in archive.unfinished():
            shutil.rmtree(leftover)
        await _require_room(archive, source)
        draft = archive.draft()
        try:
            with room_on(archive.folder):
                return await _take(archive, source, draft, var=var, keep=keep, clock=clock, echo=echo)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


async def _take(
    archive: Archive, source: Source, draft: Path, *, var: Path, keep: int, clock: Clock, echo: Echo
) -> Taken:
    began = clock.now()
    echo(msg("Copying the database ..."))
    files = save_contents(archive, var / "files", now=began)
    _copy_database(source, draft)
    files += save_contents(archive, var / "files", now=clock.now())
    for name in SECRETS:
        if (var / name).exists():
            write_private(draft / name, (var / name).read_bytes())
    echo(msg("Reading the copy back ..."))
    manifest = prove(draft)
    base = Base(
        format=FORMAT,
        postgres=int(_postgres_version(source)),
        product=metadata.version("kedang"),
        began_at=began,
        ended_at=clock.now(),
        timeline=manifest.timeline,
        start=manifest.start,
        end=manifest.end,
        size=manifest.size,
        sums=sums_of(draft),
    )
    place = _keep(archive, draft, base)
    _let_go(archive, keep=keep)
    return Taken(place, base, files, (place / "secret").exists())


def _keep(archive: Archive, draft: Path, base: Base) -> Path:
    """From here on the base counts."""
    write_private(draft / BASE_FILE, base.text().encode())
    sync_folder(draft)
    place = archive.place_of(base.ended_at)
    draft.rename(place)
    sync_folder(archive.bases)
    return place


def _copy_database(source: Source, draft: Path) -> None:
    done = subprocess.run(  # noqa: S603 - the programs of our own wheel
        [
            str(part)
            for part in source.command(
                "pg_basebackup",
                *("-D", draft, "-F", "tar", "--compress=client-gzip:1"),
                *("-X", "stream", "-c", "fast", "--manifest-checksums=SHA256"),
            )
        ],
        check=False,
        capture_output=True,
        text=True,
        env=dict(source.environment),
    )
    if done.returncode != 0:
        if "No space left" in done.stderr:
            raise no_room(draft.parent)
        raise BackupFailed(
            msg("{name} ended with code {code}: {text}"),
            name="pg_basebackup",
            code=done.returncode,
            text=done.stderr.strip()[-2000:],
        )
    draft.chmod(0o700)
    for path in draft.iterdir():
        path.chmod(0o600)


async def _require_room(archive: Archive, source: Source) -> None:
    """A base is compressed, but by how much nobody knows: a quarter of the data must fit."""
    connection = await source.connect()
    try:
        size: int = await connection.fetchval("SELECT sum(pg_database_size(oid))::bigint FROM pg_database")
    finally:
        await connection.close()
    if shutil.disk_usage(archive.folder).free < size // 4 + _HEADROOM:
        raise no_room(archive.folder)


def _let_go(archive: Archive, *, keep: int) -> None:
    folders = archive.base_folders()
    for folder in folders[:-keep]:
        shutil.rmtree(folder)
    oldest = Base.read(folders[-keep:][0])
    note_sums(archive)
    forget_before(archive, segment_of(oldest.start, timeline=oldest.timeline))
    forget_contents(archive, before=oldest.ended_at)


def _postgres_version(source: Source) -> str:
    told = subprocess.run(  # noqa: S603 - the programs of our own wheel
        [source.programs / "postgres", "--version"], check=True, capture_output=True, text=True
    )
    return told.stdout.split()[-1].split(".")[0]


@contextmanager
def _alone(archive: Archive) -> Iterator[None]:
    lock = archive.lock()
    try:
        lock.acquire()
    except AlreadyRunning as held:
        raise BackupRunning(msg("A backup into {folder} is under way."), folder=str(archive.folder)) from held
    try:
        yield
    finally:
        lock.release()


def age_of(archive: Archive, *, now: datetime) -> float | None:
    """Seconds since the latest base ended; None when there is none."""
    folders = archive.base_folders()
    return (now - Base.read(folders[-1]).ended_at).total_seconds() if folders else None
