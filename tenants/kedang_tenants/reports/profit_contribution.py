"""Profit contribution of a period, by month and by customer, those that lose money marked (R1, P6).

Unknown is not zero: whoever bought anything without a known cost has sales and no profit.
"""

from __future__ import annotations

from typing import Final

import asyncpg

from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_platform.money import minor_digits
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import Kind
from kedang_tenants.reports.laying_out import GREEN, column, document, listed, share, table
from kedang_tenants.reports.models import PROFIT_CONTRIBUTION
from kedang_tenants.reports.parameters import GRADE, REGION
from kedang_tenants.reports.spool import Rows, Spool
from kedang_tenants.trade import facts
from kedang_tenants.trade.profits import may_read_profit

READS: Final = ("customer", "order")
_RULE: Final = msg(
    "Orders that were not cancelled, without freight, in the company's currency; the cost is that of the day of the"
    " order. Where the cost of anything is unknown, the profit is unknown, never zero."
)
_LEFT_OUT: Final = msg("The list of customers is left out: you may not export customers.")


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    if not KIND.is_for(viewer):
        raise Forbidden(msg("You may not read what this report is about."))
    losses = 0
    s, sql = _customers(asked, viewer)
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "profit_contribution", s, sql):
            for row in piece:
                losses += row["profit"] is not None and row["profit"] < 0
                _take(row, rows)
            await spool.told(len(piece))
    s, sql = _months(asked, viewer)
    months = await asked.read.fetch(sql, *s.values)
    has_list = viewer.on("customer").export is not Scope.NONE
    sheets = [_by_month(asked, spool, months)]
    if has_list:
        sheets.append(listed(asked, rows, msg("Customers"), _columns(asked)))
    return document(
        asked,
        msg("Profit contribution"),
        sheets,
        charts=[_chart(asked, months)],
        notes=[_RULE] if has_list else [_RULE, _LEFT_OUT],
        facts=[(asked.text(msg("Unprofitable customers")), str(losses))],
    )


def _sold(s: Statement, asked: Asked, viewer: Viewer) -> str:
    """The orders that count, and whose profit may be told."""
    span = asked.span
    return (
        f"{facts.sold()} AND o.currency = {s.bind(viewer.currency)}"
        f" AND o.ordered_on >= {s.bind(span.first)} AND o.ordered_on < {s.bind(span.end)}"
        f" AND {asking.within(s, viewer, 'order', 'o', may_read_profit(viewer))}"
    )


_SUMS: Final = (
    f"count(*) AS orders, sum(o.total)::bigint AS sales, {facts.PROFIT_SUM} AS profit,"
    " count(*) - count(o.profit) AS unknown_orders"
)


def _customers(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    s = Statement()
    sold = _sold(s, asked, viewer)
    export = asking.within(s, viewer, "customer", "c", viewer.on("customer").export)
    return (
        s,
        f"""
SELECT c.number, c.name, m.name AS owner, f.orders, f.sales, f.profit, f.unknown_orders, {export} AS listed
FROM (SELECT o.customer_id, {_SUMS} FROM sales_order o WHERE {sold} GROUP BY o.customer_id) f
JOIN customer c ON c.id = f.customer_id LEFT JOIN member m ON m.id = c.owner_id
WHERE {asking.of_customers(s, asked, viewer)}
ORDER BY f.profit DESC NULLS LAST, f.sales DESC, c.name_sort, c.id
""",
    )


def _months(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    s = Statement()
    return (
        s,
        f"""
SELECT to_char(o.ordered_on, 'YYYY-MM') AS month, {_SUMS}
FROM sales_order o JOIN customer c ON c.id = o.customer_id
WHERE {_sold(s, asked, viewer)} AND {asking.of_customers(s, asked, viewer)}
GROUP BY 1 ORDER BY 1
""",
    )


def _take(row: asyncpg.Record, rows: Rows) -> None:
    if row["listed"]:
        rows.add([row["number"], row["name"], row["owner"], *_figures(row)])


def _figures(row: asyncpg.Record) -> list[Value]:
    profit = row["profit"]
    rate = None if profit is None or row["sales"] <= 0 else share(profit, row["sales"])
    return [row["orders"], row["sales"], profit, rate, row["unknown_orders"]]


def _figure_columns(asked: Asked) -> list[Column]:
    return [
        column(asked, msg("Orders"), "COUNT", 9),
        column(asked, msg("Sales ({currency})"), "MONEY"),
        column(asked, msg("Profit contribution ({currency})"), "MONEY"),
        column(asked, msg("Profit rate"), "SHARE"),
        column(asked, msg("Orders with unknown profit"), "COUNT", 12),
    ]


def _columns(asked: Asked) -> list[Column]:
    return [
        column(asked, msg("Number")),
        column(asked, msg("Name"), width=32),
        column(asked, msg("Owner"), width=16),
        *_figure_columns(asked),
    ]


def _by_month(asked: Asked, spool: Spool, months: list[asyncpg.Record]) -> Sheet:
    lines: list[list[Value]] = [[row["month"], *_figures(row)] for row in months]
    orders, sales, unknown = (
        sum(row[name] for row in months) for name in ("orders", "sales", "unknown_orders")
    )
    profit = None if unknown else sum(row["profit"] for row in months)
    rate = None if profit is None or sales <= 0 else share(profit, sales)
    totals: list[Value] = [asked.text(msg("Total")), orders, sales, profit, rate, unknown]
    columns = [column(asked, msg("Month"), width=14), *_figure_columns(asked)]
    return table(asked, spool, msg("By month"), columns, lines, totals=totals)


def _chart(asked: Asked, months: list[asyncpg.Record]) -> Chart:
    label = asked.text(msg("Profit contribution"))
    known = [row for row in months if row["profit"] is not None]
    unit = 10 ** minor_digits(asked.viewer.currency)
    values = tuple(row["profit"] / unit for row in known)
    names = tuple(row["month"] for row in known)
    return Chart(
        asked.text(msg("Profit contribution by month")), label, names, (Series(label, GREEN, values),)
    )


KIND: Final = Kind(PROFIT_CONTRIBUTION, READS, make, parameters=(REGION, GRADE), profit=True)
