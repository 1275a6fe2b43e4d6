"""Service quality: what customers asked for in a period, and how soon and how well it was answered and solved (R1, S1, S3).

Requests count by the day they were opened; cancelled ones do not. In time means by the standard of the
request's own clocks; what is open and overdue counts as not in time, what is open and not yet due
as neither. Hours go round the clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import asyncpg

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import ChoiceKind
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import Kind
from kedang_tenants.reports.laying_out import BLUE, GREEN, RED, column, document, share, table
from kedang_tenants.reports.models import SERVICE_QUALITY
from kedang_tenants.reports.parameters import PRODUCT, REGION, Parameter
from kedang_tenants.reports.spool import Spool
from kedang_tenants.service.models import KINDS, PRIORITIES

READS: Final = ("service_request",)
SORT: Final = Parameter("requestKind", msg("Kind"), ChoiceKind(KINDS))
_RULE: Final = msg(
    "Requests count by the day they were opened, cancelled ones do not. In time is by the clocks of each request:"
    " what is open and overdue was not in time, what is open and not yet due counts as neither. Hours are round the"
    " clock."
)


_Key: TypeAlias = Callable[[asyncpg.Record], str | tuple[str, str]]
"""What a row is told apart by: a name, and an id where names are not enough."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests, and what became of their clocks; hours are sums of those that were answered or solved."""

    requests: int = 0
    answered: int = 0
    answered_in_time: int = 0
    answer_due: int = 0
    answer_hours: float = 0.0
    solved: int = 0
    solved_in_time: int = 0
    solution_due: int = 0
    solution_hours: float = 0.0
    open: int = 0
    reopened: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def cells(self) -> list[Value]:
        return [
            self.requests,
            self.answered,
            share(self.answered_in_time, self.answer_due),
            _mean(self.answer_hours, self.answered),
            self.solved,
            share(self.solved_in_time, self.solution_due),
            _mean(self.solution_hours, self.solved),
            self.open,
            self.reopened,
        ]


def _mean(hours: float, count: int) -> float | None:
    return round(hours / count, 6) if count else None


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    statement, sql = _statement(asked, viewer)
    rows = await asked.read.fetch(sql, *statement.values)
    await spool.told(len(rows))
    kinds = {option.code: asked.text(option.label) for option in KINDS}
    priorities = {option.code: asked.text(option.label) for option in PRIORITIES}
    nobody, none = asked.text(msg("Nobody")), asked.text(msg("No product"))
    sheets = [
        _sheet(asked, spool, rows, msg("By kind"), msg("Kind"), lambda row: kinds[row["kind"]]),
        _sheet(
            asked,
            spool,
            rows,
            msg("By person"),
            msg("Person"),
            lambda row: (row["person"] or nobody, str(row["owner_id"])),
            main=True,
        ),
        _sheet(asked, spool, rows, msg("By product"), msg("Product"), lambda row: row["product"] or none),
        _sheet(
            asked, spool, rows, msg("By priority"), msg("Priority"), lambda row: priorities[row["priority"]]
        ),
        _sheet(asked, spool, rows, msg("By month"), msg("Month"), lambda row: row["month"]),
    ]
    return document(asked, msg("Service quality"), sheets, charts=_charts(asked, rows), notes=[_RULE])


def _statement(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    s = Statement()
    first, end = (s.bind(instant) for instant in asked.span.instants(asked.zone))
    now, zone = s.bind(asked.now), s.bind(asked.viewer.time_zone)
    of = [
        f"r.archived_at IS NULL AND r.state <> 'CANCELLED' AND r.opened_at >= {first} AND r.opened_at < {end}",
        asking.seen(s, viewer, "service_request", "r"),
        asking.of_people(s, asked, "r.owner_id"),
    ]
    for parameter, place in ((SORT, "r.kind"), (PRODUCT, "r.product_id"), (REGION, "c.region")):
        if (value := asked.told[parameter]) is not None:
            of.append(f"{place} = {s.bind(value)}")
    product = f"CASE WHEN {asking.seen(s, viewer, 'product', 'p')} THEN p.name END"
    late_answer = f"r.first_answered_at IS NULL AND r.first_answer_due_at < {now}"
    late_solution = f"r.solved_at IS NULL AND r.waiting_since IS NULL AND r.solution_due_at < {now}"
    return (
        s,
        f"""
SELECT r.kind, r.priority, m.name AS person, r.owner_id, {product} AS product,
       to_char(r.opened_at AT TIME ZONE {zone}, 'YYYY-MM') AS month,
       count(*) AS requests,
       count(r.first_answered_at) AS answered,
       count(*) FILTER (WHERE r.first_answer_on_time) AS answered_in_time,
       count(*) FILTER (WHERE r.first_answer_on_time IS NOT NULL OR {late_answer}) AS answer_due,
       coalesce(sum(extract(epoch FROM r.first_answered_at - r.opened_at)) / 3600, 0)::float8 AS answer_hours,
       count(r.solved_at) AS solved,
       count(*) FILTER (WHERE r.solution_on_time) AS solved_in_time,
       count(*) FILTER (WHERE r.solution_on_time IS NOT NULL OR ({late_solution})) AS solution_due,
       coalesce(sum(extract(epoch FROM r.solved_at - r.opened_at)) / 3600, 0)::float8 AS solution_hours,
       count(*) FILTER (WHERE r.state IN ('NEW', 'IN_PROGRESS', 'WAITING')) AS open,
       count(*) FILTER (WHERE r.reopened_count > 0) AS reopened
FROM service_request r
JOIN customer c ON c.id = r.customer_id
LEFT JOIN member m ON m.id = r.owner_id
LEFT JOIN product p ON p.id = r.product_id
WHERE {" AND ".join(of)}
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1, 2, 3, 4, 5, 6
""",
    )


def _counts(row: asyncpg.Record) -> Counts:
    return Counts(**{name: row[name] for name in Counts.__slots__})


def _added(rows: list[asyncpg.Record], key: _Key) -> list[tuple[str, Counts]]:
    """By name; two people of one name are two."""
    sums: defaultdict[tuple[str, str], Counts] = defaultdict(Counts)
    for row in rows:
        found = key(row)
        sums[(found, "") if isinstance(found, str) else found] += _counts(row)
    return [(name, counts) for (name, _), counts in sorted(sums.items(), key=lambda one: one[0])]


def _sheet(
    asked: Asked,
    spool: Spool,
    rows: list[asyncpg.Record],
    title: str,
    key: str,
    of: _Key,
    *,
    main: bool = False,
) -> Sheet:
    lines: list[list[Value]] = [[name, *counts.cells()] for name, counts in _added(rows, of)]
    total = sum((_counts(row) for row in rows), Counts())
    totals = [asked.text(msg("Total")), *total.cells()]
    columns = [column(asked, key, width=24), *_figures(asked)]
    return table(asked, spool, title, columns, lines, totals=totals, main=main)


def _figures(asked: Asked) -> list[Column]:
    return [
        column(asked, msg("Requests"), "COUNT", 9),
        column(asked, msg("Requests answered"), "COUNT", 9),
        column(asked, msg("First answer in time"), "SHARE", 10),
        column(asked, msg("Hours to the first answer"), "NUMBER", 10),
        column(asked, msg("Requests solved"), "COUNT", 9),
        column(asked, msg("Solved in time"), "SHARE", 10),
        column(asked, msg("Hours to the solution"), "NUMBER", 10),
        column(asked, msg("Still open"), "COUNT", 9),
        column(asked, msg("Reopened"), "COUNT", 9),
    ]


def _charts(asked: Asked, rows: list[asyncpg.Record]) -> list[Chart]:
    kinds = {option.code: asked.text(option.label) for option in KINDS}
    by_kind = _added(rows, lambda row: kinds[row["kind"]])
    months = _added(rows, lambda row: row["month"])
    requests = asked.text(msg("Requests"))
    counted = Series(requests, BLUE, tuple(float(one.requests) for _, one in by_kind))
    answered = tuple(share(one.answered_in_time, one.answer_due) for _, one in months)
    solved = tuple(share(one.solved_in_time, one.solution_due) for _, one in months)
    in_time = (
        Series(asked.text(msg("First answer in time")), GREEN, answered),
        Series(asked.text(msg("Solved in time")), RED, solved),
    )
    share_axis = asked.text(msg("In time"))
    return [
        Chart(asked.text(msg("Requests by kind")), requests, tuple(name for name, _ in by_kind), (counted,)),
        Chart(
            asked.text(msg("In time, by month")),
            share_axis,
            tuple(name for name, _ in months),
            in_time,
            percent=True,
        ),
    ]


KIND: Final = Kind(SERVICE_QUALITY, READS, make, parameters=(SORT, PRODUCT, REGION))
