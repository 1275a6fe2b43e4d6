"""Follow-up compliance: what was due within a period and how much of it was done in time (F1, R1).

Compliance is what was done on time divided by what was due. A follow-up that is still open and not yet
due counts as neither; a cancelled one was never due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from uuid import UUID

import asyncpg

from kedang_platform.i18n import msg
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked, Level, Scheme
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import Kind
from kedang_tenants.reports.models import FOLLOW_UP_COMPLIANCE
from kedang_tenants.reports.spool import Spool

READS: Final = ("follow_up_plan",)

_RULE: Final = msg(
    "Due is what fell due within the period: done on time, done late, or open and overdue. Compliance is done on"
    " time divided by due. Grades are those of now; cancelled follow-ups and archived customers do not count."
)
_ON_TIME, _LATE, _OVERDUE = "#2e9e6b", "#e0a526", "#d64545"
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Counts:
    """Follow-ups that fell due: done on time, done late, still open; and those that are yet to come."""

    on_time: int = 0
    late: int = 0
    overdue: int = 0
    ahead: int = 0

    @property
    def due(self) -> int:
        return self.on_time + self.late + self.overdue

    @property
    def compliance(self) -> float | None:
        """Done on time of what was due; unknown where nothing was."""
        return round(self.on_time / self.due, 6) if self.due else None

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.on_time + other.on_time,
            self.late + other.late,
            self.overdue + other.overdue,
            self.ahead + other.ahead,
        )

    def cells(self) -> list[Value]:
        return [self.due, self.on_time, self.late, self.overdue, self.compliance, self.ahead]


@dataclass(frozen=True, slots=True)
class _Line:
    """One person's follow-ups of one month with customers of one grade."""

    owner_id: UUID | None
    person: str
    level: Level
    month: str
    counts: Counts


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden, and NotFound where no scheme leads.

    The grade that stands on a customer is the leading scheme's, whichever scheme may have been named.
    """
    viewer = asking.reader(asked.viewer, *READS)
    scheme = await asking.scheme_of(replace(asked, scheme_id=None))
    statement, sql = _statement(asked, viewer)
    found = await asked.read.fetch(sql, *statement.values)
    lines = [_line(asked, scheme, row) for row in found]
    await spool.told(len(lines))
    return Document(
        title=asked.text(msg("Follow-up compliance")),
        company=asked.company,
        language=asked.language,
        facts=asking.facts_of(asked, (asked.text(msg("Grade scheme")), scheme.name)),
        notes=(asked.text(_RULE),),
        sheets=tuple(_sheets(asked, spool, lines)),
        charts=tuple(_charts(asked, lines)),
        words=asking.words(asked),
        colours=scheme.colours,
    )


def _statement(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    s = Statement()
    today, first, end = s.bind(asked.today), s.bind(asked.span.first), s.bind(asked.span.end)
    return (
        s,
        f"""
SELECT p.owner_id, m.name AS person, date_trunc('month', p.due_on)::date AS month,
       CASE WHEN {asking.seen(s, viewer, "customer", "c")} THEN c.grade_level_id END AS level_id,
       count(*) FILTER (WHERE p.state = 'DONE' AND p.done_on <= p.due_on) AS on_time,
       count(*) FILTER (WHERE p.state = 'DONE' AND p.done_on > p.due_on) AS late,
       count(*) FILTER (WHERE p.state = 'PLANNED' AND p.due_on < {today}) AS overdue,
       count(*) FILTER (WHERE p.state = 'PLANNED' AND p.due_on >= {today}) AS ahead
FROM follow_up_plan p
JOIN customer c ON c.id = p.customer_id AND c.archived_at IS NULL
LEFT JOIN member m ON m.id = p.owner_id
LEFT JOIN grade_level l ON l.id = c.grade_level_id
WHERE p.archived_at IS NULL AND p.state <> 'CANCELLED' AND p.due_on >= {first} AND p.due_on < {end}
  AND {asking.seen(s, viewer, "follow_up_plan", "p")} AND {asking.of_people(s, asked, "p.owner_id")}
GROUP BY p.owner_id, m.name, month, level_id, l.position
ORDER BY m.name, p.owner_id, l.position NULLS LAST, month
""",
    )


def _line(asked: Asked, scheme: Scheme, row: asyncpg.Record) -> _Line:
    return _Line(
        row["owner_id"],
        row["person"] or asked.text(msg("Nobody")),
        scheme.level(row["level_id"]),
        row["month"].strftime("%Y-%m"),
        Counts(row["on_time"], row["late"], row["overdue"], row["ahead"]),
    )


def _added(lines: list[_Line], key: Callable[[_Line], _Key]) -> Mapping[_Key, Counts]:
    """The counts of lines that have the same key, in the order in which the keys come first."""
    sums: dict[_Key, Counts] = defaultdict(Counts)
    for line in lines:
        sums[key(line)] += line.counts
    return sums


def _by_month(lines: list[_Line]) -> dict[str, Counts]:
    return dict(sorted(_added(lines, lambda line: line.month).items()))


def _sheets(asked: Asked, spool: Spool, lines: list[_Line]) -> list[Sheet]:
    by_level = _added(lines, lambda line: line.level)
    levels = sorted(by_level, key=lambda level: level.position)
    person = Column(asked.text(msg("Person")), width=24)
    grade = Column(asked.text(msg("Grade")), "LEVEL", 12)
    month = Column(asked.text(msg("Month")), width=12)
    total = sum((line.counts for line in lines), Counts())

    def sheet(title: str, keys: tuple[Column, ...], rows: list[list[Value]], *, main: bool = False) -> Sheet:
        table = spool.table(rows)
        totals = (asked.text(msg("Total")), *(None for _ in keys[1:]), *total.cells())
        columns = (*keys, *_figures(asked))
        return Sheet(title, columns, table.name, table.count, totals, main=main, long=main)

    people = _added(lines, lambda line: (line.owner_id, line.person))
    return [
        sheet(
            asked.text(msg("By person")), (person,), [[name, *c.cells()] for (_, name), c in people.items()]
        ),
        sheet(asked.text(msg("By grade")), (grade,), [[one.code, *by_level[one].cells()] for one in levels]),
        sheet(
            asked.text(msg("By month")),
            (month,),
            [[one, *c.cells()] for one, c in _by_month(lines).items()],
        ),
        sheet(
            asked.text(msg("By person, grade and month")),
            (person, grade, month),
            [[line.person, line.level.code, line.month, *line.counts.cells()] for line in lines],
            main=True,
        ),
    ]


def _figures(asked: Asked) -> tuple[Column, ...]:
    return (
        Column(asked.text(msg("Due")), "COUNT"),
        Column(asked.text(msg("On time")), "COUNT"),
        Column(asked.text(msg("Late")), "COUNT"),
        Column(asked.text(msg("Open and overdue")), "COUNT", 16),
        Column(asked.text(msg("Compliance")), "SHARE"),
        Column(asked.text(msg("Not yet due")), "COUNT"),
    )


def _charts(asked: Asked, lines: list[_Line]) -> list[Chart]:
    months = _by_month(lines)
    if not months:
        return []

    def series(label: str, colour: str, pick: Callable[[Counts], int]) -> Series:
        return Series(label, colour, tuple(float(pick(counts)) for counts in months.values()))

    stacked = (
        series(asked.text(msg("On time")), _ON_TIME, lambda counts: counts.on_time),
        series(asked.text(msg("Late")), _LATE, lambda counts: counts.late),
        series(asked.text(msg("Open and overdue")), _OVERDUE, lambda counts: counts.overdue),
    )
    title = asked.text(msg("Follow-ups that fell due, by month"))
    return [Chart(title, asked.text(msg("Follow-ups")), tuple(months), stacked, stacked=True)]


KIND: Final = Kind(FOLLOW_UP_COMPLIANCE, READS, make)
