"""Buying cycles (P9): at which interval customers buy, when the next purchase is expected, who has fallen silent,
and what is bought along with what.
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

MOST_ROWS: Final = 250


@dataclass(frozen=True, slots=True)
class CycleQuestion:
    """Of which customer, of each of its products apart or of all together, and only of those that are silent."""

    customer_id: UUID | None = None
    by_product: bool = False
    silent: bool = False
    limit: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Cycle:
    """At which interval a customer buys (a product). Days between two days of purchase that follow each other.

    ``lower`` and ``upper`` are the quartiles; what is expected is None below three days of purchase.
    ``late_days`` counts from the end of the band to today, 0 before; None where nothing is expected.
    """

    customer_id: UUID
    product_id: UUID | None
    purchases: int
    last_on: date
    median: Decimal | None
    lower: Decimal | None
    upper: Decimal | None
    expected_on: date | None
    expected_from: date | None
    expected_until: date | None
    late_days: int | None
    cursor: str


@dataclass(frozen=True, slots=True)
class Cycles:
    """A page of cycles, what is expected first first; what is not expected at all comes last."""

    rows: tuple[Cycle, ...]
    has_next: bool


async def buying_cycles(
    read: TenantRead, viewer: Viewer, question: CycleQuestion, *, clock: Clock
) -> Cycles | None:
    """Cycles by the orders that the viewer may read; None where the customer is not there for them.

    Silent is a customer whose band has ended before today. Raises Forbidden, BadUserInput, BadCursor.
    """
    if not 0 <= question.limit <= MOST_ROWS:
        raise BadUserInput(
            msg("A page holds between 0 and {limit} records."), path=("first",), limit=MOST_ROWS
        )
    if question.customer_id is not None and not await _is_seen(
        read, viewer, "customer", question.customer_id
    ):
        return None
    today = viewer.today(clock)
    statement, sql = _statement(viewer, question, today)
    rows = await read.fetch(sql, *statement.values)
    found = tuple(_told(question, row, today) for row in rows[: question.limit])
    return Cycles(found, len(rows) > question.limit)


def _statement(viewer: Viewer, question: CycleQuestion, today: date) -> tuple[Statement, str]:
    s = Statement()
    day = s.bind(today)
    where = [_readable(s, viewer, "order", "o")]
    if question.by_product:
        where.append(_readable(s, viewer, "order_line", "l"))
    if question.customer_id is not None:
        where.append(f"o.customer_id = {s.bind(question.customer_id)}::uuid")
    cycles = facts.buying_intervals(
        end=f"({day}::date + 1)", where=" AND ".join(where), by_product=question.by_product
    )
    keys = _keys(question)
    conditions = ["c.archived_at IS NULL", visible(s, viewer, catalogue().record("customer"), "c") or "TRUE"]
    if question.silent:
        conditions.append(f"f.expected_until < {day}::date")
    if question.after is not None:
        place = read_cursor(question.after, _signature(question), keys)
        conditions.append(beyond(s, keys, place, backward=False))
    return (
        s,
        f"""
SELECT f.* FROM ({cycles}) f JOIN customer c ON c.id = f.customer_id
WHERE {" AND ".join(conditions)}
ORDER BY {order_clause(keys, backward=False)} LIMIT {s.bind(question.limit + 1)}::int
""",
    )


def _readable(s: Statement, viewer: Viewer, record: str, alias: str) -> str:
    scope = viewer.on(record).read
    if scope is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    return owned(s, viewer, catalogue().record(record), alias, scope) or "TRUE"


async def _is_seen(read: TenantRead, viewer: Viewer, record: str, record_id: UUID) -> bool:
    s, kind = Statement(), catalogue().record(record)
    where = f"t.id = {s.bind(record_id)}::uuid"
    seen = visible(s, viewer, kind, "t") or "TRUE"
    return bool(
        await read.fetchval(f"SELECT TRUE FROM {kind.table.name} t WHERE {where} AND {seen}", *s.values)
    )


def _keys(question: CycleQuestion) -> list[SortKey]:
    first = SortKey(
        "f.expected_on", "date", descending=False, nulls_last=True, nullable=True, name="expected_on"
    )
    names = ("customer_id", "product_id") if question.by_product else ("customer_id",)
    return [first, *(SortKey(f"f.{name}", "uuid", False, True, False, name) for name in names)]


def _signature(question: CycleQuestion) -> str:
    return f"cycles {question.by_product}"


def _told(question: CycleQuestion, row: asyncpg.Record, today: date) -> Cycle:
    until = row["expected_until"]
    place = [row[key.name] for key in _keys(question)]
    return Cycle(
        customer_id=row["customer_id"],
        product_id=row["product_id"] if question.by_product else None,
        purchases=row["purchases"],
        last_on=row["last_on"],
        median=row["median"],
        lower=row["lower"],
        upper=row["upper"],
        expected_on=row["expected_on"],
        expected_from=row["expected_from"],
        expected_until=until,
        late_days=None if until is None else max(0, (today - until).days),
        cursor=write_cursor(_signature(question), place),
    )


@dataclass(frozen=True, slots=True)
class Companion:
    """A product that is bought by those who buy another: fractions of 1, rounded to 6 digits.

    ``support`` is the share of all buying customers who buy both, ``confidence`` the share of those who buy the other
    one, ``lift`` how many times as often as by chance: above 1 they go together.
    """

    product_id: UUID
    customers: int
    support: Decimal
    confidence: Decimal
    lift: Decimal


MOST_COMPANIONS: Final = 50
FEWEST_TOGETHER: Final = 2
"""Customers who must have bought both, so that one alone makes no rule."""


async def cross_selling(
    read: TenantRead, viewer: Viewer, *, product_id: UUID, days: int = 365, clock: Clock
) -> tuple[Companion, ...] | None:
    """What goes along with a product in the last ``days``, by lift, at most ``MOST_COMPANIONS``.

    By the orders that the viewer may read; None where the product is not there for them. Raises Forbidden.
    """
    if not 1 <= days <= 3_660:
        message = msg("This must lie between {minimum} and {maximum}.")
        raise BadUserInput(message, path=("days",), minimum=1, maximum=3_660)
    if not await _is_seen(read, viewer, "product", product_id):
        return None
    s = Statement()
    today = viewer.today(clock)
    readable = f"{_readable(s, viewer, 'order', 'o')} AND {_readable(s, viewer, 'order_line', 'l')}"
    since, until = s.bind(today - timedelta(days=days)), s.bind(today)
    product = s.bind(product_id)
    rows = await read.fetch(
        f"""
WITH bought AS (
    SELECT DISTINCT o.customer_id, l.product_id
    FROM sales_order o JOIN order_line l ON l.order_id = o.id AND l.archived_at IS NULL
    WHERE {facts.sold()} AND o.ordered_on > {since}::date AND o.ordered_on <= {until}::date AND {readable}
), buyers AS (SELECT customer_id FROM bought WHERE product_id = {product}::uuid),
counted AS (
    SELECT product_id, count(*)::numeric AS customers,
           count(*) FILTER (WHERE customer_id IN (SELECT customer_id FROM buyers))::numeric AS together
    FROM bought GROUP BY product_id
), sizes AS (
    SELECT (SELECT count(DISTINCT customer_id) FROM bought)::numeric AS everybody,
           (SELECT count(*) FROM buyers)::numeric AS buyers
)
SELECT k.product_id, k.together::bigint AS customers, round(k.together / z.everybody, 6) AS support,
       round(k.together / z.buyers, 6) AS confidence,
       round(k.together * z.everybody / (z.buyers * k.customers), 6) AS lift
FROM counted k CROSS JOIN sizes z
WHERE k.product_id <> {product}::uuid AND k.together >= {FEWEST_TOGETHER}
ORDER BY lift DESC, k.together DESC, k.product_id LIMIT {MOST_COMPANIONS}
""",
        *s.values,
    )
    return tuple(Companion(*row) for row in rows)
