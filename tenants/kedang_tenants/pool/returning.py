"""When a customer returns to the public pool, and why: the one SELECT that stores, sweeps and previews it (A13).

Of the three parts of a rule the earliest counts: no contact for so many days (of the grade's level, else of the
rule), a contract that ended so many days ago, no deal for so many months. Each counts from the assignment to the
present owner where nothing happened since. Nothing returns before its owner has been warned for as long as the rule
says, so that a new rule takes nobody by surprise. What is protected does not return at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from kedang_platform.database import TenantRead, TenantWrite
from kedang_tenants.pool.rule import PoolRule
from kedang_tenants.reading.statement import Statement
from kedang_tenants.trade.facts import sold

# A contract whose last day has passed protects nobody, whether or not somebody has noted its end.
_IN_FORCE: Final = "k.state = 'IN_FORCE' AND (k.ends_on IS NULL OR k.ends_on >= {today})"
# Orders of a year far away are slips of the pen; what is counted from them has to stay a day.
_FAR: Final = "'9000-01-01'::date"
_OVER_ON: Final = """CASE WHEN k.state = 'TERMINATED' THEN k.terminated_on
    WHEN k.state = 'ENDED' OR (k.state = 'IN_FORCE' AND k.ends_on < {today}) THEN k.ends_on END"""

# Who opens a demand waits for the customer; who signs a contract or opens a demand again, for its row.
_HOLD: Final = (
    "SELECT id FROM demand WHERE customer_id = ANY($1::uuid[]) ORDER BY id FOR SHARE",
    "SELECT id FROM contract WHERE customer_id = ANY($1::uuid[]) ORDER BY id FOR SHARE",
)


def returns(
    statement: Statement,
    rule: PoolRule,
    *,
    today: date,
    zone: str,
    customer_ids: Sequence[UUID] | None = None,
) -> str:
    """SELECT of every living customer that somebody has, or of those of ``customer_ids``, and of all with a stored day.

    Columns: ``id``, ``owner_id``, what is stored (``stored_on``, ``stored_why``, ``stored_warned``), ``protected``,
    and what is right: ``return_on``, ``why``, ``warned_on`` (NULL where the warning counts no more).
    """
    day, tz = f"{statement.bind(today)}::date", f"{statement.bind(zone)}::text"
    ids = f"{statement.bind(list(customer_ids))}::uuid[]" if customer_ids is not None else None
    days = [statement.bind(number or None) for number in (rule.no_contact_days, rule.contract_ended_days)]
    months, warn = statement.bind(rule.no_deal_months), statement.bind(rule.warn_days or 0)
    of = f"AND customer_id = ANY({ids})" if ids else ""
    which = f"c.id = ANY({ids})" if ids else "TRUE"
    kept = "c.archived_at IS NULL AND c.owner_id IS NOT NULL" if rule.returns else "FALSE"
    return f"""
SELECT f.id, f.owner_id, f.pool_return_on AS stored_on, f.pool_return_why AS stored_why,
       f.pool_warned_on AS stored_warned, f.protected,
       CASE WHEN f.due IS NOT NULL THEN greatest(f.due, coalesce(f.pool_warned_on, {day}) + {warn}::int) END AS return_on,
       CASE f.due WHEN f.by_contact THEN 'NO_CONTACT' WHEN f.by_contract THEN 'CONTRACT_ENDED'
                  WHEN f.by_deal THEN 'NO_DEAL' END AS why,
       CASE WHEN f.due <= {day} + {warn}::int THEN f.pool_warned_on END AS warned_on
FROM (
    SELECT p.*, CASE WHEN p.kept AND NOT p.protected THEN least(p.by_contact, p.by_contract, p.by_deal) END AS due
    FROM (
        SELECT c.id, c.owner_id, c.pool_return_on, c.pool_return_why, c.pool_warned_on, ({kept}) AS kept,
               (c.hot_since IS NOT NULL OR coalesce(l.pool_protected, FALSE) OR d.customer_id IS NOT NULL
                OR coalesce(k.in_force, FALSE)) AS protected,
               greatest((c.last_contact_at AT TIME ZONE {tz})::date, a.assigned)
                   + coalesce(l.pool_after_days, {days[0]}::int) AS by_contact,
               CASE WHEN k.over_on IS NOT NULL THEN greatest(k.over_on, a.assigned) + {days[1]}::int END AS by_contract,
               (least(greatest(o.last_on, k.signed_on, w.won_on, a.assigned), {_FAR})
                   + make_interval(months => {months}::int))::date AS by_deal
        FROM customer c
        CROSS JOIN LATERAL (
            SELECT coalesce(c.assigned_on, (c.created_at AT TIME ZONE {tz})::date) AS assigned
        ) a
        LEFT JOIN grade_level l ON l.id = c.grade_level_id
        LEFT JOIN (
            SELECT DISTINCT customer_id FROM demand WHERE state = 'OPEN' AND archived_at IS NULL {of}
        ) d ON d.customer_id = c.id
        LEFT JOIN (
            SELECT k.customer_id, bool_or({_IN_FORCE.format(today=day)}) AS in_force,
                   max({_OVER_ON.format(today=day)}) AS over_on,
                   max(k.signed_on) FILTER (WHERE k.state <> 'DRAFT') AS signed_on
            FROM contract k WHERE k.archived_at IS NULL {of} GROUP BY k.customer_id
        ) k ON k.customer_id = c.id
        LEFT JOIN (
            SELECT o.customer_id, max(o.ordered_on) AS last_on FROM sales_order o
            WHERE {sold()} AND {months}::int IS NOT NULL {of} GROUP BY o.customer_id
        ) o ON o.customer_id = c.id
        LEFT JOIN (
            SELECT customer_id, max(closed_on) AS won_on FROM demand
            WHERE state = 'WON' AND archived_at IS NULL AND {months}::int IS NOT NULL {of} GROUP BY customer_id
        ) w ON w.customer_id = c.id
        WHERE {which} AND ({kept} OR c.pool_return_on IS NOT NULL)
    ) p
) f
"""


async def hold_protection(write: TenantWrite, customer_ids: Sequence[UUID]) -> None:
    """Hold what protects customers that are locked, so that it does not change after they were judged."""
    for hold in _HOLD:
        await write.fetch(hold, customer_ids)


async def plan_for_many(read: TenantRead) -> None:
    """Have the statements of this transaction planned by the ids that they are given.

    A plan that is kept for any number of ids expects ten, and joins thousands of them by nested loops.
    """
    await read.fetch("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")


def differs() -> str:
    """The condition over the rows of ``returns``, called ``r``, that something else is stored than what is right."""
    return "(r.stored_on, r.stored_why, r.stored_warned) IS DISTINCT FROM (r.return_on, r.why, r.warned_on)"
