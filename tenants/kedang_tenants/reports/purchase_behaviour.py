"""Purchase behaviour: how often, when last, at which interval and for how much customers buy (R1, P9).

Frequency and amount are those of the period; when a customer bought last and at which interval is told
by all orders up to its end. An interval is the median of the days between the days of two orders that
follow each other; from three such days on it says when the next purchase may be expected.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import asyncpg

from kedang_platform.i18n import msg
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked, Scheme
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import Kind
from kedang_tenants.reports.laying_out import BLUE, GREEN, column, document, listed, share, sold, table
from kedang_tenants.reports.models import PURCHASE_BEHAVIOUR
from kedang_tenants.reports.parameters import GRADE, REGION
from kedang_tenants.reports.spool import Rows, Spool

READS: Final = ("customer", "order")
_RULE: Final = msg(
    "Orders that were not cancelled, without freight. How often and for how much is of the period; the last"
    " purchase and the interval are of all orders up to its end. An expected purchase needs three days of purchase."
)
_CURRENCY: Final = msg("Amounts are those of orders in the company's currency.")
_LEFT_OUT: Final = msg("The list of customers is left out: you may not export customers.")

_FREQUENCIES: Final = (
    (0, 0, msg("no order")),
    (1, 1, msg("one order")),
    (2, 2, msg("two orders")),
    (3, 5, msg("3 to 5 orders")),
    (6, 10, msg("6 to 10 orders")),
    (11, 10**9, msg("more than 10 orders")),
)
_RECENCIES: Final = (
    (0, 30, msg("within 30 days")),
    (31, 90, msg("31 to 90 days ago")),
    (91, 180, msg("91 to 180 days ago")),
    (181, 365, msg("181 to 365 days ago")),
    (366, 10**9, msg("longer ago")),
)
_NEVER: Final = msg("never bought")


@dataclass(slots=True)
class _Sums:
    customers: int = 0
    orders: int = 0
    sales: int = 0

    def add(self, orders: int, sales: int) -> None:
        self.customers += 1
        self.orders += orders
        self.sales += sales


@dataclass(slots=True)
class _Found:
    frequency: defaultdict[str, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    recency: defaultdict[str, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    total: _Sums = field(default_factory=_Sums)
    buying: int = 0


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    scheme = await asking.leading_scheme(asked)
    found = _Found()
    statement, sql = _statement(asked, viewer)
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "purchase_behaviour", statement, sql):
            for row in piece:
                _take(asked, scheme, row, rows, found)
            await spool.told(len(piece))
    has_list = viewer.on("customer").export is not Scope.NONE
    frequencies = [label for _, _, label in _FREQUENCIES]
    recencies = [*(label for _, _, label in _RECENCIES), _NEVER]
    sheets = [
        _sums(
            asked, spool, found, msg("How often"), msg("Orders in the period"), frequencies, found.frequency
        ),
        _sums(asked, spool, found, msg("When last"), msg("Last purchase"), recencies, found.recency),
    ]
    if has_list:
        sheets.append(listed(asked, rows, msg("Customers"), _columns(asked)))
    notes = [_RULE, _CURRENCY]
    return document(
        asked,
        msg("Purchase behaviour"),
        sheets,
        charts=[
            _chart(asked, msg("Customers by how often they bought"), frequencies, found.frequency, BLUE),
            _chart(asked, msg("Customers by when they bought last"), recencies, found.recency, GREEN),
        ],
        notes=notes if has_list else [*notes, _LEFT_OUT],
        facts=_key_figures(asked, found),
        colours=scheme.colours,
    )


def _statement(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    s = Statement()
    first, end, currency = s.bind(asked.span.first), s.bind(asked.span.end), s.bind(viewer.currency)
    export = asking.within(s, viewer, "customer", "c", viewer.on("customer").export)
    return (
        s,
        f"""
WITH bought AS (
    SELECT o.customer_id, o.ordered_on, o.currency, o.total,
           o.ordered_on - lag(o.ordered_on) OVER (PARTITION BY o.customer_id ORDER BY o.ordered_on) AS days
    FROM sales_order o WHERE o.ordered_on < {end} AND {sold(s, viewer)}
), summed AS (
    SELECT customer_id, min(ordered_on) AS first_on, max(ordered_on) AS last_on,
           count(*) FILTER (WHERE ordered_on >= {first}) AS orders,
           count(*) FILTER (WHERE ordered_on >= {first} AND currency = {currency}) AS own_orders,
           coalesce(sum(total) FILTER (WHERE ordered_on >= {first} AND currency = {currency}), 0)::bigint AS sales,
           count(DISTINCT ordered_on) AS purchase_days,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE days > 0) AS interval
    FROM bought GROUP BY customer_id
)
SELECT c.number, c.name, m.name AS owner, c.grade_level_id, b.first_on, b.last_on, coalesce(b.orders, 0) AS orders,
       coalesce(b.own_orders, 0) AS own_orders, coalesce(b.sales, 0) AS sales,
       coalesce(b.purchase_days, 0) AS purchase_days, b.interval, {export} AS listed
FROM customer c LEFT JOIN summed b ON b.customer_id = c.id LEFT JOIN member m ON m.id = c.owner_id
WHERE {asking.of_customers(s, asked, viewer)}
ORDER BY coalesce(b.sales, 0) DESC, c.name_sort, c.id
""",
    )


_ENOUGH: Final = 3
"""Days of purchase from which on the next one is expected."""


def _take(asked: Asked, scheme: Scheme, row: asyncpg.Record, rows: Rows, found: _Found) -> None:
    orders, sales, last = row["orders"], row["sales"], row["last_on"]
    ago = (asked.span.last - last).days if last else None
    found.frequency[_class_of(_FREQUENCIES, orders)].add(orders, sales)
    found.recency[_class_of(_RECENCIES, ago) if ago is not None else _NEVER].add(orders, sales)
    found.total.add(orders, sales)
    found.buying += orders > 0
    if not row["listed"]:
        return
    interval = float(row["interval"]) if row["interval"] is not None else None
    rows.add(
        [
            row["number"],
            row["name"],
            row["owner"],
            scheme.level(row["grade_level_id"]).code,
            orders,
            sales,
            round(sales / row["own_orders"]) if row["own_orders"] else None,
            row["first_on"].isoformat() if row["first_on"] else None,
            last.isoformat() if last else None,
            ago,
            interval,
            _expected(last, interval) if row["purchase_days"] >= _ENOUGH else None,
        ]
    )


def _expected(last: date, interval: float | None) -> str | None:
    return (last + timedelta(days=round(interval))).isoformat() if interval is not None else None


def _class_of(classes: tuple[tuple[int, int, str], ...], value: int) -> str:
    return next(label for low, high, label in classes if low <= value <= high)


def _columns(asked: Asked) -> list[Column]:
    return [
        column(asked, msg("Number")),
        column(asked, msg("Name"), width=32),
        column(asked, msg("Owner"), width=16),
        column(asked, msg("Grade"), "LEVEL", 9),
        column(asked, msg("Orders"), "COUNT", 9),
        column(asked, msg("Sales ({currency})"), "MONEY"),
        column(asked, msg("A purchase on average ({currency})"), "MONEY"),
        column(asked, msg("First purchase"), "DAY"),
        column(asked, msg("Last purchase"), "DAY"),
        column(asked, msg("Days ago"), "COUNT", 9),
        column(asked, msg("Interval in days"), "NUMBER", 10),
        column(asked, msg("Expected on"), "DAY"),
    ]


def _sums(
    asked: Asked,
    spool: Spool,
    found: _Found,
    title: str,
    key: str,
    labels: list[str],
    sums: defaultdict[str, _Sums],
) -> Sheet:
    columns = [
        column(asked, key, width=24),
        column(asked, msg("Customers"), "COUNT"),
        column(asked, msg("Share of customers"), "SHARE"),
        column(asked, msg("Orders"), "COUNT"),
        column(asked, msg("Sales ({currency})"), "MONEY"),
        column(asked, msg("Share of sales"), "SHARE"),
    ]

    def line(name: str, one: _Sums) -> list[Value]:
        part, of_sales = share(one.customers, found.total.customers), share(one.sales, found.total.sales)
        return [name, one.customers, part, one.orders, one.sales, of_sales]

    lines = [line(asked.text(label), sums[label]) for label in labels]
    return table(asked, spool, title, columns, lines, totals=line(asked.text(msg("Total")), found.total))


def _key_figures(asked: Asked, found: _Found) -> list[tuple[str, str]]:
    total = found.total
    if not found.buying:
        return []
    return [
        (asked.text(msg("Buying customers")), f"{found.buying} / {total.customers}"),
        (asked.text(msg("Orders a buying customer")), f"{total.orders / found.buying:.2f}"),
    ]


def _chart(asked: Asked, title: str, labels: list[str], sums: defaultdict[str, _Sums], colour: str) -> Chart:
    customers = asked.text(msg("Customers"))
    values = tuple(float(sums[label].customers) for label in labels)
    categories = tuple(asked.text(label) for label in labels)
    return Chart(asked.text(title), customers, categories, (Series(customers, colour, values),))


KIND: Final = Kind(PURCHASE_BEHAVIOUR, READS, make, parameters=(REGION, GRADE))
