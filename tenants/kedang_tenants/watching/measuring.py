"""Measuring customers for the watch list: one statement over any number of them (A18).

Sales and arrears are what ``trade.facts`` says they are, satisfaction is the measure of grades. Unknown is not zero: without sales before there is no trend,
without answers no satisfaction, and who never bought is not silent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.database import TenantRead
from kedang_platform.money import minor_digits
from kedang_tenants.grading.falling import fallen
from kedang_tenants.surveys.measures import ANSWERS, SATISFACTION
from kedang_tenants.trade.facts import arrears, growth, sales, sales_within
from kedang_tenants.watching.models import BEST, RISK
from kedang_tenants.watching.reasons import (
    ARREARS,
    CREDIT_DROP,
    DISSATISFIED,
    GRADE_FALL,
    INSOLVENCY,
    SALES_FALL,
    SALES_RISE,
    SATISFIED,
    SILENCE,
    TOP_SALES,
    Reason,
)
from kedang_tenants.watching.rule import Thresholds

# $1 customers, $2 the day, $3 the currency, $4 the months of the trend, $5 the least sales of these, $6 the sales of a year
# from which on one is among the best, or null, $7 the zone, $8 the days since which a
# grade may have fallen, or null.
_SATISFACTION: Final = SATISFACTION.value.format(satisfaction="sum(a.satisfaction)", answers="sum(a.answers)")
_FIRST: Final = "(SELECT ($2::date - make_interval(months => $4::int))::date)"
_EARLIER: Final = "(SELECT ($2::date - make_interval(months => 2 * $4::int))::date)"
_YEAR: Final = "(SELECT ($2::date - interval '1 year')::date)"
_TRADED: Final = sales_within(
    {"now": (_FIRST, "$2::date"), "before": (_EARLIER, _FIRST), "year": (_YEAR, "$2::date")},
    end="$2::date",
    currency="$3",
    where="o.customer_id = ANY($1::uuid[])",
)
_ANSWERED: Final = f"""
SELECT a.customer_id, {_SATISFACTION} AS mean FROM ({ANSWERS.sql}) a
WHERE a.customer_id = ANY($1::uuid[]) AND a.day >= {_YEAR} GROUP BY a.customer_id
"""
_FALLEN_SINCE: Final = "(SELECT ($2::date - $8::int)::timestamp AT TIME ZONE $7)"


def _standing(alias: str, side: str) -> str:
    """The columns of the open entry at one end: its id, all of its reasons, when they were looked at."""
    name = side.lower()
    reasons = f"{alias}.reasons || coalesce({alias}.withheld, '{{}}')"
    return f"{alias}.id AS {name}, {reasons} AS {name}_reasons, {alias}.seen_on AS {name}_seen"


_MEASURED: Final = f"""
SELECT c.id, c.owner_id, c.insolvency, c.credit_rating, c.credit_before, $2::date - c.credit_dropped_on AS dropped_days,
       CASE WHEN greatest(s.now, s.before) >= $5::bigint THEN {growth(now="s.now", before="s.before")} END AS trend,
       s.year, $6::bigint IS NOT NULL AND s.year > 0 AND s.year >= $6::bigint AS top,
       a.overdue, a.oldest_days, f.code AS grade, f.position AS grade_position, f.before AS grade_before, m.mean AS satisfaction,
       CASE WHEN s.last_on IS NOT NULL
            THEN $2::date - greatest(s.last_on, (c.last_contact_at AT TIME ZONE $7)::date) END AS silent_days,
       {_standing("r", RISK)}, {_standing("b", BEST)}
FROM customer c
LEFT JOIN ({_TRADED}) s ON s.customer_id = c.id
LEFT JOIN ({arrears(day="$2::date", currency="$3", where="i.customer_id = ANY($1::uuid[])")}) a ON a.customer_id = c.id
LEFT JOIN ({_ANSWERED}) m ON m.customer_id = c.id
LEFT JOIN ({fallen(since=_FALLEN_SINCE, where="g.customer_id = ANY($1::uuid[])")}) f ON f.customer_id = c.id
LEFT JOIN watch_entry r ON r.customer_id = c.id AND r.side = '{RISK}' AND r.ended_on IS NULL AND r.archived_at IS NULL
LEFT JOIN watch_entry b ON b.customer_id = c.id AND b.side = '{BEST}' AND b.ended_on IS NULL AND b.archived_at IS NULL
WHERE c.id = ANY($1::uuid[]) AND c.archived_at IS NULL
ORDER BY c.id
"""
_TOP: Final = f"""
SELECT s.sales FROM ({sales(first="($1::date - interval '1 year')::date", end="$1::date", currency="$2")}) s
JOIN customer c ON c.id = s.customer_id AND c.archived_at IS NULL
ORDER BY s.sales DESC OFFSET $3 - 1 LIMIT 1
"""


async def top_sales(read: TenantRead, thresholds: Thresholds, *, day: date, currency: str) -> int | None:
    """The sales of the year before ``day`` from which on a customer is among the best; None: nobody is looked at."""
    top = thresholds.best["top"]
    if top is None:
        return None
    floor: int | None = await read.fetchval(_TOP, day, currency, int(top))
    return 1 if floor is None else floor  # fewer buy than there are places


async def measure(
    read: TenantRead,
    customers: Sequence[UUID],
    thresholds: Thresholds,
    *,
    day: date,
    currency: str,
    top: int | None,
    zone: str,
) -> list[asyncpg.Record]:
    """A row for each of these customers who is living, with its figures and its open entries."""
    least = thresholds.least_sales * 10 ** minor_digits(currency)
    fallen_within = thresholds.risk["grade_fall_days"]
    return await read.fetch(
        _MEASURED, list(customers), day, currency, thresholds.months, least, top, zone, fallen_within
    )


def reasons_of(row: Mapping[str, object], thresholds: Thresholds, side: str) -> dict[str, Reason]:
    """Why this customer belongs to an end of the list, by the names of the reasons; empty where it does not.

    A coming insolvency is enough by itself.
    """
    limits = thresholds.risk if side == RISK else thresholds.best
    found = _risks(row, limits) if side == RISK else _merits(row, limits)
    enough = len(found) >= (limits["reasons"] or 1) or INSOLVENCY in found
    return found if enough else {}


def _risks(row: Mapping[str, object], limits: Mapping[str, float | None]) -> dict[str, Reason]:
    found = {
        SALES_FALL: _reason(row["trend"], limits["sales_fall"], falls=True),
        ARREARS: _reason(row["oldest_days"], limits["arrears_days"], amount=row["overdue"]),
        DISSATISFIED: _reason(row["satisfaction"], limits["satisfaction"], at_most=True),
        SILENCE: _reason(row["silent_days"], limits["silent_days"]),
    }
    limit, days = limits["credit_drop_days"], row["dropped_days"]
    if limit is not None and isinstance(days, int) and days <= limit and row["credit_before"] is not None:
        found[CREDIT_DROP] = Reason(row["credit_rating"], row["credit_before"])
    if row["grade_before"] is not None:
        found[GRADE_FALL] = Reason(row["grade"], row["grade_before"], rank=row["grade_position"])
    if row["insolvency"] is not None:
        found[INSOLVENCY] = Reason(row["insolvency"], None)
    return {name: reason for name, reason in found.items() if reason is not None}


def _merits(row: Mapping[str, object], limits: Mapping[str, float | None]) -> dict[str, Reason]:
    found = {
        TOP_SALES: Reason(row["year"], limits["top"]) if row["top"] else None,
        SALES_RISE: _reason(row["trend"], limits["sales_rise"]),
        SATISFIED: _reason(row["satisfaction"], limits["satisfaction"]),
    }
    return {name: reason for name, reason in found.items() if reason is not None}


def _reason(
    value: object, limit: float | None, *, falls: bool = False, at_most: bool = False, amount: object = None
) -> Reason | None:
    """The reason, where the value has reached the limit; an unknown value has not."""
    if limit is None or not isinstance(value, int | Decimal):
        return None
    told = -value if falls else value
    reached = told <= limit if at_most else told >= limit
    return Reason(told, limit, amount) if reached else None
