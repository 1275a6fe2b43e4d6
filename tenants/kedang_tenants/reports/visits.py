"""Visits planned and done: what was to be done within a period, what came of it, and what was done beside (R1, F2).

A plan counts by the day it was due, a visit by the day it was made. The same is told of any other way
of contact where that is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import ChoiceKind
from kedang_tenants.followups.models import PLAN_STATES, WAYS
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import Kind
from kedang_tenants.reports.laying_out import BLUE, GREEN, column, document, listed, share, table
from kedang_tenants.reports.models import VISITS
from kedang_tenants.reports.parameters import REGION, Parameter
from kedang_tenants.reports.spool import Spool

READS: Final = ("follow_up_plan", "follow_up_record")
WAY: Final = Parameter("way", msg("Way"), ChoiceKind(WAYS), default="VISIT")
_RULE: Final = msg(
    "Planned is what was due within the period and not cancelled; done beside is what was made within it without"
    " a plan. Archived customers do not count."
)
_LEFT_OUT: Final = msg("The list of plans is left out: you may not export follow-up plans.")


@dataclass(frozen=True, slots=True)
class Counts:
    """Plans that were due: done, done in time, open; cancelled ones; visits made, reached, and without a plan."""

    planned: int = 0
    done: int = 0
    in_time: int = 0
    open: int = 0
    cancelled: int = 0
    made: int = 0
    reached: int = 0
    beside: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def cells(self) -> list[Value]:
        return [
            self.planned,
            self.done,
            self.in_time,
            self.open,
            share(self.done, self.planned),
            self.cancelled,
            self.made,
            self.reached,
            self.beside,
        ]


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    lines = [_line(asked, row) for row in await _planned(asked, viewer)]
    lines += [_line(asked, row) for row in await _made(asked, viewer)]
    sheets = [
        _sheet(asked, spool, lines, msg("By person"), msg("Person"), 0, width=24),
        _sheet(asked, spool, lines, msg("By month"), msg("Month"), 1, width=12),
    ]
    has_list = viewer.on("follow_up_plan").export is not Scope.NONE
    if has_list:
        sheets.append(await _list(asked, viewer, spool))
    return document(
        asked,
        msg("Visits planned and done"),
        sheets,
        charts=[_chart(asked, lines)],
        notes=[_RULE] if has_list else [_RULE, _LEFT_OUT],
        facts=[] if WAY.name in asked.told.said else [_way_fact(asked)],
    )


def _way_fact(asked: Asked) -> tuple[str, str]:
    label = next(one.label for one in WAYS if one.code == asked.told[WAY])
    return asked.text(WAY.label), asked.text(label)


_Key = tuple[tuple[str, str], tuple[str, str]]
_Line = tuple[_Key, Counts]


def _line(asked: Asked, row: asyncpg.Record) -> _Line:
    counts = Counts(**{name: value for name, value in row.items() if name in Counts.__slots__})
    person = (row["person"] or asked.text(msg("Nobody")), str(row["who"]))
    return (person, (row["month"], "")), counts


def _customers(s: Statement, asked: Asked) -> str:
    region = asked.told[REGION]
    return "c.archived_at IS NULL" + (f" AND c.region = {s.bind(region)}" if region is not None else "")


def _plans(s: Statement, asked: Asked, viewer: Viewer) -> str:
    first, end, way = s.bind(asked.span.first), s.bind(asked.span.end), s.bind(asked.told[WAY])
    return (
        f"p.archived_at IS NULL AND p.way = {way} AND p.due_on >= {first} AND p.due_on < {end}"
        f" AND {asking.seen(s, viewer, 'follow_up_plan', 'p')} AND {asking.of_people(s, asked, 'p.owner_id')}"
        f" AND {_customers(s, asked)}"
    )


async def _planned(asked: Asked, viewer: Viewer) -> list[asyncpg.Record]:
    s = Statement()
    sql = f"""
SELECT m.name AS person, p.owner_id AS who, to_char(p.due_on, 'YYYY-MM') AS month,
       count(*) FILTER (WHERE p.state <> 'CANCELLED') AS planned,
       count(*) FILTER (WHERE p.state = 'DONE') AS done,
       count(*) FILTER (WHERE p.state = 'DONE' AND p.done_on <= p.due_on) AS in_time,
       count(*) FILTER (WHERE p.state = 'PLANNED') AS open,
       count(*) FILTER (WHERE p.state = 'CANCELLED') AS cancelled
FROM follow_up_plan p JOIN customer c ON c.id = p.customer_id LEFT JOIN member m ON m.id = p.owner_id
WHERE {_plans(s, asked, viewer)}
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
    return await asked.read.fetch(sql, *s.values)


async def _made(asked: Asked, viewer: Viewer) -> list[asyncpg.Record]:
    s = Statement()
    first, end = (s.bind(instant) for instant in asked.span.instants(asked.zone))
    sql = f"""
SELECT m.name AS person, r.member_id AS who, to_char(r.at AT TIME ZONE {s.bind(asked.viewer.time_zone)}, 'YYYY-MM') AS month,
       count(*) AS made, count(*) FILTER (WHERE r.reached) AS reached,
       count(*) FILTER (WHERE r.plan_id IS NULL) AS beside
FROM follow_up_record r JOIN customer c ON c.id = r.customer_id LEFT JOIN member m ON m.id = r.member_id
WHERE r.archived_at IS NULL AND r.way = {s.bind(asked.told[WAY])} AND r.at >= {first} AND r.at < {end}
  AND {asking.seen(s, viewer, "follow_up_record", "r")} AND {asking.of_people(s, asked, "r.member_id")}
  AND {_customers(s, asked)}
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
    return await asked.read.fetch(sql, *s.values)


def _added(lines: list[_Line], place: int) -> Mapping[tuple[str, str], Counts]:
    """By name; two people of one name are two."""
    sums: defaultdict[tuple[str, str], Counts] = defaultdict(Counts)
    for key, counts in lines:
        sums[key[place]] += counts
    return dict(sorted(sums.items()))


def _sheet(
    asked: Asked, spool: Spool, lines: list[_Line], title: str, key: str, place: int, *, width: int
) -> Sheet:
    rows: list[list[Value]] = [[name, *counts.cells()] for (name, _), counts in _added(lines, place).items()]
    total = sum((counts for _, counts in lines), Counts())
    return table(
        asked,
        spool,
        title,
        [column(asked, key, width=width), *_figures(asked)],
        rows,
        totals=[asked.text(msg("Total")), *total.cells()],
        main=place == 0,
    )


def _figures(asked: Asked) -> list[Column]:
    return [
        column(asked, msg("Plans due"), "COUNT", 9),
        column(asked, msg("Done"), "COUNT", 9),
        column(asked, msg("Done in time"), "COUNT", 9),
        column(asked, msg("Still open"), "COUNT", 9),
        column(asked, msg("Done of planned"), "SHARE", 10),
        column(asked, msg("Cancelled"), "COUNT", 9),
        column(asked, msg("Made"), "COUNT", 9),
        column(asked, msg("Somebody reached"), "COUNT", 10),
        column(asked, msg("Done beside"), "COUNT", 9),
    ]


async def _list(asked: Asked, viewer: Viewer, spool: Spool) -> Sheet:
    """Every plan that the viewer may take away."""
    s = Statement()
    take = asking.within(s, viewer, "follow_up_plan", "p", viewer.on("follow_up_plan").export)
    name = f"CASE WHEN {asking.seen(s, viewer, 'customer', 'c')} THEN c.name END"
    sql = f"""
SELECT p.due_on, {name} AS customer, m.name AS person, p.purpose, p.state, p.done_on
FROM follow_up_plan p JOIN customer c ON c.id = p.customer_id LEFT JOIN member m ON m.id = p.owner_id
WHERE {_plans(s, asked, viewer)} AND {take}
ORDER BY p.due_on, m.name, c.name_sort, p.id
"""
    states = {option.code: asked.text(option.label) for option in PLAN_STATES}
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "visits", s, sql):
            for row in piece:
                done = row["done_on"].isoformat() if row["done_on"] else None
                state = states[row["state"]]
                cells = [row["customer"], row["person"], row["purpose"], state, done]
                rows.add([row["due_on"].isoformat(), *cells])
            await spool.told(len(piece))
    columns = [
        column(asked, msg("Due on"), "DAY"),
        column(asked, msg("Customer"), width=32),
        column(asked, msg("Person"), width=18),
        column(asked, msg("Purpose"), width=32),
        column(asked, msg("State"), width=12),
        column(asked, msg("Done on"), "DAY"),
    ]
    return listed(asked, rows, msg("Plans"), columns, main=False)


def _chart(asked: Asked, lines: list[_Line]) -> Chart:
    months = _added(lines, 1)
    planned = tuple(float(counts.planned) for counts in months.values())
    made = tuple(float(counts.made) for counts in months.values())
    series = (
        Series(asked.text(msg("Plans due")), BLUE, planned),
        Series(asked.text(msg("Made")), GREEN, made),
    )
    return Chart(
        asked.text(msg("Planned and made, by month")),
        asked.text(msg("Contacts made")),
        tuple(month for month, _ in months),
        series,
    )


KIND: Final = Kind(VISITS, READS, make, parameters=(WAY, REGION))
