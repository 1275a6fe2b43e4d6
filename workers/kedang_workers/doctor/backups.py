"""Whether what would be lost today lies somewhere else as well."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from kedang_platform.backups import Archive, archive_of, embedded_source
from kedang_platform.backups.server import SLOT
from kedang_platform.backups.taking import age_of
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings
from kedang_workers.doctor.findings import Finding, error, warning

_OLDEST: Final = 26 * 3600
_LAG_BYTES: Final = 64 * 1024 * 1024
_SLOT = """
SELECT active, wal_status, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS lag
FROM pg_replication_slots WHERE slot_name = $1
"""


async def backups(settings: Settings, *, now: datetime) -> list[Finding]:
    """Of embedded servers alone: others are saved by their own means."""
    if settings.database_url:
        return []
    if settings.backup_dir is None:
        return [
            warning(
                "BACKUPS_OFF",
                msg("Nothing is saved: KEDANG_BACKUP_DIR is not set."),
                msg("Set it to a folder on another disk; `kedang up` then saves all the time."),
            )
        ]
    archive = archive_of(settings)
    return [*_base(archive, now=now), *_place(archive, settings), *await _log(settings)]


def _base(archive: Archive, *, now: datetime) -> Iterator[Finding]:
    try:
        age = age_of(archive, now=now)
    except KedangError as damaged:
        yield error(
            "BACKUP_DAMAGED",
            msg("The latest backup cannot be used: {reason}"),
            msg("Take another one with `kedang backup`, and see to the disk."),
            reason=str(damaged),
        )
        return
    if age is None or age > _OLDEST:
        yield error(
            "BACKUP_OLD",
            msg("The latest base backup is {hours} hours old.")
            if age is not None
            else msg("There is no base backup yet."),
            msg("Run `kedang backup`, and read backup.log for why none was made."),
            hours=round((age or 0) / 3600),
        )


def _place(archive: Archive, settings: Settings) -> Iterator[Finding]:
    if archive.folder.exists() and archive.folder.stat().st_dev == settings.var.stat().st_dev:
        yield warning(
            "BACKUP_ON_SAME_DISK",
            msg("{folder} lies on the disk that it is to save."),
            msg("Set KEDANG_BACKUP_DIR to another disk, or copy the folder away every day."),
            folder=str(archive.folder),
        )


async def _log(settings: Settings) -> list[Finding]:
    """Whether the log is received; the superuser is asked, since others do not see slots."""
    try:
        connection = await embedded_source(settings).connect()
    except KedangError:
        return []  # told already: the database does not answer
    try:
        slot = await connection.fetchrow(_SLOT, SLOT)
    finally:
        await connection.close()
    if slot is not None and slot["active"] and slot["lag"] < _LAG_BYTES:
        return []
    return [
        error(
            "LOG_NOT_RECEIVED",
            msg("The write-ahead log is not being received: only base backups could be restored."),
            msg("See that the process `backup` of `kedang up` runs, and read backup.log and backup-wal.log."),
            slot=slot["wal_status"] if slot else None,
        )
    ]
