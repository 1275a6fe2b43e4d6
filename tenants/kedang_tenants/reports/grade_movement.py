"""Grade movement: from which grade to which customers went within a period, and who they are (R1, G3).

Compared are the grades at the beginning of the first day and at the end of the last one, as the
history of grades has them; what happened and was undone in between does not show.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import orjson

from kedang_platform.i18n import msg
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked, Level, Scheme
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import PEOPLE, PERIOD, SCHEME, Kind
from kedang_tenants.reports.models import GRADE_MOVEMENT
from kedang_tenants.reports.spool import Rows, Spool

READS: Final = ("customer", "customer_grade")

UP, DOWN, NEW, ENDED, SAME = "UP", "DOWN", "NEW", "ENDED", "SAME"
MOVES: Final = {
    UP: msg("Moved up"),
    DOWN: msg("Moved down"),
    NEW: msg("Newly graded"),
    ENDED: msg("No longer graded"),
    SAME: msg("Same grade"),
}
_RULE: Final = msg(
    "Compared are the grades at the beginning of the first day and at the end of the last one. Figures and"
    " reasons are those on which each grade rests; grades that were already over keep the last ones they had."
)
_LEFT_OUT: Final = msg("The list of customers that moved is left out: you may not export customers.")


@dataclass(slots=True)
class _Found:
    ways: Counter[tuple[Level, Level]] = field(default_factory=Counter)

    def moves(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for (before, after), count in self.ways.items():
            counted[move_of(before, after)] += count
        return counted


def move_of(before: Level, after: Level) -> str:
    """What came of a customer: a lower position is a better grade."""
    if before.id == after.id:
        return SAME
    if before.id is None:
        return NEW
    if after.id is None:
        return ENDED
    return UP if after.position < before.position else DOWN


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden, and NotFound where there is no such scheme."""
    viewer = asking.reader(asked.viewer, *READS)
    scheme = await asking.scheme_of(asked)
    found = _Found()
    statement, sql = _statement(asked, viewer, scheme)
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "grade_movement", statement, sql):
            for row in piece:
                _take(asked, scheme, row, rows, found)
            await spool.told(len(piece))
    return _document(asked, scheme, spool, rows, found)


def _statement(asked: Asked, viewer: Viewer, scheme: Scheme) -> tuple[Statement, str]:
    s = Statement()
    start, end = (s.bind(instant) for instant in asked.span.instants(asked.zone))
    scheme_id = s.bind(scheme.id)

    def held(alias: str, at: str) -> str:
        return (
            f"LEFT JOIN customer_grade {alias} ON {alias}.customer_id = c.id AND {alias}.scheme_id = {scheme_id}"
            f" AND {alias}.archived_at IS NULL AND {alias}.graded_at < {at}"
            f" AND ({alias}.ended_at IS NULL OR {alias}.ended_at >= {at})"
            f" AND {asking.seen(s, viewer, 'customer_grade', alias)}"
        )

    return (
        s,
        f"""
SELECT c.number, c.name, m.name AS owner, a.level_id AS before_id, b.level_id AS after_id,
       a.figures AS figures_before, b.figures AS figures_after, b.graded_at, b.explanation,
       {asking.within(s, viewer, "customer", "c", viewer.on("customer").export)} AS listed
FROM customer c
LEFT JOIN member m ON m.id = c.owner_id
{held("a", start)}
{held("b", end)}
LEFT JOIN grade_level la ON la.id = a.level_id
LEFT JOIN grade_level lb ON lb.id = b.level_id
WHERE c.archived_at IS NULL AND {asking.seen(s, viewer, "customer", "c")}
  AND {asking.of_people(s, asked, "c.owner_id")}
ORDER BY CASE WHEN a.level_id IS NULL THEN 3 WHEN b.level_id IS NULL THEN 4
              WHEN lb.position < la.position THEN 1 ELSE 2 END,
         la.position, lb.position, c.name_sort, c.id
""",
    )


def _take(asked: Asked, scheme: Scheme, row: asyncpg.Record, rows: Rows, found: _Found) -> None:
    before, after = scheme.level(row["before_id"]), scheme.level(row["after_id"])
    found.ways[before, after] += 1
    move = move_of(before, after)
    if row["listed"] and move != SAME:
        rows.add(_cells(asked, row, before, after, move))


def _cells(asked: Asked, row: asyncpg.Record, before: Level, after: Level, move: str) -> list[Value]:
    earlier, later = _figures(row["figures_before"]), _figures(row["figures_after"])
    explanation = row["explanation"]
    return [
        row["number"],
        row["name"],
        row["owner"],
        asked.text(MOVES[move]),
        before.code,
        after.code,
        asked.local_day(row["graded_at"]),
        _value(asked, earlier),
        _value(asked, later),
        later.get("orders"),
        asking.localised(explanation, asked.language) if explanation else None,
    ]


def _figures(stored: str | None) -> dict[str, Any]:
    figures: dict[str, Any] = orjson.loads(stored) if stored else {}
    return figures


def _value(asked: Asked, figures: dict[str, Any]) -> int | None:
    """What was measured, where it was in the company's currency: others do not stand in one column with it."""
    return figures.get("value") if figures.get("currency") == asked.viewer.currency else None


def _document(asked: Asked, scheme: Scheme, spool: Spool, rows: Rows, found: _Found) -> Document:
    has_list = asked.viewer.on("customer").export is not Scope.NONE
    sheets = [_moves(asked, spool, found), _matrix(asked, scheme, spool, found)]
    notes = [asked.text(_RULE)]
    if has_list:
        sheets.append(_list(asked, rows))
    else:
        notes.append(asked.text(_LEFT_OUT))
    return Document(
        title=asked.text(msg("Grade movement")),
        company=asked.company,
        language=asked.language,
        facts=asking.facts_of(asked, asking.scheme_fact(asked, scheme)),
        notes=tuple(notes),
        sheets=tuple(sheets),
        charts=(_chart(asked, scheme, found),),
        words=asking.words(asked),
        colours=scheme.colours,
    )


def _moves(asked: Asked, spool: Spool, found: _Found) -> Sheet:
    moves = found.moves()
    total = moves.total()
    table = spool.table(
        [asked.text(label), moves[move], round(moves[move] / total, 6) if total else None]
        for move, label in MOVES.items()
    )
    columns = (
        Column(asked.text(msg("Movement")), width=20),
        Column(asked.text(msg("Customers")), "COUNT"),
        Column(asked.text(msg("Share of customers")), "SHARE"),
    )
    totals = (asked.text(msg("Total")), total, 1.0 if total else None)
    return Sheet(asked.text(msg("Movements")), columns, table.name, table.count, totals)


def _levels(scheme: Scheme, found: _Found) -> list[Level]:
    """Those of the scheme, and having none where somebody has or had none."""
    met = {level for way in found.ways for level in way}
    return [level for level in scheme.levels if level.id is not None or level in met]


def _matrix(asked: Asked, scheme: Scheme, spool: Spool, found: _Found) -> Sheet:
    levels = _levels(scheme, found)
    lines: list[list[Value]] = []
    for before in levels:
        counts = [found.ways[before, after] for after in levels]
        lines.append([before.code, *counts, sum(counts)])
    sums = [sum(found.ways[before, after] for before in levels) for after in levels]
    table = spool.table(lines)
    to = [asked.text(msg("to {level}"), level=level.code) for level in levels]
    columns = (
        Column(asked.text(msg("From grade")), "LEVEL", 12),
        *(Column(label, "COUNT", 10) for label in to),
        Column(asked.text(msg("Total")), "COUNT", 10),
    )
    title = asked.text(msg("From grade to grade"))
    return Sheet(title, columns, table.name, table.count, (asked.text(msg("Total")), *sums, sum(sums)))


def _list(asked: Asked, rows: Rows) -> Sheet:
    currency = asked.viewer.currency
    columns = (
        Column(asked.text(msg("Number")), width=12),
        Column(asked.text(msg("Name")), width=32),
        Column(asked.text(msg("Owner")), width=18),
        Column(asked.text(msg("Movement")), width=14),
        Column(asked.text(msg("From grade")), "LEVEL", 9),
        Column(asked.text(msg("To grade")), "LEVEL", 9),
        Column(asked.text(msg("Grade since")), "DAY", 12),
        Column(asked.text(msg("Value before ({currency})"), currency=currency), "MONEY", 16, currency),
        Column(asked.text(msg("Value now ({currency})"), currency=currency), "MONEY", 16, currency),
        Column(asked.text(msg("Orders")), "COUNT", 9),
        Column(asked.text(msg("Reason")), width=44),
    )
    title = asked.text(msg("Who moved"))
    return Sheet(title, columns, rows.name, rows.count, main=True, long=True)


def _chart(asked: Asked, scheme: Scheme, found: _Found) -> Chart:
    levels = _levels(scheme, found)
    series = tuple(
        Series(
            asked.text(msg("to {level}"), level=after.code),
            after.colour,
            tuple(float(found.ways[before, after]) for before in levels),
        )
        for after in levels
    )
    title = asked.text(msg("Where the customers of each grade went"))
    categories = tuple(asked.text(msg("from {level}"), level=level.code) for level in levels)
    return Chart(title, asked.text(msg("Customers")), categories, series, stacked=True)


KIND: Final = Kind(GRADE_MOVEMENT, READS, make, columns=frozenset({PERIOD, PEOPLE, SCHEME}))
