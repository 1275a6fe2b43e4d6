"""One holder a folder: a lock that ends with its process, however that process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg


class AlreadyRunning(KedangError):
    """Another living process holds the folder."""


class FolderUnreachable(KedangError):
    """A folder that we need lies where its account, or we, cannot get at it."""


class FolderLock:
    """An exclusive lock on a file that bears the process id of its holder.

    The kernel drops the lock when the holder dies, so a process id found under a held lock is
    never a stale one that now belongs to somebody else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises AlreadyRunning, naming the holder, when another process has it, and
        FolderUnreachable when the folder is not ours to write to.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as problem:
            raise FolderUnreachable(
                msg("Cannot write to {folder} ({reason}); KEDANG_VAR chooses another folder."),
                folder=str(self.path.parent),
                reason=problem.strerror,
            ) from problem
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise AlreadyRunning(
                msg("Already running here as process {pid} ({folder})."),
                pid=_written_pid(self.path) or "?",
                folder=str(self.path.parent.resolve()),
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def holder(self) -> int | None:
        """The process id of the living holder, None when nobody holds the lock."""
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _written_pid(self.path)
        finally:
            os.close(file)
        return None


def _written_pid(path: Path) -> int | None:
    text = path.read_text().strip()
    return int(text) if text.isdigit() else None
