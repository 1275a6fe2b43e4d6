"""What operations took, added up in memory until it is written down."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from kedang_platform.database.noting import Noted

SPANS: Final = tuple(0.25 * 2 ** (n / 2) for n in range(36))
"""Upper bounds, in milliseconds, of the spans in which durations are counted: a factor of √2 each, up to 46 seconds.

What took longer is counted in the span after the last.
"""
SESSIONS: Final = UUID(int=0)
"""Stands for the credential of everybody who is signed in at a browser."""
MOST_STATEMENTS: Final = 20
"""Texts of statements that are told apart in an operation; what the rest took is in its sums only."""
MOST_CODES: Final = 50


SUMS: Final = (
    "count",
    "failed",
    "refused",
    "charged",
    "refunded",
    "micros",
    "sql_count",
    "sql_micros",
    "sql_rows",
)
"""The figures of a tally that are plain sums."""


@dataclass(frozen=True, slots=True)
class Signature:
    """An operation without the values in it; equal signatures are added up as one operation.

    ``kind`` is QUERY, MUTATION or SUBSCRIPTION; UNREAD stands for requests that were refused before their operation
    was known, OTHERS for operations beyond the number that is told apart.
    """

    id: UUID
    kind: str
    name: str | None
    document: str


OTHERS: Final = Signature(UUID(int=1), "OTHERS", None, "")
UNREAD: Final = Signature(UUID(int=2), "UNREAD", None, "")


@dataclass(frozen=True, slots=True)
class Taken:
    """One answer: its duration, the points it was charged and got back, its codes, and its statements.

    ``errors`` are the codes of errors at the top level, ``refusals`` those of ``userErrors``.
    """

    seconds: float
    charged: int = 0
    refunded: int = 0
    errors: tuple[str, ...] = ()
    refusals: Sequence[str] = ()
    statements: Sequence[Noted] = ()


@dataclass(slots=True)
class Ran:
    """How often a statement ran, and what it took; times are microseconds."""

    count: int = 0
    micros: int = 0
    slowest: int = 0
    rows: int = 0

    def add(self, other: Ran) -> None:
        self.count += other.count
        self.micros += other.micros
        self.slowest = max(self.slowest, other.slowest)
        self.rows += other.rows


@dataclass(slots=True)
class Tally:
    """All answers of one operation to one credential since they were last written down; times are microseconds."""

    signature: Signature
    credential: UUID
    count: int = 0
    failed: int = 0
    refused: int = 0
    charged: int = 0
    refunded: int = 0
    micros: int = 0
    sql_count: int = 0
    sql_micros: int = 0
    sql_rows: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    latency: dict[int, int] = field(default_factory=dict)
    statements: dict[str, Ran] = field(default_factory=dict)

    def add(self, taken: Taken, *, texts: bool = True) -> int:
        """Count an answer; the characters of statements seen for the first time, which ``texts`` allows to keep."""
        self.count += 1
        self.charged += taken.charged
        self.refunded += taken.refunded
        self.micros += int(taken.seconds * 1_000_000)
        number = span(taken.seconds)
        self.latency[number] = self.latency.get(number, 0) + 1
        if taken.errors:
            self.failed += 1
            self._count_codes(taken.errors)
        if taken.refusals:
            self.refused += 1
            self._count_codes(taken.refusals)
        return sum([self._add_statement(noted, texts=texts) for noted in taken.statements])

    def merge(self, other: Tally) -> None:
        """Count all that another tally of the same operation and credential has counted."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        _add_up(self.latency, other.latency)
        for code, count in other.errors.items():
            self._count_codes((code,), count)
        for text, ran in other.statements.items():
            known = self._ran(text)
            if known is not None:
                known.add(ran)

    def _count_codes(self, codes: Iterable[str], times: int = 1) -> None:
        for code in codes:
            if code in self.errors or len(self.errors) < MOST_CODES:
                self.errors[code] = self.errors.get(code, 0) + times

    def _add_statement(self, noted: Noted, *, texts: bool) -> int:
        micros = int(noted.seconds * 1_000_000)
        self.sql_count += 1
        self.sql_micros += micros
        self.sql_rows += noted.rows
        new = noted.sql not in self.statements
        ran = self._ran(noted.sql) if texts or not new else None
        if ran is not None:
            ran.count += 1
            ran.micros += micros
            ran.rows += noted.rows
            ran.slowest = max(ran.slowest, micros)
        return len(noted.sql) if new and ran is not None else 0

    def _ran(self, text: str) -> Ran | None:
        ran = self.statements.get(text)
        if ran is None and text and len(self.statements) < MOST_STATEMENTS:
            ran = self.statements[text] = Ran()
        return ran


def span(seconds: float) -> int:
    """The number of the span in ``SPANS`` that a duration lies in."""
    return bisect_left(SPANS, seconds * 1000)


def percentile(latency: Mapping[int, int], share: float) -> float | None:
    """The milliseconds within which ``share`` of the answers came; None of none.

    Exact to the span: between its bounds the answers are taken to lie evenly.
    """
    total = sum(latency.values())
    if not total:
        return None
    wanted, below = share * total, 0
    for number in sorted(latency):
        inside = latency[number]
        if below + inside >= wanted:
            lower = SPANS[number - 1] if number else 0.0
            upper = SPANS[number] if number < len(SPANS) else SPANS[-1]
            return round(lower + (upper - lower) * (wanted - below) / inside, 3)
        below += inside
    return SPANS[-1]


def _add_up(sums: dict[int, int], further: Mapping[int, int]) -> None:
    for key, count in further.items():
        sums[key] = sums.get(key, 0) + count
