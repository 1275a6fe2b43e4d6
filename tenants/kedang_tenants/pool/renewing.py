"""Keeping the stored day of return right: at once where something happened, every night for all (A13).

The day follows from what is in the audit trail already; storing it is no edit of the customer, whose version stays.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.work.parts import Part
from kedang_tenants.followups.planning import lock_customers
from kedang_tenants.pool.returning import differs, plan_for_many, returns
from kedang_tenants.pool.rule import PoolRule, pool_rule
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.statement import Statement

RENEW: Final = "pool.renew"
"""The kind of job that renews the days of all customers, after a change of the rule or of a level."""
CHUNK: Final = 10_000
"""Customers that one step looks at."""

_FEW: Final = 50
_KEPT: Final = "(owner_id IS NOT NULL AND archived_at IS NULL OR pool_return_on IS NOT NULL)"
_NEXT: Final = f"""
SELECT id FROM customer WHERE {_KEPT} AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2
"""


async def renew(write: TenantWrite, viewer: Viewer, customer_ids: Collection[UUID], *, clock: Clock) -> int:
    """Store when these customers return by the rule in force; how many days moved."""
    return await store(write, viewer, await pool_rule(write), sorted(customer_ids), clock=clock)


async def store(
    write: TenantWrite, viewer: Viewer, rule: PoolRule, customer_ids: Sequence[UUID], *, clock: Clock
) -> int:
    """As ``renew``, by a rule that is known."""
    if not customer_ids:
        return 0
    await lock_customers(write, customer_ids)
    if len(customer_ids) > _FEW:
        await plan_for_many(write)
    statement = Statement()
    found = returns(
        statement, rule, today=viewer.today(clock), zone=viewer.time_zone, customer_ids=customer_ids
    )
    rows = await write.fetch(
        f"""
UPDATE customer c SET pool_return_on = r.return_on, pool_return_why = r.why, pool_warned_on = r.warned_on
FROM ({found}) r WHERE c.id = r.id AND {differs()} RETURNING c.id
""",
        *statement.values,
    )
    return len(rows)


async def count_kept(read: TenantRead) -> int:
    """How many customers a renewal looks at."""
    return int(await read.fetchval(f"SELECT count(*) FROM customer WHERE {_KEPT}"))


async def renew_part(write: TenantWrite, viewer: Viewer, *, after: UUID | None, clock: Clock) -> Part:
    """Move the days of those of the next ``CHUNK`` customers behind ``after`` of whom another is stored.

    Most nights these are few: only they are locked. Repeating it changes nothing.
    """
    rule = await pool_rule(write)
    await plan_for_many(write)
    ids = [row["id"] for row in await write.fetch(_NEXT, after, CHUNK)]
    statement = Statement()
    found = returns(statement, rule, today=viewer.today(clock), zone=viewer.time_zone, customer_ids=ids)
    rows = await write.fetch(
        f"SELECT r.id FROM ({found}) r WHERE {differs()} ORDER BY r.id", *statement.values
    )
    moved = await store(write, viewer, rule, [row["id"] for row in rows], clock=clock)
    return Part(last=ids[-1] if len(ids) == CHUNK else None, seen=len(ids), changed=moved)
