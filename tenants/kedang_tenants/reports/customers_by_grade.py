"""Customers by grade with their sales: who stands where, what each bought, and the sums of every grade (R1).

Sales are orders of the period that were not cancelled, a column a currency and never added up across
currencies. The grade is the present one. Sums are over the customers that the reader may read; the
list names those that the reader may take away. A column of sales is a figure, not a list of orders:
whoever may read the orders of a customer gets it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import orjson

from kedang_platform.i18n import msg
from kedang_platform.money import minor_digits
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked, Level, Scheme
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import PEOPLE, PERIOD, SCHEME, Kind
from kedang_tenants.reports.laying_out import share
from kedang_tenants.reports.models import CUSTOMERS_BY_GRADE
from kedang_tenants.reports.parameters import REGION
from kedang_tenants.reports.spool import Rows, Spool
from kedang_tenants.trade import facts

READS: Final = ("customer",)
"""What a person must be able to read for this report."""

_LEFT_OUT: Final = msg("The list of customers is left out: you may not export customers.")
_NO_SALES: Final = msg("Sales are left out: you may not read orders.")
_RULE: Final = msg(
    "Sales are orders of the period that were not cancelled, without freight; the last order is the latest"
    " one up to the end of the period. Grades, owners and next follow-ups are those of now."
)
_CURRENCIES: Final = msg("Amounts of different currencies are never added up.")


@dataclass(slots=True)
class _Sums:
    """What the customers of one grade come to."""

    customers: int = 0
    buying: int = 0
    orders: int = 0
    sales: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, orders: int, sales: dict[str, int]) -> None:
        self.customers += 1
        self.buying += orders > 0
        self.orders += orders
        for currency, amount in sales.items():
            self.sales[currency] += amount


@dataclass(slots=True)
class _Found:
    """What was gathered while the rows went by."""

    by_level: dict[Level, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    total: _Sums = field(default_factory=_Sums)
    listed: _Sums = field(default_factory=_Sums)
    currencies: list[str] = field(default_factory=list)

    def places(self, sales: dict[str, int]) -> list[int | None]:
        """The amounts in the order in which currencies were met."""
        self.currencies += [currency for currency in sorted(sales) if currency not in self.currencies]
        return [sales.get(currency) for currency in self.currencies]


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden, and NotFound where there is no such scheme."""
    viewer = asking.reader(asked.viewer, *READS)
    scheme = await asking.scheme_of(asked)
    found = _Found(currencies=[viewer.currency])
    statement, sql = _statement(asked, viewer, scheme)
    spool.total = await _count(asked, viewer)
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "customers_by_grade", statement, sql):
            for row in piece:
                _take(asked, scheme, row, rows, found)
            await spool.told(len(piece))
    return _document(asked, scheme, spool, rows, found)


async def _count(asked: Asked, viewer: Viewer) -> int:
    statement = Statement()
    where = asking.of_customers(statement, asked, viewer)
    return int(await asked.read.fetchval(f"SELECT count(*) FROM customer c WHERE {where}", *statement.values))


def _statement(asked: Asked, viewer: Viewer, scheme: Scheme) -> tuple[Statement, str]:
    s = Statement()
    span, orders, grades = asked.span, viewer.on("order").read, viewer.on("customer_grade")
    scheme_id = s.bind(scheme.id)
    first, end = s.bind(span.first), s.bind(span.end)
    currency = s.bind(viewer.currency)
    # Of the leading scheme the grade stands on the customer, where everybody who sees the name sees it.
    level = "c.grade_level_id" if scheme.leads else "g.level_id"
    return (
        s,
        f"""
SELECT c.number, c.name, m.name AS owner, {level} AS level_id, g.graded_at, c.next_follow_up_on,
       coalesce(b.orders, 0)::bigint AS orders, b.sales, b.last_order, b.main::bigint AS main,
       (sum(b.main) OVER ())::bigint AS main_total,
       {asking.within(s, viewer, "customer", "c", orders)} AS sales_known,
       {asking.within(s, viewer, "customer", "c", viewer.on("customer").export)} AS listed
FROM customer c
LEFT JOIN member m ON m.id = c.owner_id
LEFT JOIN customer_grade g ON g.customer_id = c.id AND g.scheme_id = {scheme_id} AND g.current
     AND {asking.within(s, viewer, "customer_grade", "g", grades.read)}
LEFT JOIN grade_level l ON l.id = {level}
LEFT JOIN (
    SELECT customer_id, sum(orders) AS orders, max(last_order) AS last_order,
           jsonb_object_agg(currency, amount) FILTER (WHERE orders > 0) AS sales,
           sum(amount) FILTER (WHERE currency = {currency} AND orders > 0) AS main
    FROM (
        SELECT o.customer_id, o.currency, max(o.ordered_on) AS last_order,
               sum(o.total) FILTER (WHERE o.ordered_on >= {first}) AS amount,
               count(*) FILTER (WHERE o.ordered_on >= {first}) AS orders
        FROM sales_order o
        WHERE {facts.sold()} AND o.ordered_on < {end}
          AND {asking.within(s, viewer, "order", "o", orders)}
        GROUP BY o.customer_id, o.currency
    ) by_currency
    GROUP BY customer_id
) b ON b.customer_id = c.id
WHERE {asking.of_customers(s, asked, viewer)}
ORDER BY l.position NULLS LAST, b.main DESC NULLS LAST, c.name_sort, c.id
""",
    )


def _take(asked: Asked, scheme: Scheme, row: asyncpg.Record, rows: Rows, found: _Found) -> None:
    level = scheme.level(row["level_id"])
    known = row["sales_known"]
    sales: dict[str, int] = orjson.loads(row["sales"]) if row["sales"] and known else {}
    if known:
        sales.setdefault(asked.viewer.currency, 0)
    orders, amounts = row["orders"], found.places(sales)
    for sums in (found.by_level[level], found.total):
        sums.add(orders, sales)
    if row["listed"]:
        found.listed.add(orders, sales)
        rows.add(_cells(asked, level, row, amounts))


def _cells(asked: Asked, level: Level, row: asyncpg.Record, amounts: list[int | None]) -> list[Value]:
    known, last, following = row["sales_known"], row["last_order"], row["next_follow_up_on"]
    main, total = row["main"], row["main_total"]
    return [
        row["number"],
        row["name"],
        row["owner"],
        level.code,
        asked.local_day(row["graded_at"]),
        round((main or 0) / total, 6) if known and total else None,
        row["orders"] if known else None,
        last.isoformat() if last and known else None,
        following.isoformat() if following else None,
        *amounts,
    ]


_AMOUNTS: Final = 9
"""Where the amounts begin in a row of the list."""


def _document(asked: Asked, scheme: Scheme, spool: Spool, rows: Rows, found: _Found) -> Document:
    has_sales = asked.viewer.on("order").read is not Scope.NONE
    has_list = asked.viewer.on("customer").export is not Scope.NONE
    currencies = found.currencies if has_sales else []
    sheets = [_grades(asked, scheme, spool, found, currencies)]
    if has_list:
        sheets.append(_list(asked, rows, found, currencies))
    notes = [asked.text(_RULE)] if has_sales else [asked.text(_NO_SALES)]
    if len(currencies) > 1:
        notes.append(asked.text(_CURRENCIES))
    if not has_list:
        notes.append(asked.text(_LEFT_OUT))
    return Document(
        title=asked.text(msg("Customers by grade")),
        company=asked.company,
        language=asked.language,
        facts=asking.facts_of(asked, asking.scheme_fact(asked, scheme)),
        notes=tuple(notes),
        sheets=tuple(sheets),
        charts=tuple(_charts(asked, scheme, found, currencies)),
        words=asking.words(asked),
        colours=scheme.colours,
    )


def _grades(asked: Asked, scheme: Scheme, spool: Spool, found: _Found, currencies: list[str]) -> Sheet:
    columns = [
        Column(asked.text(msg("Grade")), "LEVEL", 12),
        Column(asked.text(msg("Customers")), "COUNT"),
        Column(asked.text(msg("Share of customers")), "SHARE"),
    ]
    if currencies:
        columns += [
            Column(asked.text(msg("Buying customers")), "COUNT"),
            Column(asked.text(msg("Orders")), "COUNT"),
            *_sales_columns(asked, currencies),
            Column(_share_label(asked), "SHARE"),
        ]
    levels = [level for level in scheme.levels if level.id is not None or level in found.by_level]
    lines = [[level.code, *_line(found, found.by_level[level], currencies)] for level in levels]
    table = spool.table(lines)
    return Sheet(
        title=asked.text(msg("By grade")),
        columns=tuple(columns),
        rows=table.name,
        count=table.count,
        totals=(asked.text(msg("Total")), *_line(found, found.total, currencies)),
    )


def _line(found: _Found, sums: _Sums, currencies: list[str]) -> list[Value]:
    cells: list[Value] = [sums.customers, share(sums.customers, found.total.customers)]
    if currencies:
        main = currencies[0]
        cells += [sums.buying, sums.orders, *(sums.sales.get(one, 0) for one in currencies)]
        cells.append(share(sums.sales.get(main, 0), found.total.sales.get(main, 0)))
    return cells


def _list(asked: Asked, rows: Rows, found: _Found, currencies: list[str]) -> Sheet:
    columns = [
        Column(asked.text(msg("Number")), width=12, place=0),
        Column(asked.text(msg("Name")), width=36, place=1),
        Column(asked.text(msg("Owner")), width=18, place=2),
        Column(asked.text(msg("Grade")), "LEVEL", 9, place=3),
        Column(asked.text(msg("Grade since")), "DAY", 12, place=4),
        *(_sales_columns(asked, currencies, at=_AMOUNTS)),
    ]
    totals: list[Value] = [asked.text(msg("Total")), None, None, None, None]
    totals += [found.listed.sales.get(currency, 0) for currency in currencies]
    if currencies:
        columns += [
            Column(_share_label(asked), "SHARE", 10, place=5),
            Column(asked.text(msg("Orders")), "COUNT", 9, place=6),
            Column(asked.text(msg("Last order")), "DAY", 12, place=7),
        ]
        main = currencies[0]
        listed_share = share(found.listed.sales.get(main, 0), found.total.sales.get(main, 0))
        totals += [listed_share, found.listed.orders, None]
    columns.append(Column(asked.text(msg("Next follow-up")), "DAY", 12, place=8))
    return Sheet(
        title=asked.text(msg("Customers")),
        columns=tuple(columns),
        rows=rows.name,
        count=rows.count,
        totals=(*totals, None),
        main=True,
        long=True,
    )


def _sales_columns(asked: Asked, currencies: list[str], *, at: int | None = None) -> list[Column]:
    return [
        Column(
            asked.text(msg("Sales ({currency})"), currency=currency),
            "MONEY",
            16,
            currency,
            place=None if at is None else at + number,
        )
        for number, currency in enumerate(currencies)
    ]


def _share_label(asked: Asked) -> str:
    return asked.text(msg("Share of sales ({currency})"), currency=asked.viewer.currency)


def _charts(asked: Asked, scheme: Scheme, found: _Found, currencies: list[str]) -> list[Chart]:
    levels = [level for level in scheme.levels if level.id is not None or level in found.by_level]
    categories = tuple(level.code for level in levels)
    colours = tuple(level.colour for level in levels)

    def chart(title: str, axis: str, values: list[float]) -> Chart:
        series = (Series(axis, levels[0].colour, tuple(values)),)
        return Chart(title, axis, categories, series, colours=colours)

    customers = asked.text(msg("Customers"))
    counts: list[float] = [found.by_level[level].customers for level in levels]
    charts = [chart(asked.text(msg("Number of customers by grade")), customers, counts)]
    if currencies:
        main = currencies[0]
        unit = 10 ** minor_digits(main)
        amounts = [found.by_level[level].sales.get(main, 0) / unit for level in levels]
        sales = asked.text(msg("Sales ({currency})"), currency=main)
        charts.insert(0, chart(asked.text(msg("Sales by grade ({currency})"), currency=main), sales, amounts))
    return charts


KIND: Final = Kind(
    CUSTOMERS_BY_GRADE, READS, make, columns=frozenset({PERIOD, PEOPLE, SCHEME}), parameters=(REGION,)
)
