"""What whoever picks up the telephone wants to know at once: what is open with a customer, what it last paid (A10).

Each question is one statement for all customers asked about, however many they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.reading import Compare, Scope, Viewer
from kedang_tenants.reading.filters import condition
from kedang_tenants.reading.masks import column, usable_column, visible, visible_scope
from kedang_tenants.reading.statement import Statement, quoted
from kedang_tenants.service.models import OPEN_STATES
from kedang_tenants.trade.models import CANCELLED, OPEN

MOST_PRICES: Final = 50
# What was last paid is looked for in so many of a customer's latest orders.
_LATEST_ORDERS: Final = 100
_UNDER_WAY: Final = ("PLANNED", "SHIPPED")


@dataclass(frozen=True, slots=True)
class OpenMatters:
    """How much is open with a customer; None where the viewer may not read such things."""

    orders: int | None
    deliveries: int | None
    requests: int | None


@dataclass(frozen=True, slots=True)
class LastPrice:
    """What a customer last paid for one product; ``discount`` is a fraction."""

    product_id: UUID | None
    unit_price: Decimal | None
    currency: str | None
    quantity: Decimal | None
    discount: Decimal | None
    ordered_on: date | None
    order_number: str | None


async def open_matters(
    read: TenantRead, viewer: Viewer, *, customer_ids: Sequence[UUID]
) -> Mapping[UUID, OpenMatters]:
    """What is open with each of these customers, as far as the viewer sees it."""
    statement = Statement()
    counts = ", ".join(
        _count(statement, viewer, record, states, through)
        for record, states, through in (
            ("order", (OPEN,), None),
            ("delivery", _UNDER_WAY, "order"),
            ("service_request", OPEN_STATES, None),
        )
    )
    sql = f"SELECT parent.id, {counts} FROM unnest({statement.bind(list(customer_ids))}::uuid[]) parent(id)"
    rows = await read.fetch(sql, *statement.values)
    return {row[0]: OpenMatters(row[1], row[2], row[3]) for row in rows}


def _count(
    statement: Statement, viewer: Viewer, name: str, states: Sequence[str], through: str | None
) -> str:
    """How many records of a customer, its own or those ``through`` another of its records, are in these states."""
    record = catalogue().record(name)
    if visible_scope(viewer, record) is Scope.NONE:
        return "NULL::int"
    alias = statement.alias()
    source, link = f"{quoted(record.table.name)} {alias}", f"{alias}.customer_id"
    if through is not None:
        between, relation = catalogue().record(through), record.relations[through]
        head = statement.alias()
        source += (
            f" JOIN {quoted(between.table.name)} {head} ON {head}.id = {alias}.{quoted(relation.column)}"
        )
        link = f"{head}.archived_at IS NULL AND {head}.customer_id"
    conditions = [
        f"{link} = parent.id",
        f"{alias}.archived_at IS NULL",
        condition(statement, viewer, record, alias, Compare("state", "in", list(states))),
        visible(statement, viewer, record, alias),
    ]
    return f"(SELECT count(*) FROM {source} WHERE {' AND '.join(filter(None, conditions))})"


async def last_prices(
    read: TenantRead, viewer: Viewer, *, customer_ids: Sequence[UUID], limit: int
) -> Mapping[UUID, tuple[LastPrice, ...]]:
    """What each customer last paid for the products it bought last: at most ``limit``, the latest first.

    Of a product only the latest order counts; cancelled orders do not. The latest hundred orders are
    looked through. Nobody is told of where the viewer may not read orders at all. Raises BadUserInput for a limit outside 1 to 50.
    """
    if not 1 <= limit <= MOST_PRICES:
        raise BadUserInput(msg("Ask for 1 to {limit} prices."), path=("first",), limit=MOST_PRICES)
    prices: dict[UUID, list[LastPrice]] = {customer: [] for customer in customer_ids}
    order, line = catalogue().record("order"), catalogue().record("order_line")
    if Scope.NONE in {visible_scope(viewer, order), visible_scope(viewer, line)}:
        return {}
    statement = Statement()
    sql = _prices_statement(statement, viewer, order, line, list(prices), limit)
    for customer, *values in await read.fetch(sql, *statement.values):
        prices[customer].append(LastPrice(*values))
    return {customer: tuple(found) for customer, found in prices.items()}


def _prices_statement(
    statement: Statement,
    viewer: Viewer,
    order: RecordType,
    line: RecordType,
    customers: list[UUID],
    limit: int,
) -> str:
    def of_order(name: str) -> str:
        return usable_column(statement, viewer, order, "o", order.fields[name])

    def of_line(name: str) -> str:
        return column(statement, viewer, line, "l", line.fields[name])

    latest = [
        "o.customer_id = parent.id",
        "o.archived_at IS NULL",
        condition(statement, viewer, order, "o", Compare("state", "ne", CANCELLED)),
        visible(statement, viewer, order, "o"),
    ]
    lines = ["l.archived_at IS NULL", visible(statement, viewer, line, "l")]
    product, day = (
        usable_column(statement, viewer, line, "l", line.fields["product_id"]),
        of_order("ordered_on"),
    )
    return f"""
SELECT parent.id, last.product_id, last.unit_price, last.currency, last.quantity, last.discount, last.ordered_on,
    last.number
FROM unnest({statement.bind(customers)}::uuid[]) WITH ORDINALITY AS parent(id, n) CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT DISTINCT ON (product_id) {product} AS product_id, {of_line("unit_price")} AS unit_price, o.currency,
            {of_line("quantity")} AS quantity, {of_line("discount")} AS discount, o.ordered_on, o.number,
            o.id AS order_id, l.id AS line_id
        FROM (
            SELECT o.id, {day} AS ordered_on, {of_order("number")} AS number, {of_order("currency")} AS currency
            FROM {quoted(order.table.name)} o WHERE {" AND ".join(filter(None, latest))}
            ORDER BY {day} DESC, o.id DESC LIMIT {_LATEST_ORDERS}
        ) o JOIN {quoted(line.table.name)} l ON l.order_id = o.id AND {" AND ".join(filter(None, lines))}
        ORDER BY product_id, o.ordered_on DESC, o.id DESC, l.id DESC
    ) each ORDER BY each.ordered_on DESC, each.order_id DESC, each.line_id DESC LIMIT {statement.bind(limit)}
) last ORDER BY parent.n, last.ordered_on DESC, last.order_id DESC, last.line_id DESC"""
