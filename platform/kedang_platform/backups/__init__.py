"""Backups of the embedded servers: taken while they run, proven when they are made, restored whole."""

from kedang_platform.backups.archive import Archive, Base, archive_of, find_archive
from kedang_platform.backups.errors import (
    BackupDamaged,
    BackupFailed,
    BackupFolderUnset,
    BackupMissing,
    BackupOfOtherVersion,
    BackupRunning,
    BackupsUnsupported,
    DiskFull,
    FolderTaken,
    InstallationStopped,
    InstantNotReached,
    WalMissing,
)
from kedang_platform.backups.restoring import Restored, restore
from kedang_platform.backups.server import Source, embedded_source
from kedang_platform.backups.taking import Taken, take

__all__ = [
    "Archive",
    "BackupDamaged",
    "BackupFailed",
    "BackupFolderUnset",
    "BackupMissing",
    "BackupOfOtherVersion",
    "BackupRunning",
    "BackupsUnsupported",
    "Base",
    "DiskFull",
    "FolderTaken",
    "InstallationStopped",
    "InstantNotReached",
    "Restored",
    "Source",
    "Taken",
    "WalMissing",
    "archive_of",
    "embedded_source",
    "find_archive",
    "restore",
    "take",
]
