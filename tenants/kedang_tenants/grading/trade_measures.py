"""Measures out of trade: sales, orders, recency, growth, profit contribution, arrears (G2)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.grading.measures import (
    BEFORE,
    DAYS,
    LOWER,
    MAX,
    MONEY,
    NUMBER,
    PERCENT,
    PERIOD,
    SUM,
    UNTIL,
    ZERO,
    DatedFacts,
    FactsOfADay,
    Measure,
    register_measure,
)
from kedang_tenants.trade.facts import arrears_as_of, growth, sold

_ANY: Final[frozenset[str]] = frozenset()
_OF_ORDERS: Final = "SELECT DISTINCT customer_id FROM sales_order WHERE id = ANY($1::uuid[])"
_OF_LINES: Final = (
    "SELECT DISTINCT o.customer_id FROM order_line l JOIN sales_order o ON o.id = l.order_id"
    " WHERE l.id = ANY($1::uuid[])"
)

# The total of an order is the sum of its lines, kept right by every write of a line; orders in other currencies
# than the company's do not count.
ORDERS: Final = DatedFacts(
    "ORDERS",
    "SELECT o.customer_id, o.ordered_on AS day, o.ordered_on AS last, o.total AS sales, 1 AS orders, o.profit,"
    " (o.profit IS NULL)::int AS unknown"
    f" FROM sales_order o WHERE {sold('o')} AND o.currency = {{currency}}",
    {"sales": SUM, "orders": SUM, "last": MAX, "profit": SUM, "unknown": SUM},
    events={
        "order.created": _ANY,
        "order.updated": frozenset({"state", "ordered_on"}),
        "order.archived": _ANY,
        "order.restored": _ANY,
        "order_line.created": _ANY,
        "order_line.updated": frozenset({"amount", "profit"}),
        "order_line.archived": _ANY,
        "order_line.restored": _ANY,
    },
    customers_of={"order": _OF_ORDERS, "order_line": _OF_LINES},
)

SALES: Final = register_measure(
    Measure(
        "SALES",
        msg("Sales"),
        MONEY,
        ORDERS,
        "coalesce({sales}, 0)::bigint",
        {"sales": ("sales", PERIOD)},
        periodic=True,
        absent=ZERO,
        beside="ORDERS",
    )
)
register_measure(
    Measure(
        "MONTHLY_SALES",
        msg("Average sales of a month"),
        MONEY,
        ORDERS,
        "round(coalesce({sales}, 0) / {months})::bigint",
        {"sales": ("sales", PERIOD)},
        periodic=True,
        absent=ZERO,
    )
)
register_measure(
    Measure(
        "ORDERS",
        msg("Number of orders"),
        NUMBER,
        ORDERS,
        "coalesce({orders}, 0)::bigint",
        {"orders": ("orders", PERIOD)},
        periodic=True,
        absent=ZERO,
    )
)
register_measure(
    Measure(
        "AVERAGE_ORDER",
        msg("Average order"),
        MONEY,
        ORDERS,
        "round({sales} / nullif({orders}, 0))::bigint",
        {"sales": ("sales", PERIOD), "orders": ("orders", PERIOD)},
        periodic=True,
    )
)
register_measure(
    Measure(
        "RECENCY",
        msg("Days since the last order"),
        DAYS,
        ORDERS,
        "{as_of} - {last}",
        {"last": ("last", UNTIL)},
        better=LOWER,
    )
)
register_measure(
    Measure(
        "GROWTH",
        msg("Growth of sales"),
        PERCENT,
        ORDERS,
        growth(now="coalesce({now}, 0)", before="{before}"),
        {"now": ("sales", PERIOD), "before": ("sales", BEFORE)},
        periodic=True,
    )
)

# A sum over an order whose profit is unknown is unknown; nothing bought is nothing earned.
_PROFIT: Final = "CASE WHEN coalesce({unknown}, 0) = 0 THEN coalesce({profit}, 0)::bigint END"
_RATE: Final = "CASE WHEN {unknown} = 0 AND {sales} > 0 THEN round({profit} * 100.0 / {sales}, 1) END"
register_measure(
    Measure(
        "PROFIT",
        msg("Profit contribution"),
        MONEY,
        ORDERS,
        _PROFIT,
        {"profit": ("profit", PERIOD), "unknown": ("unknown", PERIOD)},
        periodic=True,
        absent=ZERO,
        sensitivity="profit",
    )
)
register_measure(
    Measure(
        "PROFIT_RATE",
        msg("Rate of profit contribution"),
        PERCENT,
        ORDERS,
        _RATE,
        {"profit": ("profit", PERIOD), "unknown": ("unknown", PERIOD), "sales": ("sales", PERIOD)},
        periodic=True,
        sensitivity="profit",
    )
)

# Who was never sent an invoice has no arrears that anybody knows of.
ARREARS: Final = FactsOfADay(
    "ARREARS",
    "SELECT k.customer_id, coalesce(o.overdue, 0)::bigint AS overdue, coalesce(o.oldest_days, 0) AS days FROM"
    " (SELECT DISTINCT n.customer_id FROM invoice n WHERE n.archived_at IS NULL AND n.issued_on <= {as_of}"
    " AND n.currency = {currency} AND n.{asked}) k LEFT JOIN"
    f" ({arrears_as_of(day='{as_of}', currency='{currency}', where='i.{asked}')}) o ON o.customer_id = k.customer_id",
    ("overdue", "days"),
    events={
        "invoice.created": _ANY,
        "invoice.updated": frozenset(
            {"amount", "due_on", "issued_on", "cancelled_on", "paid", "open_amount"}
        ),
        "invoice.archived": _ANY,
        "invoice.restored": _ANY,
        "payment.created": _ANY,
        "payment.updated": frozenset({"amount", "received_on"}),
        "payment.archived": _ANY,
        "payment.restored": _ANY,
    },
    customers_of={
        "invoice": "SELECT DISTINCT customer_id FROM invoice WHERE id = ANY($1::uuid[])",
        "payment": "SELECT DISTINCT i.customer_id FROM payment p JOIN invoice i ON i.id = p.invoice_id"
        " WHERE p.id = ANY($1::uuid[])",
    },
)
register_measure(
    Measure(
        "ARREARS",
        msg("Arrears"),
        MONEY,
        ARREARS,
        "{overdue}",
        {"overdue": ("overdue", UNTIL)},
        better=LOWER,
        sensitivity="credit",
    )
)
register_measure(
    Measure(
        "DAYS_OVERDUE",
        msg("Days overdue of the oldest invoice"),
        DAYS,
        ARREARS,
        "{days}",
        {"days": ("days", UNTIL)},
        better=LOWER,
        sensitivity="credit",
    )
)
