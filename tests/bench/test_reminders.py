"""What the morning costs a company of 500 members in which 100,000 plans are due."""

import time
from datetime import UTC, date, datetime

import pytest

from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.lanes import Limits, hand_out
from kedang_platform.work.runner import JobRunner
from kedang_workers import handlers
from kedang_workers.composition import make_services
from tests.support.workers import run_jobs

pytestmark = pytest.mark.bench

MEMBERS, PLANS = 500, 100_000
FRIDAY = date(2026, 3, 6)
MADE = datetime(2026, 1, 1, tzinfo=UTC)
_MEMBERS = """
INSERT INTO member (id, version, created_at, updated_at, custom, name, email, roles, state, seat, language, department_id)
SELECT gen_random_uuid(), 1, $2, $2, '{}', 'Member ' || n, 'm' || n || '@northwind.example',
       CASE WHEN n % 50 = 0 THEN ARRAY['DEPARTMENT_MANAGER'] ELSE ARRAY['REPRESENTATIVE'] END, 'ACTIVE', 'FULL', 'EN',
       ($3::uuid[])[1 + n / 50]
FROM generate_series(0, $1::int - 1) AS n
"""
_CUSTOMERS = """
INSERT INTO customer (id, version, created_at, updated_at, custom, name, name_sort, directory, state, roles, direct, owner_id)
SELECT gen_random_uuid(), 1, $2, $2, '{}', 'Customer ' || n, 'customer ' || n, 'COMPANY', 'CURRENT', '{}', true,
       (SELECT array_agg(id ORDER BY email) FROM member WHERE email LIKE 'm%@northwind.example')[1 + n % $3::int]
FROM generate_series(0, $1::int - 1) AS n
"""
_PLANS = """
INSERT INTO follow_up_plan (id, version, created_at, updated_at, custom, customer_id, owner_id, due_on, state, origin)
SELECT gen_random_uuid(), 1, $1, $1, '{}', id, owner_id, $2::date - (abs(hashtext(name)) % 30), 'PLANNED', 'MANUAL'
FROM customer
"""


@pytest.fixture
async def crowd(shop):
    units = [await shop.create("department", name=f"Department {n}") for n in range(MEMBERS // 50)]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch(_MEMBERS, MEMBERS, MADE, units)
        await write.fetch(_CUSTOMERS, PLANS, MADE, MEMBERS)
        await write.fetch(_PLANS, MADE, FRIDAY)
    async with shop.databases.owner() as owner:
        for table in ("member", "customer", "follow_up_plan"):
            await owner.execute(f"ANALYZE {shop.company.ref.schema}.{table}")
    await run_jobs(shop.databases, clock=shop.clock, settings=shop.settings)
    return shop


async def test_the_morning_of_a_large_company(crowd):
    taken = {}
    for kind in ("followups.remind", "followups.escalate"):
        async with crowd.databases.tenant_write(crowd.company.ref) as write:
            await enqueue(write, NewJob(kind, {"date": FRIDAY.isoformat()}))
        started = time.perf_counter()
        await one_job(crowd)
        taken[kind] = time.perf_counter() - started
    told = await crowd.value("SELECT count(*) FROM notice WHERE kind = 'FOLLOW_UPS_DUE'")
    noted = await crowd.value("SELECT count(*) FROM due_escalation")
    print(
        f"\n{told} digests out of {PLANS} plans: {taken['followups.remind']:.2f} s;"
        f" {noted} steps told to superiors: {taken['followups.escalate']:.2f} s"
    )
    assert told == MEMBERS
    assert taken["followups.remind"] < 60


async def one_job(shop):
    """Run what is due now, but not the mails that follow."""
    services = make_services(databases=shop.databases, settings=shop.settings, clock=shop.clock)
    runner = JobRunner(services=services, registry=handlers.load())
    async with shop.databases.control() as tx:
        due = await hand_out(tx, now=shop.clock.now(), limits=Limits(queued=1_000, company=1_000))
    for job in due.jobs:
        await runner.run(job.id, job.attempt)
