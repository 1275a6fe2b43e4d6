"""Every night: owners are warned of what returns soon, and what is due returns to the public pool (A13)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.work.parts import Part
from kedang_tenants.people.dues import DueSource, due_source
from kedang_tenants.people.notices import POOL
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.pool.models import RECYCLED
from kedang_tenants.pool.moving import Move, put_in
from kedang_tenants.pool.renewing import store
from kedang_tenants.pool.returning import hold_protection, plan_for_many, returns
from kedang_tenants.pool.rule import pool_rule
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.statement import Statement

SWEEP: Final = "pool.sweep"
"""The kind of job that does it."""
CHUNK: Final = 1_000
"""Customers that one step looks at."""
LISTED: Final = 20
"""Customers that a notice names; it counts the others."""

_WARNED: Final = msg("{count} of your customers return to the public pool soon")
_WARNED_BODY: Final = msg(
    "Without contact, contract or deal these return to the public pool, the first on {day}: {names}"
)
_RETURNED: Final = msg("{count} of your customers have returned to the public pool")
_RETURNED_BODY: Final = msg("They returned by the company's rule: {names}")

_SOON: Final = """
UPDATE customer c SET pool_warned_on = $1::date
FROM (
    SELECT id FROM customer
    WHERE pool_return_on <= $1::date + $2::int AND pool_warned_on IS NULL
      AND owner_id IS NOT NULL AND archived_at IS NULL
    ORDER BY id FOR NO KEY UPDATE
) soon
WHERE c.id = soon.id RETURNING c.id, c.name, c.owner_id, c.restricted, c.pool_return_on
"""
_DUE: Final = """
SELECT id FROM customer
WHERE pool_return_on <= $1 AND owner_id IS NOT NULL AND archived_at IS NULL AND ($2::uuid IS NULL OR id > $2)
ORDER BY id LIMIT $3 FOR NO KEY UPDATE
"""
# At the others somebody enters something at this moment, perhaps a demand. Waiting for that could end in a circle.
_QUIET: Final = "SELECT id FROM customer WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED"
POOL_RETURN: Final = due_source(
    DueSource(
        name="customer.pool_return",
        record="customer",
        reason=msg("make contact, or the customer returns to the public pool"),
        rule=msg("Rule of the public pool: without contact, contract or deal a customer returns"),
        select="""
SELECT c.owner_id, c.id, c.id, c.pool_return_on, NULL::jsonb, NULL::jsonb, 20
FROM customer c
WHERE c.pool_return_on IS NOT NULL AND c.pool_warned_on IS NOT NULL AND c.archived_at IS NULL AND c.owner_id IS NOT NULL
""",
        escalates=False,
    )
)


async def warn(write: TenantWrite, viewer: Viewer, *, clock: Clock) -> int:
    """Tell owners what returns within the days of the rule and was not told yet; of how many customers.

    From this day on the days of warning count.
    """
    rule = await pool_rule(write)
    if not rule.returns or not rule.warn_days:
        return 0
    today = viewer.today(clock)
    rows = await write.fetch(_SOON, today, rule.warn_days)
    await tell(write, viewer, _tellings(rows, f"pool-warning:{today}", _WARNED, _WARNED_BODY), clock=clock)
    return len(rows)


async def count_due(read: TenantRead, viewer: Viewer, *, clock: Clock) -> int:
    """How many customers are due to return."""
    statement = "SELECT count(*) FROM customer WHERE pool_return_on <= $1 AND archived_at IS NULL"
    return int(await read.fetchval(statement, viewer.today(clock)))


async def sweep_part(write: TenantWrite, viewer: Viewer, *, after: UUID | None, clock: Clock) -> Part:
    """Return those of the next ``CHUNK`` due customers behind ``after`` that the rule still returns now.

    They are locked first and judged anew then: what became protected meanwhile stays, and gets its right day. A
    customer at which something is being entered waits for the next night.
    """
    rule, today = await pool_rule(write), viewer.today(clock)
    ids = [row["id"] for row in await write.fetch(_DUE, today, after, CHUNK)]
    if not ids:
        return Part(last=None, seen=0, changed=0)
    await plan_for_many(write)
    quiet = [row["id"] for row in await write.fetch(_QUIET, ids)]
    await hold_protection(write, quiet)
    statement = Statement()
    found = returns(statement, rule, today=today, zone=viewer.time_zone, customer_ids=quiet)
    day = statement.bind(today)
    gone = await write.fetch(
        f"SELECT r.id, r.why, c.name, c.restricted, r.owner_id, r.return_on AS pool_return_on"
        f" FROM ({found}) r JOIN customer c ON c.id = r.id WHERE r.return_on <= {day}::date ORDER BY r.id",
        *statement.values,
    )
    moves = [Move(row["id"], row["owner_id"], cause=row["why"]) for row in gone]
    await put_in(write, viewer, moves, kind=RECYCLED, clock=clock)
    await tell(
        write,
        viewer,
        _tellings(gone, f"pool-returned:{today}:{ids[0].hex}", _RETURNED, _RETURNED_BODY),
        clock=clock,
    )
    left = sorted(set(quiet) - {row["id"] for row in gone})
    await store(write, viewer, rule, left, clock=clock)
    return Part(last=ids[-1] if len(ids) == CHUNK else None, seen=len(ids), changed=len(moves))


def _tellings(rows: Sequence[asyncpg.Record], occasion: str, title: str, body: str) -> list[Telling]:
    """One notice an owner; names of restricted archives are left to the archive itself (A11)."""
    by_owner = groupby(sorted(rows, key=_place), key=itemgetter("owner_id"))
    return [_telling(owner, list(own), occasion, title, body) for owner, own in by_owner]


def _place(row: asyncpg.Record) -> tuple[UUID, object, UUID]:
    return row["owner_id"], row["pool_return_on"], row["id"]


def _telling(owner: UUID, own: Sequence[asyncpg.Record], occasion: str, title: str, body: str) -> Telling:
    open_names = [row["name"] for row in own if not row["restricted"]]
    names = ", ".join(open_names[:LISTED]) + (" …" if len(own) > min(LISTED, len(open_names)) else "")
    params = {"count": len(own), "day": own[0]["pool_return_on"].isoformat(), "names": names}
    return Telling(
        kind=POOL, member_id=owner, occasion=occasion, title=title, body=body, params=params,
        details={"count": len(own), "customers": [f"cus_{row['id'].hex}" for row in own[:LISTED] if not row["restricted"]]},
    )  # fmt: skip
