"""What can be wrong with a backup, or with the place that it is to go to."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_UNUSABLE: Final = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EACCES, errno.EPERM, errno.EROFS}
)


class BackupFolderUnset(KedangError):
    """No folder for backups was named."""


class BackupsUnsupported(KedangError):
    """The database is the operator's own, and so are its backups."""


class InstallationStopped(KedangError):
    """The servers that are to be saved do not run."""


class BackupRunning(KedangError):
    """Another backup into the same archive is under way."""


class BackupFailed(KedangError):
    """A program of PostgreSQL did not do its part; what it had begun is gone."""


class DiskFull(KedangError):
    """There is no room; nothing half written stays behind."""


class BackupMissing(KedangError):
    """There is no backup, or none as old as what was asked for."""


class BackupDamaged(KedangError):
    """What lies in the archive is not what was put there."""


class BackupOfOtherVersion(KedangError):
    """The backup was made by another major version of PostgreSQL or in a later format."""


class WalMissing(KedangError):
    """A part of the write-ahead log between the base and the wanted instant is not there."""


class InstantNotReached(KedangError):
    """The archive ends before the wanted instant."""


class FolderTaken(KedangError):
    """The folder that is to hold the restored installation holds something."""


class FolderUnusable(KedangError):
    """Nothing can be written into the folder that was named: it is missing, no folder, or not ours to write into."""


@contextmanager
def writing_into(folder: Path) -> Iterator[None]:
    """Turns what the system says of a folder that is missing, not ours or full into FolderUnusable and DiskFull."""
    try:
        with room_on(folder):
            yield
    except OSError as problem:
        if problem.errno not in _UNUSABLE:
            raise
        raise FolderUnusable(
            msg("Nothing can be written into {folder}: {reason}."),
            folder=folder.absolute(),
            reason=problem.strerror,
        ) from problem


@contextmanager
def room_on(folder: Path) -> Iterator[None]:
    """Turns the system's "no space left" into DiskFull; every other error passes as it is."""
    try:
        yield
    except OSError as problem:
        if problem.errno in _NO_ROOM:
            raise no_room(folder) from problem
        raise


def no_room(folder: Path) -> DiskFull:
    return DiskFull(msg("There is no room left in {folder}."), folder=str(folder))
