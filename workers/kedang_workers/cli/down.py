"""``kedang down``: ends the instance of this folder, or what a killed one left behind."""

from __future__ import annotations

import os
import signal
import time

import psutil

from kedang_platform.embedded import Echo, FolderLock
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings
from kedang_workers.cli.children import end_orphans
from kedang_workers.cli.up import lock_of


class NotOurs(KedangError):
    """The instance was started by an account whose processes we may not end."""


def down(settings: Settings, *, echo: Echo) -> None:
    """Ask the running supervisor to stop and return when it has; nothing running is fine too. Raises NotOurs."""
    lock = lock_of(settings)
    pid = lock.holder()
    if pid is None or not _holds(pid, lock):
        end_orphans(str(settings.var.resolve()), echo=echo)
        echo(msg("Nothing is running in {folder}."), folder=settings.var.absolute())
        return
    echo(msg("Stopping process {pid} and everything it started ..."), pid=pid)
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError as problem:
        raise NotOurs(
            msg("Process {pid} belongs to another account, which has to stop it."), pid=pid
        ) from problem
    began = told = time.monotonic()
    while lock.holder() == pid:
        time.sleep(0.1)
        if time.monotonic() - told > 5:
            told = time.monotonic()
            echo(msg("Work in progress is being finished ({seconds} s) ..."), seconds=round(told - began))
    echo(msg("Stopped."))


def _holds(pid: int, lock: FolderLock) -> bool:
    """Whether ``pid`` is the holder as this machine counts processes, and not a number from another container."""
    place = str(lock.path.resolve())
    try:
        return any(file.path == place for file in psutil.Process(pid).open_files())
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
