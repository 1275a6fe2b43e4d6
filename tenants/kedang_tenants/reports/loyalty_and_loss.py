"""Loyalty and loss: who stayed, came, came back or was lost, by what they bought in two times as long (R1, G8).

Compared are the period and as many days before it. Whoever bought in both was kept; in the one before
alone, lost; in the period alone, won – anew, or back where there were older orders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import asyncpg

from kedang_platform.i18n import msg
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked, Level, Scheme
from kedang_tenants.reports.composition import before
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import Kind
from kedang_tenants.reports.laying_out import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    RED,
    column,
    document,
    listed,
    share,
    sold,
    table,
)
from kedang_tenants.reports.models import LOYALTY_AND_LOSS
from kedang_tenants.reports.parameters import GRADE, REGION
from kedang_tenants.reports.spool import Rows, Spool

READS: Final = ("customer", "order")
KEPT, NEW, BACK, LOST, SILENT, NEVER = "KEPT", "NEW", "BACK", "LOST", "SILENT", "NEVER"
CLASSES: Final = {
    KEPT: msg("Kept"),
    NEW: msg("Won anew"),
    BACK: msg("Won back"),
    LOST: msg("Lost"),
    SILENT: msg("Silent for longer"),
    NEVER: msg("Never bought"),
}
_COLOURS: Final = {KEPT: GREEN, NEW: BLUE, BACK: "#1f9eb3", LOST: RED, SILENT: AMBER, NEVER: GREY}
_RULE: Final = msg(
    "Compared are the period and as many days before: kept bought in both, lost in the time before alone, won in"
    " the period alone. Customers kept are kept of kept and lost; repeat purchase is buying on two days or more."
)
_CURRENCY: Final = msg("Amounts are those of orders in the company's currency.")
_LEFT_OUT: Final = msg("The list of customers is left out: you may not export customers.")


@dataclass(slots=True)
class _Sums:
    """Customers of each class, buyers of the period, and those of them who bought on two days or more."""

    classes: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    buying: int = 0
    repeating: int = 0

    def cells(self) -> list[Value]:
        kept, lost = self.classes[KEPT], self.classes[LOST]
        return [
            *(self.classes[one] for one in CLASSES),
            share(kept, kept + lost),
            share(self.repeating, self.buying),
        ]


@dataclass(slots=True)
class _Found:
    grades: defaultdict[Hashable, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    years: defaultdict[Hashable, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    total: _Sums = field(default_factory=_Sums)
    sales: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    scheme = await asking.leading_scheme(asked)
    found = _Found()
    statement, sql = _statement(asked, viewer)
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "loyalty_and_loss", statement, sql):
            for row in piece:
                _take(asked, scheme, row, rows, found)
            await spool.told(len(piece))
    has_list = viewer.on("customer").export is not Scope.NONE
    sheets = [
        _classes(asked, spool, found),
        _told_apart(
            asked,
            spool,
            found,
            msg("By grade"),
            column(asked, msg("Grade"), "LEVEL", 9),
            _levels(scheme, found),
        ),
        _told_apart(
            asked,
            spool,
            found,
            msg("By years of trade"),
            column(asked, msg("Years of trade"), width=18),
            _ages(asked, found),
        ),
    ]
    if has_list:
        sheets.append(listed(asked, rows, msg("Customers"), _columns(asked)))
    notes = [_RULE, _CURRENCY]
    return document(
        asked,
        msg("Loyalty and loss"),
        sheets,
        charts=[_chart(asked, found)],
        notes=notes if has_list else [*notes, _LEFT_OUT],
        colours=scheme.colours,
    )


def _statement(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    s = Statement()
    earlier, first = (s.bind(day) for day in before(asked))
    end, currency = s.bind(asked.span.end), s.bind(viewer.currency)
    export = asking.within(s, viewer, "customer", "c", viewer.on("customer").export)
    now, then = f"o.ordered_on >= {first}", f"o.ordered_on >= {earlier} AND o.ordered_on < {first}"
    return (
        s,
        f"""
SELECT c.number, c.name, m.name AS owner, c.grade_level_id, b.first_on, b.last_on,
       coalesce(b.orders, 0) AS orders, coalesce(b.before, 0) AS before, coalesce(b.days, 0) AS days,
       coalesce(b.sales, 0)::bigint AS sales, coalesce(b.sales_before, 0)::bigint AS sales_before,
       least(c.trading_since, b.first_on) AS since, {export} AS listed
FROM customer c
LEFT JOIN member m ON m.id = c.owner_id
LEFT JOIN (
    SELECT o.customer_id, min(o.ordered_on) AS first_on, max(o.ordered_on) AS last_on,
           count(*) FILTER (WHERE {now}) AS orders, count(*) FILTER (WHERE {then}) AS before,
           count(DISTINCT o.ordered_on) FILTER (WHERE {now}) AS days,
           sum(o.total) FILTER (WHERE {now} AND o.currency = {currency}) AS sales,
           sum(o.total) FILTER (WHERE {then} AND o.currency = {currency}) AS sales_before
    FROM sales_order o WHERE o.ordered_on < {end} AND {sold(s, viewer)}
    GROUP BY o.customer_id
) b ON b.customer_id = c.id
WHERE {asking.of_customers(s, asked, viewer)}
ORDER BY coalesce(b.sales_before, 0) - coalesce(b.sales, 0) DESC, c.name_sort, c.id
""",
    )


def class_of(*, orders: int, earlier: int, ever: bool, older: bool) -> str:
    """What became of a customer; ``older`` says whether the first order lies before the period."""
    if orders:
        return KEPT if earlier else BACK if older else NEW
    if earlier:
        return LOST
    return SILENT if ever else NEVER


def _take(asked: Asked, scheme: Scheme, row: asyncpg.Record, rows: Rows, found: _Found) -> None:
    first = row["first_on"]
    became = class_of(
        orders=row["orders"],
        earlier=row["before"],
        ever=first is not None,
        older=first is not None and first < asked.span.first,
    )
    level = scheme.level(row["grade_level_id"])
    years = whole_years(row["since"], asked.span.last) if row["since"] else None
    for sums in (found.total, found.grades[level], found.years[_age(years)]):
        sums.classes[became] += 1
        sums.buying += row["orders"] > 0
        sums.repeating += row["days"] > 1
    found.sales[became][0] += row["sales"]
    found.sales[became][1] += row["sales_before"]
    if row["listed"] and became != NEVER:
        rows.add(
            [
                row["number"],
                row["name"],
                row["owner"],
                level.code,
                asked.text(CLASSES[became]),
                years,
                row["last_on"].isoformat() if row["last_on"] else None,
                row["orders"],
                row["before"],
                row["sales"],
                row["sales_before"],
                row["sales"] - row["sales_before"],
            ]
        )


_AGES: Final = (
    (0, msg("less than one")),
    (1, msg("one to two")),
    (3, msg("three to four")),
    (5, msg("five to nine")),
    (10, msg("ten and more")),
)


def whole_years(since: date, day: date) -> int:
    """How many years are over on a day; those since a 29 February end with 1 March where there is none."""
    return day.year - since.year - ((day.month, day.day) < (since.month, since.day))


def _age(years: int | None) -> int | None:
    return None if years is None else max(low for low, _ in _AGES if low <= max(years, 0))


def _columns(asked: Asked) -> list[Column]:
    return [
        column(asked, msg("Number")),
        column(asked, msg("Name"), width=30),
        column(asked, msg("Owner"), width=16),
        column(asked, msg("Grade"), "LEVEL", 9),
        column(asked, msg("What became of them"), width=16),
        column(asked, msg("Years of trade"), "COUNT", 9),
        column(asked, msg("Last purchase"), "DAY"),
        column(asked, msg("Orders"), "COUNT", 9),
        column(asked, msg("Orders before"), "COUNT", 9),
        column(asked, msg("Sales ({currency})"), "MONEY"),
        column(asked, msg("Sales before ({currency})"), "MONEY"),
        column(asked, msg("Change ({currency})"), "MONEY"),
    ]


def _classes(asked: Asked, spool: Spool, found: _Found) -> Sheet:
    total = sum(found.total.classes.values())
    columns = [
        column(asked, msg("What became of them"), width=24),
        column(asked, msg("Customers"), "COUNT"),
        column(asked, msg("Share of customers"), "SHARE"),
        column(asked, msg("Sales ({currency})"), "MONEY"),
        column(asked, msg("Sales before ({currency})"), "MONEY"),
    ]
    lines: list[list[Value]] = []
    for one, label in CLASSES.items():
        count = found.total.classes[one]
        lines.append([asked.text(label), count, share(count, total), *found.sales[one]])
    sums = [sum(sales[place] for sales in found.sales.values()) for place in (0, 1)]
    totals = [asked.text(msg("Total")), total, share(total, total), *sums]
    return table(asked, spool, msg("Loyalty"), columns, lines, totals=totals)


def _told_apart(
    asked: Asked, spool: Spool, found: _Found, title: str, key: Column, sums: Mapping[str, _Sums]
) -> Sheet:
    columns = [
        key,
        *(column(asked, label, "COUNT", 10) for label in CLASSES.values()),
        column(asked, msg("Customers kept"), "SHARE", 10),
        column(asked, msg("Repeat purchase"), "SHARE", 10),
    ]
    lines = [[name, *one.cells()] for name, one in sums.items()]
    totals = [asked.text(msg("Total")), *found.total.cells()]
    return table(asked, spool, title, columns, lines, totals=totals)


def _levels(scheme: Scheme, found: _Found) -> dict[str, _Sums]:
    shown: list[Level] = [level for level in scheme.levels if level.id is not None or level in found.grades]
    return {level.code: found.grades[level] for level in shown}


def _ages(asked: Asked, found: _Found) -> dict[str, _Sums]:
    told = {asked.text(label): found.years[low] for low, label in _AGES}
    return told | ({asked.text(msg("Not known")): found.years[None]} if None in found.years else {})


def _chart(asked: Asked, found: _Found) -> Chart:
    customers = asked.text(msg("Customers"))
    values = tuple(float(found.total.classes[one]) for one in CLASSES)
    return Chart(
        asked.text(msg("What became of the customers")),
        customers,
        tuple(asked.text(label) for label in CLASSES.values()),
        (Series(customers, GREEN, values),),
        colours=tuple(_COLOURS.values()),
    )


KIND: Final = Kind(LOYALTY_AND_LOSS, READS, make, parameters=(REGION, GRADE))
