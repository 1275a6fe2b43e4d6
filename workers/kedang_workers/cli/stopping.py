"""Signals that ask the supervisor to stop."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any, Self


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal; not an Exception, so that nothing on the way catches it."""


class Stopping:
    """While entered, the first signal raises StopRequested and every later one only sets ``hurry``."""

    def __init__(self) -> None:
        self.hurry = False
        self._begun = False
        self._before: dict[int, Any] = {}

    def begin(self) -> None:
        """From now on signals no longer raise: what is being stopped is stopped to its end."""
        self._begun = True

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # started under nohup
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._begun:
            self.hurry = True
            return
        self._begun = True
        raise StopRequested
