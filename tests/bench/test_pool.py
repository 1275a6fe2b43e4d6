"""A night of the public pool of a large company: all days renewed, a tenth of the customers returned."""

import time
from datetime import UTC, datetime

import pytest

from kedang_platform.work import NewJob, enqueue
from kedang_tenants.pool.rule import KIND
from kedang_tenants.rules import establish
from kedang_workers import handlers
from tests.bench.test_reminders import one_job

pytestmark = pytest.mark.bench

CUSTOMERS, MEMBERS = 100_000, 50
MADE = datetime(2025, 1, 1, tzinfo=UTC)
_MEMBERS = """
INSERT INTO member (id, version, created_at, updated_at, custom, name, email, roles, state, seat, language)
SELECT gen_random_uuid(), 1, $2, $2, '{}', 'Member ' || n, 'm' || n || '@northwind.example', ARRAY['REPRESENTATIVE'],
       'ACTIVE', 'FULL', 'EN'
FROM generate_series(1, $1::int) AS n
RETURNING id
"""
# Two in ten were not contacted for long; half of these are protected, by a demand, a contract or a hot mark.
_CUSTOMERS = """
INSERT INTO customer (id, version, created_at, updated_at, custom, name, name_sort, directory, state, roles, direct, owner_id,
                      assigned_on, last_contact_at, pool_return_on, pool_return_why, pool_warned_on, hot_since)
SELECT gen_random_uuid(), 1, $3, $3, '{}', 'Customer ' || n, 'customer ' || n, 'COMPANY', 'CURRENT', '{}', true,
       ($2::uuid[])[1 + n % cardinality($2::uuid[])], '2025-01-01',
       CASE WHEN n % 10 < 2 THEN '2025-06-01T12:00Z'::timestamptz ELSE '2026-02-20T12:00Z' END,
       CASE WHEN n % 10 < 2 THEN '2025-07-31'::date ELSE '2026-04-21' END, 'NO_CONTACT',
       CASE WHEN n % 10 < 2 THEN '2025-07-24'::date END, CASE WHEN n % 30 = 1 THEN '2026-01-05'::date END
FROM generate_series(0, $1::int - 1) AS n
"""
_DEMANDS = """
INSERT INTO demand (id, version, created_at, updated_at, custom, customer_id, title, stage, state)
SELECT gen_random_uuid(), 1, $1, $1, '{}', id, 'Demand', 'CONTACT', 'OPEN' FROM customer
WHERE substr(name, 10)::int % 30 = 11
"""
_CONTRACTS = """
INSERT INTO contract (id, version, created_at, updated_at, custom, customer_id, number, title, kind, state, signed_on, starts_on)
SELECT gen_random_uuid(), 1, $1, $1, '{}', id, name, 'Contract', 'SALES', 'IN_FORCE', '2025-01-01', '2025-01-01' FROM customer
WHERE substr(name, 10)::int % 30 = 21
"""
_ORDERS = """
INSERT INTO sales_order (id, version, created_at, updated_at, custom, number, customer_id, ordered_on, state, currency, total)
SELECT gen_random_uuid(), 1, $1, $1, '{}', n || c.name, c.id, '2025-03-01'::date + n * 30, 'OPEN', 'USD', 1000
FROM customer c CROSS JOIN generate_series(1, 3) AS n
"""


async def test_a_night_in_which_a_tenth_returns(shop):
    """Renewing, warning and returning 10,000 of 100,000 customers, with history and audit (<= 10 s)."""
    viewer = await shop.product()
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("SELECT set_config('statement_timeout', '900s', true)")
        members = [row["id"] for row in await write.fetch(_MEMBERS, MEMBERS, MADE)]
        await write.fetch(_CUSTOMERS, CUSTOMERS, members, MADE)
        for statement in (_DEMANDS, _CONTRACTS, _ORDERS):
            await write.fetch(statement, MADE)
        content = {"noContactDays": 60, "contractEndedDays": 90, "noDealMonths": 24, "warnDays": 7}
        await establish(write, viewer, kind=KIND, content=content, clock=shop.clock)
    async with shop.databases.owner() as owner:
        for table in ("member", "customer", "demand", "contract", "sales_order"):
            await owner.execute(f"ANALYZE {shop.company.ref.schema}.{table}")
        await owner.execute("DELETE FROM work.job")  # nothing but what is measured
    handlers.load()
    taken = {}
    for kind in ("pool.nightly", "pool.sweep"):
        async with shop.databases.owner() as owner:
            await owner.execute("DELETE FROM work.job")
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await enqueue(write, NewJob(kind))
        started = time.perf_counter()
        await one_job(shop)
        taken[kind] = time.perf_counter() - started
    returned = await shop.value("SELECT count(*) FROM customer WHERE pool_since IS NOT NULL")
    print(
        f"\n{returned:,} of {CUSTOMERS:,} customers returned: days renewed in {taken['pool.nightly']:.1f} s,"
        f" returned with history and audit in {taken['pool.sweep']:.1f} s, together {sum(taken.values()):.1f} s (<= 10)"
    )
    assert returned == CUSTOMERS // 10
    assert await shop.value("SELECT count(*) FROM pool_move WHERE kind = 'RECYCLED'") == returned
    assert await shop.value("SELECT count(*) FROM audit WHERE action = 'customer.recycled'") == returned
    assert (
        await shop.value("SELECT count(*) FROM customer WHERE hot_since IS NOT NULL AND owner_id IS NULL")
        == 0
    )
