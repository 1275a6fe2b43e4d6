"""Composition (构成分析): what share of the sales each slice has, how that changed, and how few make the most of it (R1, P7).

Sales are order lines of the period whose order was not cancelled, without freight, in the company's
currency; those in others stand apart, as sums never go across currencies. Grade, region, industry and
directory are those of now.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import asyncpg

from kedang_platform.i18n import msg
from kedang_platform.money import minor_digits
from kedang_tenants.catalogue import Option
from kedang_tenants.customers.models import DIRECTORIES
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked, Scheme
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import Kind
from kedang_tenants.reports.laying_out import BLUE, GREEN, GREY, column, document, listed, share, sold, table
from kedang_tenants.reports.models import COMPOSITION
from kedang_tenants.reports.parameters import CATEGORY, COMPARE, GRADE, PRODUCT, REGION, TOP, group_by
from kedang_tenants.reports.spool import Rows, Spool

READS: Final = ("customer", "order")
BY: Final = group_by(
    Option("GRADE", msg("Grade")),
    Option("REGION", msg("Region")),
    Option("INDUSTRY", msg("Industry")),
    Option("DIRECTORY", msg("Directory")),
    Option("CATEGORY", msg("Product category")),
    Option("PRODUCT", msg("Product")),
    Option("OWNER", msg("Owner")),
)
_SLICES: Final = {
    "GRADE": ("c.grade_level_id::text", "NULL"),
    "REGION": ("c.region", "c.region"),
    "INDUSTRY": ("c.industry", "c.industry"),
    "DIRECTORY": ("c.directory", "c.directory"),
    "CATEGORY": ("p.category_id::text", "pc.name"),
    "PRODUCT": ("p.id::text", "p.name"),
    "OWNER": ("c.owner_id::text", "m.name"),
}
"""By what rows are told apart, and what that is called."""
_CHARTED: Final = 12
_STEPS: Final = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Shares of the buying customers, the largest first, whose share of the sales is told."""

_RULE: Final = msg(
    "Sales are lines of orders of the period that were not cancelled, without freight. Grade, region, industry,"
    " directory and owner are those of now. Change compares with as many days before."
)
_LEFT_OUT: Final = msg("The list of customers is left out: you may not export customers.")


@dataclass(slots=True)
class _Slice:
    """What one slice came to, in the period and in the one before."""

    name: str
    customers: int = 0
    sales: int = 0
    before: int = 0


@dataclass(slots=True)
class _Found:
    slices: dict[str | None, _Slice] = field(default_factory=dict)
    by_customer: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    foreign: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def sales(self) -> int:
        return sum(one.sales for one in self.slices.values())

    @property
    def before(self) -> int:
        return sum(one.before for one in self.slices.values())

    def ranked(self) -> list[_Slice]:
        """The largest first."""
        return sorted(self.slices.values(), key=lambda one: (-one.sales, -one.before, one.name))


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden, also where products are told apart by who may not read them."""
    by_product = asked.told[BY] in {"CATEGORY", "PRODUCT"}
    viewer = asking.reader(asked.viewer, *READS, *(["product"] if by_product else []))
    scheme = await asking.leading_scheme(asked)
    found = _Found()
    statement, sql = _statement(asked, viewer)
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "composition", statement, sql):
            for row in piece:
                _take(asked, scheme, row, rows, found)
            await spool.told(len(piece))
    has_list = viewer.on("customer").export is not Scope.NONE
    sheets = [_composition(asked, spool, found), _pareto(asked, spool, found)]
    if has_list:
        sheets.append(listed(asked, rows, msg("Customers of the slices"), _columns(asked), main=False))
    if found.foreign:
        sheets.append(_foreign(asked, spool, found))
    return document(
        asked,
        msg("Composition"),
        sheets,
        charts=_charts(asked, found),
        notes=[_RULE] if has_list else [_RULE, _LEFT_OUT],
        colours=scheme.colours,
    )


def before(asked: Asked) -> tuple[date, date]:
    """The first day of the time before the period that is as long, and the first day of the period."""
    span = asked.span
    return span.first - timedelta(days=(span.end - span.first).days), span.first


def _statement(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    s = Statement()
    key, name = _SLICES[asked.told[BY]]
    earlier, first = (s.bind(day) for day in before(asked))
    end = s.bind(asked.span.end)
    of = [asking.of_customers(s, asked, viewer), sold(s, viewer)]
    of += [f"o.ordered_on >= {earlier}", f"o.ordered_on < {end}", "l.archived_at IS NULL"]
    for parameter, place in ((PRODUCT, "l.product_id"), (CATEGORY, "p.category_id")):
        if (value := asked.told[parameter]) is not None:
            of.append(f"{place} = {s.bind(value)}")
    export = asking.within(s, viewer, "customer", "c", viewer.on("customer").export)
    return (
        s,
        f"""
SELECT {key} AS key, {name} AS name, o.currency, c.id::text AS customer_id, c.number, c.name AS customer,
       {export} AS listed,
       coalesce(sum(l.amount) FILTER (WHERE o.ordered_on >= {first}), 0)::bigint AS sales,
       coalesce(sum(l.amount) FILTER (WHERE o.ordered_on < {first}), 0)::bigint AS before,
       count(DISTINCT o.id) FILTER (WHERE o.ordered_on >= {first}) AS orders
FROM sales_order o
JOIN order_line l ON l.order_id = o.id
JOIN customer c ON c.id = o.customer_id
JOIN product p ON p.id = l.product_id
LEFT JOIN product_category pc ON pc.id = p.category_id
LEFT JOIN member m ON m.id = c.owner_id
WHERE {" AND ".join(of)}
GROUP BY 1, 2, 3, c.id, c.number, c.name
ORDER BY 2 NULLS LAST, 1, sales DESC, c.number, c.id
""",
    )


def _take(asked: Asked, scheme: Scheme, row: asyncpg.Record, rows: Rows, found: _Found) -> None:
    if row["currency"] != asked.viewer.currency:
        if row["sales"]:
            found.foreign[row["currency"]] += row["sales"]
        return
    name = _named(asked, scheme, row)
    one = found.slices.setdefault(row["key"], _Slice(name))
    if row["orders"]:
        one.customers += 1
        found.by_customer[row["customer_id"]] += row["sales"]
    one.sales += row["sales"]
    one.before += row["before"]
    if row["listed"]:
        rows.add([name, row["number"], row["customer"], row["orders"], row["sales"], row["before"]])


def _named(asked: Asked, scheme: Scheme, row: asyncpg.Record) -> str:
    match asked.told[BY]:
        case "GRADE":
            return next(
                (level.code for level in scheme.levels if str(level.id) == row["key"]), scheme.levels[-1].code
            )
        case "DIRECTORY":
            return asked.text(next(one.label for one in DIRECTORIES if one.code == row["key"]))
    return row["name"] or asked.text(msg("Not known"))


def _key(asked: Asked, width: int = 24) -> Column:
    label = next(one.label for one in BY.options if one.code == asked.told[BY])
    return column(asked, label, "LEVEL" if asked.told[BY] == "GRADE" else "TEXT", width)


def _composition(asked: Asked, spool: Spool, found: _Found) -> Sheet:
    compare = asked.told[COMPARE]
    columns = [
        _key(asked),
        column(asked, msg("Customers"), "COUNT"),
        column(asked, msg("Sales ({currency})"), "MONEY"),
        column(asked, msg("Share of sales"), "SHARE"),
        column(asked, msg("Added up"), "SHARE"),
    ]
    if compare:
        columns += [
            column(asked, msg("Sales before ({currency})"), "MONEY"),
            column(asked, msg("Change ({currency})"), "MONEY"),
            column(asked, msg("Relative change"), "SHARE"),
            column(asked, msg("Share before"), "SHARE"),
        ]
    sales, earlier, reached = found.sales, found.before, 0
    lines: list[list[Value]] = []
    for one in found.ranked():
        reached += one.sales
        line: list[Value] = [
            one.name,
            one.customers,
            one.sales,
            share(one.sales, sales),
            share(reached, sales),
        ]
        lines.append(
            line + ([*_change(one.sales, one.before), share(one.before, earlier)] if compare else [])
        )
    totals: list[Value] = [asked.text(msg("Total")), len(found.by_customer), sales, share(sales, sales), None]
    if compare:
        totals += [*_change(sales, earlier), share(earlier, earlier)]
    return table(asked, spool, msg("Composition"), columns, lines, totals=totals, main=True)


def _change(sales: int, earlier: int) -> list[Value]:
    return [earlier, sales - earlier, share(sales - earlier, earlier)]


def _pareto(asked: Asked, spool: Spool, found: _Found) -> Sheet:
    """How much of the sales the largest customers make."""
    amounts = sorted(found.by_customer.values(), reverse=True)
    total = sum(amounts)
    columns = [
        column(asked, msg("The largest customers"), width=26),
        column(asked, msg("Customers"), "COUNT"),
        column(asked, msg("Sales ({currency})"), "MONEY"),
        column(asked, msg("Share of sales"), "SHARE"),
    ]
    lines: list[list[Value]] = []
    for step in _STEPS:
        count = -(-len(amounts) * round(step * 100) // 100)  # rounded up: one customer at least
        part = sum(amounts[:count])
        lines.append(
            [asked.text(msg("{share} of them"), share=f"{step:.0%}"), count, part, share(part, total)]
        )
    top = asked.told[TOP]
    part = sum(amounts[:top])
    lines.append(
        [asked.text(msg("the first {count}"), count=top), min(top, len(amounts)), part, share(part, total)]
    )
    totals: list[Value] = [asked.text(msg("Total")), len(amounts), total, share(total, total)]
    return table(asked, spool, msg("Concentration"), columns, lines if amounts else [], totals=totals)


def _columns(asked: Asked) -> list[Column]:
    return [
        _key(asked, 20),
        column(asked, msg("Number")),
        column(asked, msg("Name"), width=32),
        column(asked, msg("Orders"), "COUNT", 9),
        column(asked, msg("Sales ({currency})"), "MONEY"),
        column(asked, msg("Sales before ({currency})"), "MONEY"),
    ]


def _foreign(asked: Asked, spool: Spool, found: _Found) -> Sheet:
    """One column a currency."""
    currencies = sorted(found.foreign)
    columns = [column(asked, msg("Sales ({currency})"), "MONEY", currency=one) for one in currencies]
    line: list[Value] = [found.foreign[one] for one in currencies]
    return table(asked, spool, msg("Sales in other currencies"), columns, [line])


def _charts(asked: Asked, found: _Found) -> list[Chart]:
    unit = 10 ** minor_digits(asked.viewer.currency)
    ranked = [one for one in found.ranked() if one.sales or one.before]
    shown, rest = ranked[:_CHARTED], ranked[_CHARTED:]
    names = [one.name for one in shown] + ([asked.text(msg("All others"))] if rest else [])
    currency = asked.viewer.currency
    axis = asked.text(msg("Sales ({currency})"), currency=currency)

    def values(amounts: list[int], others: int) -> tuple[float, ...]:
        return tuple(amount / unit for amount in (*amounts, *([others] if rest else [])))

    now = values([one.sales for one in shown], sum(one.sales for one in rest))
    series = [Series(asked.text(msg("This period")), BLUE, now)]
    if asked.told[COMPARE]:
        earlier = values([one.before for one in shown], sum(one.before for one in rest))
        series.insert(0, Series(asked.text(msg("The time before")), GREY, earlier))
    return [
        Chart(asked.text(msg("Sales by slice")), axis, tuple(names), tuple(series)),
        _curve(asked, found),
    ]


def _curve(asked: Asked, found: _Found) -> Chart:
    """Which share of the sales each part of the customers makes, the largest first."""
    amounts = sorted(found.by_customer.values(), reverse=True)
    total = sum(amounts)
    parts = [number / 10 for number in range(1, 11)] if total else []
    reached = tuple(share(sum(amounts[: -(-len(amounts) * round(part * 10) // 10)]), total) for part in parts)
    label = asked.text(msg("Share of sales"))
    title = asked.text(msg("Share of sales of the largest customers"))
    return Chart(
        title, label, tuple(f"{part:.0%}" for part in parts), (Series(label, GREEN, reached),), percent=True
    )


KIND: Final = Kind(
    COMPOSITION,
    READS,
    make,
    parameters=(BY, COMPARE, TOP, REGION, GRADE, PRODUCT, CATEGORY),
)
