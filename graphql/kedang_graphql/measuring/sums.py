"""What a process has answered since it started, for its metrics: counted in fixed spans, without any name."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
POINTS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


class Spread:
    """How many of some amounts lay under each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, amount: float) -> None:
        self.counts[bisect_left(self.bounds, amount)] += 1
        self.total += amount

    def cumulated(self) -> list[tuple[str, float]]:
        """As Prometheus has it: for each bound the number of amounts up to it."""
        told, below = [], 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            below += count
            told.append(("+Inf" if bound == float("inf") else str(bound), float(below)))
        return told


class Sums:
    """The answers of one kind: durations and times of SQL in seconds, points, and statements."""

    __slots__ = ("points", "seconds", "sql_seconds", "statements")

    def __init__(self) -> None:
        self.seconds = Spread(SECONDS)
        self.sql_seconds = Spread(SECONDS)
        self.points = Spread(POINTS)
        self.statements = 0

    def add(self, seconds: float, sql_seconds: float, points: float, statements: int) -> None:
        self.seconds.add(seconds)
        self.sql_seconds.add(sql_seconds)
        self.points.add(points)
        self.statements += statements
