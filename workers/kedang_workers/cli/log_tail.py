"""What is worth showing out of a process's log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import orjson

from kedang_platform.observing.logs import as_console

_LOOK_BYTES: Final = 256 * 1024
_AN_ERROR: Final = re.compile(r"\b(ERROR|CRITICAL)\b")
_LEVEL_WITHIN: Final = 40  # the level stands after the time, not in the message


class LogTail:
    """Follows a log from its present end."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = log.stat().st_size if log.exists() else 0
        self.beginning = self._offset

    def errors(self) -> list[str]:
        """The lines of the levels ERROR and CRITICAL that were written since the last look."""
        told = map(for_people, self._new_lines())
        return [line for line in told if _AN_ERROR.search(line[:_LEVEL_WITHIN])]

    def last(self, lines: int) -> str:
        """The last lines that were written since the following began."""
        if not self._log.exists():
            return ""
        with self._log.open("rb") as file:
            file.seek(self.beginning if self.beginning <= self._log.stat().st_size else 0)
            found = file.read().decode(errors="replace").splitlines()[-lines:]
            return "\n".join(map(for_people, found))

    def _new_lines(self) -> list[str]:
        if not self._log.exists():
            return []
        with self._log.open("rb") as file:
            if self._log.stat().st_size < self._offset:  # begun anew
                self._offset = 0
            file.seek(self._offset)
            chunk = file.read(_LOOK_BYTES)
        whole = chunk[: chunk.rfind(b"\n") + 1]
        if not whole and len(chunk) == _LOOK_BYTES:
            whole = chunk
        self._offset += len(whole)
        return whole.decode(errors="replace").splitlines()


def for_people(line: str) -> str:
    """A line of a log as it is read best: those in JSON as lines of words."""
    if not line.startswith("{"):
        return line
    try:
        told = orjson.loads(line)
        return as_console(told)
    except (orjson.JSONDecodeError, KeyError):
        return line
