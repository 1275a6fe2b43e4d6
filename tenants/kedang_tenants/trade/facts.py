"""What counts as sales, profit, arrears and a buying interval: the SQL of it, for whoever needs figures of customers.

Each function gives a SELECT to be put into a statement as a subquery or a CTE. What is compared with (days, a
currency) is given as SQL: a place of a parameter with its type (``$3::date``), or a column of the statement around it
where it stands in a LATERAL join. ``where`` is a further condition, over ``o`` for an order, ``i`` for an invoice,
``q`` for a quotation: ``o.customer_id = ANY($1::uuid[])``.

Periods are half open: from ``first`` to before ``end``. Customers of whom there is nothing have no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ENOUGH_PURCHASES: Final = 3
"""Days of purchase from which on the next purchase is expected (P9)."""


def sold(alias: str = "o") -> str:
    """The condition that an order counts as a purchase: it is neither archived nor cancelled."""
    return f"{alias}.archived_at IS NULL AND {alias}.state <> 'CANCELLED'"


def sales(*, end: str, currency: str, first: str | None = None, where: str = "TRUE") -> str:
    """SELECT of ``customer_id``, ``sales`` and ``profit`` (bigint, minor units of ``currency``), ``orders`` and
    ``unknown_orders`` (bigint), ``first_on`` and ``last_on`` (date); since ever where no ``first`` is said.

    ``profit`` is NULL where the profit of any of the orders is unknown; ``unknown_orders`` says of how many.
    Orders in other currencies do not count.
    """
    return f"""
SELECT o.customer_id, {_SUMS}
FROM sales_order o
WHERE {sold()} AND o.currency = {currency} AND {_within("o.ordered_on", first, end)} AND {where}
GROUP BY o.customer_id
"""


def monthly_sales(*, end: str, currency: str, first: str | None = None, where: str = "TRUE") -> str:
    """The same by month: SELECT of ``customer_id``, ``month`` (date, its first day), and the columns of ``sales``."""
    return f"""
SELECT o.customer_id, date_trunc('month', o.ordered_on::timestamp)::date AS month, {_SUMS}
FROM sales_order o
WHERE {sold()} AND o.currency = {currency} AND {_within("o.ordered_on", first, end)} AND {where}
GROUP BY o.customer_id, date_trunc('month', o.ordered_on::timestamp)
"""


def sales_within(
    periods: Mapping[str, tuple[str, str]], *, end: str, currency: str, where: str = "TRUE"
) -> str:
    """The sales of several periods, each from its first day to before its end, out of one look at the orders.

    SELECT of ``customer_id``, ``last_on`` (date, the last purchase before ``end``, in any currency), and by the name
    of each period its sales as in ``sales`` (bigint; 0 where nothing was sold). All periods end by ``end``.
    """
    sums = "".join(
        f",\n       coalesce(sum(o.total) FILTER (WHERE o.currency = {currency}"
        f" AND {_within('o.ordered_on', first, before)}), 0)::bigint AS {name}"
        for name, (first, before) in periods.items()
    )
    return f"""
SELECT o.customer_id, max(o.ordered_on) AS last_on{sums}
FROM sales_order o
WHERE {sold()} AND o.ordered_on < {end} AND {where}
GROUP BY o.customer_id
"""


def growth(*, now: str, before: str) -> str:
    """By how many percent sales grew from one period to the next, with one place; NULL where nothing was sold before."""
    return f"CASE WHEN {before} > 0 THEN round(({now} - {before}) * 100.0 / {before}, 1) END"


PROFIT_SUM: Final = "CASE WHEN count(*) = count(o.profit) THEN sum(o.profit)::bigint END"
"""The profit of a group of orders ``o``: unknown where that of any is."""
_SUMS: Final = (
    f"sum(o.total)::bigint AS sales, {PROFIT_SUM} AS profit, count(*) AS orders,"
    " count(*) - count(o.profit) AS unknown_orders, min(o.ordered_on) AS first_on, max(o.ordered_on) AS last_on"
)


def profit_rate(*, profit: str, sales: str) -> str:
    """The profit as a fraction of the sales (numeric); NULL where it is unknown or nothing was sold."""
    return f"CASE WHEN {sales} > 0 THEN {profit}::numeric / {sales} END"


def last_purchases(*, end: str, where: str = "TRUE") -> str:
    """SELECT of ``customer_id``, ``order_id``, ``day``: the last purchase of each before ``end``, in any currency."""
    return f"""
SELECT DISTINCT ON (o.customer_id) o.customer_id, o.id AS order_id, o.ordered_on AS day
FROM sales_order o
WHERE {sold()} AND o.ordered_on < {end} AND {where}
ORDER BY o.customer_id, o.ordered_on DESC, o.id DESC
"""


def buying_intervals(*, end: str, where: str = "TRUE", by_product: bool = False) -> str:
    """SELECT of ``customer_id`` (and ``product_id``), ``purchases`` (bigint, days of purchase before ``end``),
    ``last_on``, ``median``, ``lower`` and ``upper`` (numeric, days between two of these days that follow each other,
    with one place after the point; NULL below two), and when the next is expected: ``expected_on``, ``expected_from``
    and ``expected_until`` (date; NULL below ``ENOUGH_PURCHASES``), the last day + median and the two quartiles.
    """
    of = "customer_id, product_id" if by_product else "customer_id"
    days = (
        "SELECT DISTINCT o.customer_id, l.product_id, o.ordered_on FROM sales_order o"
        " JOIN order_line l ON l.order_id = o.id AND l.archived_at IS NULL"
        if by_product
        else "SELECT DISTINCT o.customer_id, o.ordered_on FROM sales_order o"
    )
    return f"""
SELECT {of}, purchases, last_on, median, lower, upper, {_expected("median")} AS expected_on,
       {_expected("lower")} AS expected_from, {_expected("upper")} AS expected_until
FROM (
    SELECT {of}, count(*) AS purchases, max(ordered_on) AS last_on, {_quantile("0.5")} AS median,
           {_quantile("0.25")} AS lower, {_quantile("0.75")} AS upper
    FROM (
        SELECT {of}, ordered_on,
               ordered_on - lag(ordered_on) OVER (PARTITION BY {of} ORDER BY ordered_on) AS days
        FROM ({days} WHERE {sold()} AND o.ordered_on < {end} AND {where}) bought
    ) apart
    GROUP BY {of}
) measured
"""


def _quantile(share: str) -> str:
    return f"round(percentile_cont({share}) WITHIN GROUP (ORDER BY days)::numeric, 1)"


def _expected(days: str) -> str:
    return f"CASE WHEN purchases >= {ENOUGH_PURCHASES} THEN last_on + round({days})::int END"


def arrears(*, day: str, currency: str, where: str = "TRUE") -> str:
    """SELECT of ``customer_id``, ``overdue`` (bigint, what is open of invoices whose last day for payment lies before
    ``day``), ``invoices`` (bigint), ``oldest_due_on`` (date), ``oldest_days`` (integer, from then to ``day``).

    By what is open now: right for today. ``arrears_as_of`` looks back.
    """
    return f"""
SELECT i.customer_id, sum(i.open_amount)::bigint AS overdue, count(*) AS invoices,
       min(i.due_on) AS oldest_due_on, {day} - min(i.due_on) AS oldest_days
FROM invoice i
WHERE i.archived_at IS NULL AND i.open_amount > 0 AND i.due_on < {day} AND i.currency = {currency} AND {where}
GROUP BY i.customer_id
"""


def arrears_as_of(*, day: str, currency: str, where: str = "TRUE") -> str:
    """The same as it stood at the end of ``day``, from the days of payments and cancellations as they are known now."""
    return f"""
SELECT i.customer_id, sum(i.amount - i.got)::bigint AS overdue, count(*) AS invoices,
       min(i.due_on) AS oldest_due_on, {day} - min(i.due_on) AS oldest_days
FROM (
    SELECT i.customer_id, i.due_on, i.amount, coalesce(sum(p.amount), 0) AS got
    FROM invoice i
    LEFT JOIN payment p ON p.invoice_id = i.id AND p.archived_at IS NULL AND p.received_on <= {day}
    WHERE i.archived_at IS NULL AND i.issued_on <= {day} AND i.due_on < {day} AND i.currency = {currency}
      AND (i.cancelled_on IS NULL OR i.cancelled_on > {day}) AND {where}
    GROUP BY i.id
) i
WHERE i.amount > i.got
GROUP BY i.customer_id
"""


def waiting_quotations(*, where: str = "TRUE") -> str:
    """SELECT of ``customer_id``, ``quotation_id``, ``number``, ``owner_id``, ``sent_on``, ``valid_until`` of quotations
    that were sent and not answered.
    """
    return f"""
SELECT q.customer_id, q.id AS quotation_id, q.number, q.owner_id, q.sent_on, q.valid_until
FROM quotation q
WHERE q.state = 'SENT' AND q.archived_at IS NULL AND {where}
"""


def _within(column: str, first: str | None, end: str) -> str:
    return f"{column} < {end}" if first is None else f"{column} >= {first} AND {column} < {end}"
