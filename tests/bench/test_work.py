"""What a job costs: asking for it, carrying it out, and waiting behind another company's hundred thousand."""

import statistics
import time

import asyncpg
import pytest
import redis

from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.channels import CHANNELS
from kedang_platform.work.lanes import Limits, hand_out
from kedang_platform.work.wakeup import Waker
from tests.support.database import make_company

pytestmark = pytest.mark.bench

PROCESS = "tests.support.work_process"


@pytest.fixture
async def effects(database_superuser_url):
    """Gives companies a table for the effects of test handlers."""
    owner = await asyncpg.connect(database_superuser_url)
    tables = []

    async def prepare(company):
        tables.append(f"{company.ref.schema}.effect")
        await owner.execute(f"CREATE TABLE {tables[-1]} (what text, by int)")
        await owner.execute(f"GRANT INSERT ON {tables[-1]} TO {company.ref.schema}")
        return company

    yield prepare
    for table in tables:
        await owner.execute(f"DROP TABLE {table}")
    await owner.close()


@pytest.fixture
async def processes(databases, work_processes, work_redis_url, monkeypatch):
    client = redis.Redis.from_url(work_redis_url)
    client.flushdb()
    waker = Waker(work_redis_url)
    monkeypatch.setattr(databases, "wake_relay", waker.wake)
    work_processes.start(PROCESS, "relay")
    work_processes.start(PROCESS, "worker")
    yield work_processes
    work_processes.end_all()
    await waker.close()
    client.flushdb()
    client.close()


async def ask(databases, company, count: int) -> None:
    for _ in range(0, count, 1_000):
        async with databases.tenant_write(company.ref) as write:
            await enqueue(write, *(NewJob("effect", {"what": "x"}) for _ in range(min(count, 1_000))))


async def test_asking_for_a_job_costs_a_fraction_of_a_millisecond(databases, company):
    async def one(jobs: int) -> tuple[float, float]:
        started = time.perf_counter()
        async with databases.tenant_write(company.ref) as write:
            opened = time.perf_counter()
            await write.fetchval("SELECT 1")
            for number in range(jobs):
                await enqueue(write, NewJob("effect", {"what": "customer.created", "number": number}))
            inside = time.perf_counter() - opened
        return inside * 1000, (time.perf_counter() - started) * 1000

    taken = {jobs: [] for jobs in (0, 1)}
    for _ in range(1_000):  # in turn, so that the machine's mood falls on both
        for jobs, samples in taken.items():
            samples.append(await one(jobs))
    inside = [statistics.median(sample[0] for sample in taken[jobs][100:]) for jobs in (0, 1)]
    whole = [statistics.median(sample[1] for sample in taken[jobs][100:]) for jobs in (0, 1)]
    print(
        f"\nenqueue: {inside[1] - inside[0]:.3f} ms in an open transaction;"
        f" transaction {whole[0]:.3f} ms without, {whole[1]:.3f} ms with (median of 900)"
    )
    assert inside[1] - inside[0] <= 0.3


async def test_jobs_a_second_through_relay_and_worker(databases, company, effects, processes):
    count = 5_000
    await effects(company)
    await ask(databases, company, 200)
    await processes.until_idle()
    started = time.perf_counter()
    await ask(databases, company, count)
    asked = time.perf_counter()
    await processes.until_idle(seconds=120)
    took = time.perf_counter() - started
    print(
        f"\nthroughput: {count / took:.0f} jobs/s through one relay and one worker of 4 places"
        f" ({count} jobs asked for in {asked - started:.1f} s, done in {took:.1f} s)"
    )
    assert count / took > 50


async def fill(databases, company, kind: str, count: int, *, payload: str = "{}") -> None:
    """Jobs by the hundred thousand, past ``enqueue``: what is measured is what stands behind them."""
    async with databases.control() as control:
        await control.fetch(
            "INSERT INTO work.job (id, company, tenant, kind, payload)"
            " SELECT gen_random_uuid(), $1, $2, $3, $4 FROM generate_series(1, $5::int)",
            company.ref.id,
            company.ref.schema,
            kind,
            payload,
            count,
        )


async def test_a_small_company_behind_a_hundred_thousand_jobs_of_another(databases, effects, processes):
    big = await effects(await make_company(databases))
    small = [await effects(await make_company(databases, name=f"Small {number}")) for number in range(3)]
    await ask(databases, small[0], 20)
    await processes.until_idle()
    await fill(databases, big, "effect", 100_000, payload='{"what": "x"}')
    for number in range(12):
        company = small[number % 3]
        await ask(databases, company, 1)
        done = f"SELECT bool_and(state = 'done') FROM work.job WHERE tenant = '{company.ref.schema}'"
        await processes.until(done)
    async with databases.control_read() as read:
        left = await read.fetchval("SELECT count(*) FROM work.job WHERE state <> 'done'")
        served = await read.fetch(
            "SELECT extract(epoch FROM finished_at - created_at) * 1000 AS took FROM work.job"
            " WHERE tenant <> $1 ORDER BY id OFFSET 20",
            big.ref.schema,
        )
    took = sorted(float(row["took"]) for row in served)
    print(
        f"\nfairness: a small company's job done after {statistics.median(took):.0f} ms (median of {len(took)},"
        f" worst {took[-1]:.0f} ms), {left} jobs of the big one still waiting"
    )
    assert left > 90_000
    assert took[-1] <= 500


async def test_a_round_past_a_full_channel_with_a_hundred_thousand_jobs_in_it(databases, company):
    limits = Limits(channels={"call": CHANNELS["webhooks"]})
    await fill(databases, company, "call", 100_000)
    rounds = []
    for _ in range(200):
        started = time.perf_counter()
        async with databases.control() as control:
            handed = await hand_out(control, now=None, limits=limits)
        rounds.append((time.perf_counter() - started) * 1000)
    assert handed.more
    print(f"\nround: {statistics.median(rounds):.2f} ms, at worst {max(rounds):.1f} ms, nothing to hand out")
    assert statistics.median(rounds) < 20
