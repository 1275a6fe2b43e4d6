"""PostgreSQL and Valkey of a house: ``python -m tests.faults.servers <folder> <PostgreSQL's port> <Valkey's> <MB>``.

A server that ended is started again, as ``kedang up`` does. The folder is a small disk of its own (tmpfs) where
this machine lets us mount one. A line on the input is a command, answered by a line of JSON; with the end of
the input the servers end.
"""

import json
import os
import select
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from kedang_platform import embedded
from kedang_platform.errors import KedangError
from kedang_platform.settings import Settings
from tests.faults.small_disk import mount_small_disk

_AGAIN_SECONDS = 2.0
_BALLAST = "ballast"


class Held:
    """The servers, looked after, and what can be done to them."""

    def __init__(self, folder: Path, running: embedded.RunningServers) -> None:
        self._folder = folder
        self._running = running
        self._due = 0.0

    def look_after(self) -> None:
        """Start what ended unasked, at most every two seconds; on a full disk that fails, and is tried again."""
        if self._running.dead() and time.monotonic() >= self._due:
            self._due = time.monotonic() + _AGAIN_SECONDS
            with suppress(KedangError):
                self._running.start(echo=embedded.silent)

    def obey(self, command: str) -> Any:
        match command:
            case "break postgres":  # what pg_ctl -m immediate sends
                self._running.start(echo=embedded.silent)  # what is broken once more runs again first
                os.kill(self._running.pids["PostgreSQL"], signal.SIGQUIT)
            case "empty valkey":
                self._running.start(echo=embedded.silent)
                os.kill(self._running.pids["Valkey"], signal.SIGKILL)
                self._until_dead("Valkey")
                assert self._running.home is not None
                for kept in (self._running.home / "valkey").iterdir():
                    shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
            case "fill":
                return self._fill()
            case "free":
                (self._folder / _BALLAST).unlink()
            case "dead":
                return self._running.dead()
        return True

    def _fill(self) -> int:
        """Write until nothing more can be written; returns the bytes that were still free."""
        written = 0
        with (self._folder / _BALLAST).open("wb", buffering=0) as ballast:
            for size in (1024 * 1024, 4096):
                with suppress(OSError):
                    while True:
                        written += ballast.write(b"\0" * size)
        return written

    def _until_dead(self, name: str) -> None:
        while name not in self._running.dead():
            time.sleep(0.01)


def main(folder: Path, postgres_port: int, valkey_port: int, megabytes: int) -> None:
    small = mount_small_disk(folder, megabytes)
    settings = Settings(var=folder, postgres_port=postgres_port, valkey_port=valkey_port)
    running = embedded.start(settings)
    held = Held(folder, running)
    try:
        _tell({"database_url": running.database_url, "redis_url": running.redis_url, "small_disk": small})
        while True:
            ready, _, _ = select.select([sys.stdin], [], [], 0.1)
            if ready:
                command = sys.stdin.readline()
                if not command:
                    return
                _tell(held.obey(command.strip()))
            held.look_after()
    finally:
        running.stop()


def _tell(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
