"""Profit contribution (利润贡献, P6): by customer, order, product, month or year, beside that of the time before.

Profit is unknown, never zero, where the cost of anything sold is unknown: such a group has sales and no profit, and
says how many of its orders made it so. Counted are the orders whose profit the viewer may read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import owned, visible
from kedang_tenants.reading.ordering import SortKey, beyond, order_clause, read_cursor, write_cursor
from kedang_tenants.reading.statement import Statement
from kedang_tenants.trade import facts

CUSTOMER, ORDER, PRODUCT, MONTH, YEAR = "CUSTOMER", "ORDER", "PRODUCT", "MONTH", "YEAR"
GROUPINGS: Final = (CUSTOMER, ORDER, PRODUCT, MONTH, YEAR)
MOST_PROFIT, LEAST_PROFIT, MOST_SALES = "MOST_PROFIT", "LEAST_PROFIT", "MOST_SALES"
ORDERS: Final = (MOST_PROFIT, LEAST_PROFIT, MOST_SALES)
MOST_ROWS: Final = 250
_KEYS: Final = {
    CUSTOMER: "o.customer_id",
    ORDER: "o.id",
    PRODUCT: "l.product_id",
    MONTH: "date_trunc('month', o.ordered_on::timestamp)::date",
    YEAR: "date_trunc('year', o.ordered_on::timestamp)::date",
}
_UNITS: Final = {MONTH: "month", YEAR: "year"}


@dataclass(frozen=True, slots=True)
class ProfitQuestion:
    """What is asked: days from ``first`` (since the first trade where it is None) to before ``end``.

    ``currency`` is the company's where None: sums are never across currencies. Times come the latest first,
    whatever ``order`` says; of the others what has no known profit comes last.
    """

    by: str
    first: date | None = None
    end: date | None = None
    customer_ids: tuple[UUID, ...] | None = None
    product_ids: tuple[UUID, ...] | None = None
    currency: str | None = None
    unprofitable: bool = False
    order: str = MOST_PROFIT
    limit: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """What was sold and what it left over, in minor units; ``profit`` is None where it is unknown."""

    sales: int
    profit: int | None
    orders: int
    unknown_orders: int

    @property
    def rate(self) -> Decimal | None:
        """The profit as a fraction of the sales, with 6 digits; None where it is unknown or nothing was sold."""
        if self.profit is None or self.sales <= 0:
            return None
        return round(Decimal(self.profit) / self.sales, 6)


@dataclass(frozen=True, slots=True)
class Contribution:
    """One group: ``record_id`` of a customer, an order, a product, or ``begins_on`` of a month or year.

    ``name`` is None where the viewer may not see whose it is. ``before`` is the same of the whole month or year before,
    however much of its own the period covers; of the others that of as many days right before the period, None where
    the period has no first day.
    """

    record_id: UUID | None
    begins_on: date | None
    name: str | None
    sum: Sum
    before: Sum | None
    cursor: str

    @property
    def difference(self) -> int | None:
        """By how much the profit is above that of the time before; None where either is unknown."""
        if self.before is None or self.before.profit is None or self.sum.profit is None:
            return None
        return self.sum.profit - self.before.profit


@dataclass(frozen=True, slots=True)
class Contributions:
    """A page of groups, and the sum of all that there are on all pages."""

    currency: str
    rows: tuple[Contribution, ...]
    total: Sum
    has_next: bool


async def profit_contributions(
    read: TenantRead, viewer: Viewer, question: ProfitQuestion, *, clock: Clock
) -> Contributions | None:
    """The groups asked for; None where one of the customers or products is not there for the viewer.

    Raises Forbidden for whoever may read no profit, BadUserInput, BadCursor.
    """
    if not 0 <= question.limit <= MOST_ROWS:
        raise BadUserInput(
            msg("A page holds between 0 and {limit} records."), path=("first",), limit=MOST_ROWS
        )
    end = question.end or viewer.today(clock) + timedelta(days=1)
    if question.first is not None and question.first >= end:
        raise BadUserInput(msg("The period ends before it begins."), path=("to",))
    for record, ids in (("customer", question.customer_ids), ("product", question.product_ids)):
        if ids is not None and not await _all_seen(read, viewer, record, ids):
            return None
    currency = question.currency or viewer.currency
    statement, sql = _statement(viewer, question, end, currency)
    rows = await read.fetch(sql, *statement.values)
    found = [row for row in rows if row["key"] is not None]
    page = tuple(_told(question, row) for row in found[: question.limit])
    return Contributions(currency, page, _sum(rows[0], "all_"), len(found) > question.limit)


def may_read_profit(viewer: Viewer, record: str = "order") -> Scope:
    """How far the viewer may read the profit of orders, or of their lines."""
    access = viewer.on(record)
    return min(access.read, access.sensitive.get("profit", Scope.NONE))


async def _all_seen(read: TenantRead, viewer: Viewer, record: str, ids: tuple[UUID, ...]) -> bool:
    statement, kind = Statement(), catalogue().record(record)
    wanted = list(set(ids))
    where = f"t.id = ANY({statement.bind(wanted)}::uuid[])"
    seen = visible(statement, viewer, kind, "t") or "TRUE"
    sql = f"SELECT count(*) FROM {kind.table.name} t WHERE {where} AND {seen}"
    return int(await read.fetchval(sql, *statement.values)) == len(wanted)


def _statement(viewer: Viewer, question: ProfitQuestion, end: date, currency: str) -> tuple[Statement, str]:
    """One row a group behind the cursor, one more than the page holds, each with the sum of all; at least one."""
    s = Statement()
    keys = _sort_keys(question)
    behind = "TRUE"
    if question.after is not None:
        behind = beyond(s, keys, read_cursor(question.after, _signature(question), keys), backward=False)
    loss = "n.profit < 0" if question.unprofitable else "TRUE"
    name, join = _name(s, viewer, question.by)
    return (
        s,
        f"""
WITH sold AS ({_sold(s, viewer, question, end, currency)}),
now AS (SELECT key, {_SUMS} FROM sold WHERE counts GROUP BY key),
before AS (SELECT {_key_before(question)} AS key, {_SUMS} FROM sold WHERE {_counts_before(question)} GROUP BY key),
everything AS (SELECT {_SUMS} FROM sold WHERE counts),
page AS (
    SELECT n.*, {name} AS name, b.sales AS before_sales, b.profit AS before_profit,
           coalesce(b.orders, 0) AS before_orders, coalesce(b.unknown_orders, 0) AS before_unknown_orders
    FROM now n LEFT JOIN before b ON b.key = n.key {join}
    WHERE {loss} AND {behind}
    ORDER BY {order_clause(keys, backward=False)} LIMIT {s.bind(question.limit + 1)}::int
)
SELECT n.*, e.sales AS all_sales, e.profit AS all_profit, e.orders AS all_orders,
       e.unknown_orders AS all_unknown_orders
FROM everything e LEFT JOIN page n ON TRUE
ORDER BY {order_clause(keys, backward=False)}
""",
    )


_SUMS: Final = (
    "coalesce(sum(sales), 0)::bigint AS sales,"
    " CASE WHEN count(*) = count(profit) THEN coalesce(sum(profit), 0)::bigint END AS profit,"
    " count(DISTINCT order_id) AS orders,"
    " count(DISTINCT order_id) FILTER (WHERE profit IS NULL) AS unknown_orders"
)


def _sold(s: Statement, viewer: Viewer, question: ProfitQuestion, end: date, currency: str) -> str:
    """What was sold in the period and right before it: whole orders, or lines where products count."""
    lines = question.by == PRODUCT or question.product_ids is not None
    last = s.bind(end)
    where = [facts.sold(), f"o.currency = {s.bind(currency)}::text", f"o.ordered_on < {last}::date"]
    counts = "TRUE"
    if question.first is not None:
        first = s.bind(question.first)
        counts = f"o.ordered_on >= {first}::date"
        unit = _UNITS.get(question.by)
        earliest = (
            f"date_trunc('{unit}', {first}::date::timestamp) - interval '1 {unit}'"
            if unit
            else f"{s.bind(_as_long_before(question.first, end))}::date"
        )
        where.append(f"o.ordered_on >= {earliest}")
    for column, ids in (("o.customer_id", question.customer_ids), ("l.product_id", question.product_ids)):
        if ids is not None:
            where.append(f"{column} = ANY({s.bind(list(ids))}::uuid[])")
    where.append(_readable(s, viewer, "order", "o"))
    join, sums = "", "o.total AS sales, o.profit AS profit"
    if lines:
        join = "JOIN order_line l ON l.order_id = o.id AND l.archived_at IS NULL"
        sums = "l.amount AS sales, l.profit AS profit"
        where.append(_readable(s, viewer, "order_line", "l"))
    return (
        f"SELECT {_KEYS[question.by]} AS key, o.id AS order_id, {sums}, {counts} AS counts"
        f" FROM sales_order o {join} WHERE {' AND '.join(where)}"
    )


def _as_long_before(first: date, end: date) -> date:
    """The first day of the period of the same length right before; the first day of all where that lies further back."""
    try:
        return first - (end - first)
    except OverflowError:
        return date.min


def _readable(s: Statement, viewer: Viewer, record: str, alias: str) -> str:
    scope = may_read_profit(viewer, record)
    if scope is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    return owned(s, viewer, catalogue().record(record), alias, scope) or "TRUE"


def _key_before(question: ProfitQuestion) -> str:
    unit = _UNITS.get(question.by)
    return f"(key + interval '1 {unit}')::date" if unit else "key"


def _counts_before(question: ProfitQuestion) -> str:
    if question.by in _UNITS:
        return "TRUE"
    return "FALSE" if question.first is None else "NOT counts"


def _name(s: Statement, viewer: Viewer, by: str) -> tuple[str, str]:
    """What a group is called, and the join that it takes."""
    if by == ORDER:
        return "r.number", "LEFT JOIN sales_order r ON r.id = n.key"
    if by not in {CUSTOMER, PRODUCT}:
        return "NULL::text", ""
    record = by.lower()
    seen = visible(s, viewer, catalogue().record(record), "r") or "TRUE"
    return f"CASE WHEN {seen} THEN r.name END", f"LEFT JOIN {record} r ON r.id = n.key"


def _sort_keys(question: ProfitQuestion) -> list[SortKey]:
    if question.by in _UNITS:
        return [_key("key", "date", descending=True)]
    last = _key("key", "uuid")
    match question.order:
        case "LEAST_PROFIT":
            return [_key("profit", "bigint", nullable=True), last]
        case "MOST_SALES":
            return [_key("sales", "bigint", descending=True), last]
    return [_key("profit", "bigint", descending=True, nullable=True), last]


def _key(name: str, cast: str, *, descending: bool = False, nullable: bool = False) -> SortKey:
    return SortKey(f"n.{name}", cast, descending, nulls_last=True, nullable=nullable, name=name)


def _signature(question: ProfitQuestion) -> str:
    return f"profit {question.by} {question.order}"


def _told(question: ProfitQuestion, row: asyncpg.Record) -> Contribution:
    timely = question.by in _UNITS
    place = [row[key.name] for key in _sort_keys(question)]
    compared = timely or question.first is not None
    return Contribution(
        record_id=None if timely else row["key"],
        begins_on=row["key"] if timely else None,
        name=row["name"],
        sum=_sum(row),
        before=_before(row) if compared else None,
        cursor=write_cursor(_signature(question), place),
    )


def _sum(row: asyncpg.Record, prefix: str = "") -> Sum:
    names = ("sales", "profit", "orders", "unknown_orders")
    return Sum(*(row[prefix + name] for name in names))


def _before(row: asyncpg.Record) -> Sum:
    """What came before; where nothing was sold, nothing was left over either."""
    return _sum(row, "before_") if row["before_orders"] else Sum(0, 0, 0, 0)
