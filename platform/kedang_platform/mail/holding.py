"""Domains of recipients that take no mail at the moment: left alone for a while, longer each time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kedang_platform.channel import Outcome

PATIENCE: Final = 3
"""Passing refusals of a domain in a row, after which its next mails are not even tried."""
_FIRST: Final = 30.0
_LONGEST: Final = 900.0
_DOMAINS: Final = 10_000


@dataclass(slots=True)
class _Domain:
    refusals: int = 0
    until: float = 0.0


class Holding:
    """What one process has seen of the domains; ``now`` are seconds of a clock that only goes forward."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._domains: dict[str, _Domain] = {}

    def left(self, domain: str) -> float:
        """Seconds for which nothing is tried at the domain; 0 where its mails are tried."""
        known = self._domains.get(domain)
        if known is None or known.until <= self._now():
            return 0.0
        return known.until - self._now()

    def note(self, domain: str, outcome: Outcome, *, refused: bool) -> None:
        """Learn from a try: ``refused`` where the domain's recipient was put off (4xx)."""
        if not refused:
            if outcome is not Outcome.RETRY:
                self._domains.pop(domain, None)
            return
        if len(self._domains) >= _DOMAINS:
            self._domains.clear()
        known = self._domains.setdefault(domain, _Domain())
        known.refusals += 1
        if known.refusals >= PATIENCE:
            wait = min(_FIRST * 2.0 ** (known.refusals - PATIENCE), _LONGEST)
            known.until = self._now() + wait
