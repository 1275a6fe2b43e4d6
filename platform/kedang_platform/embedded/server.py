"""What the two embedded servers have in common: a place, a port, a process that we look after."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import ClassVar

from kedang_platform.embedded.places import Place
from kedang_platform.embedded.processes import end


class EmbeddedServer:
    """One server with its data in ``<home>/<folder>``, on one loopback port.

    ``_ending`` holds the signals that end it cleanly, each with the seconds it is given for that.
    """

    name: ClassVar[str]
    _folder: ClassVar[str]
    _ending: ClassVar[tuple[tuple[signal.Signals, float], ...]]

    def __init__(self, place: Place, *, port: int, password: str, fsync: bool, log: Path) -> None:
        self._place = place
        self._data = place.home / self._folder
        self._port = port
        self._password = password
        self._fsync = fsync
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        return self._place.home

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the server cleanly, its data written; harmless when it has ended."""
        if self._process:
            end(self._process, signals=self._ending)
