"""What the wall costs a read, what a sign-up pays for its schema, how long a release takes for 200 companies."""

import os
import statistics
import time

import pytest

from kedang_migrations import rendering
from kedang_migrations.environments import TENANT
from kedang_migrations.rendering import Step
from kedang_migrations.runner import build_spares, migrate, migrate_schemas
from kedang_platform.clock import SystemClock
from kedang_platform.database import Databases
from kedang_platform.database.pools import connect
from kedang_platform.database.provision import provision
from kedang_platform.ids import new_id
from kedang_platform.registry import NewCompany, claim_schema
from kedang_platform.settings import Settings
from tests.support.database import SECRET, new_database

pytestmark = pytest.mark.bench

COMPANIES = 200
ROWS = 1_000
READS = 2_000
RELEASE = (
    'CREATE TABLE novelty (id UUID PRIMARY KEY, note TEXT COLLATE "C" NOT NULL)',
    'ALTER TABLE probe ADD COLUMN novelty TEXT COLLATE "C"',
    "CREATE INDEX ix_probe_novelty ON probe (novelty)",
    "CREATE INDEX ix_probe_name ON probe (name)",
)


@pytest.fixture(scope="module")
async def installation(servers):
    name = f"kedang_bench_{os.urandom(4).hex()}"
    async with new_database(servers, name) as url:
        settings = Settings(role_prefix=name)
        databases = await Databases.open(settings, await provision(url, secret=SECRET, settings=settings))
        assert (await migrate(databases)).complete
        yield databases
        await databases.close()


async def claim(databases):
    new = NewCompany("Bench", country="CN", language="zh-CN", time_zone="Asia/Shanghai", currency="CNY")
    async with databases.control() as control:
        return await claim_schema(control, company_id=new_id(), company=new, now=SystemClock().now())


async def add_probe(databases, schema):
    """A table of ``ROWS`` rows in a company's schema, as a release finds it."""
    async with databases.owner() as owner:
        await owner.execute(f"DROP TABLE IF EXISTS {schema}.probe")
        await owner.execute(
            f'CREATE TABLE {schema}.probe (id int PRIMARY KEY, name text COLLATE "C", note text)'
        )
        await owner.execute(f"GRANT SELECT ON {schema}.probe TO {schema}")
        await owner.execute(
            f"INSERT INTO {schema}.probe SELECT n, 'Company ' || n, repeat('x', 60) FROM generate_series(1, {ROWS}) n;"
            f" ANALYZE {schema}.probe"
        )


def median_ms(samples):
    return statistics.median(samples) * 1000


async def test_the_opener(installation):
    await build_spares(installation, count=1)
    company = await claim(installation)
    schema = company.ref.schema
    await add_probe(installation, schema)
    driver = await connect(installation._address("main").app)
    owner = await connect(installation._address("main").owner)

    async def bare(sql):
        return await owner.fetch(sql.replace("probe", f"{schema}.probe"))

    async def separate(sql):
        await driver.execute("BEGIN")
        await driver.execute(f'SET LOCAL ROLE "{schema}"')
        await driver.execute(f'SET LOCAL search_path TO "{schema}"')
        rows = await driver.fetch(sql)
        await driver.execute("COMMIT")
        return rows

    async def opened(sql):
        async with installation.tenant_read(company.ref) as read:
            return await read.fetch(sql)

    async def written(sql):
        async with installation.tenant_write(company.ref) as write:
            return await write.fetch(sql)

    print(f"\n{'':32}{'PK read':>10}{'100 rows':>10}   ms, median of {READS}")
    found = {}
    statements = (
        "SELECT id, name, note FROM probe WHERE id = 500",
        "SELECT id, name, note FROM probe LIMIT 100",
    )
    ways = {"bare": bare, "tenant_read": opened, "separate statements": separate, "tenant_write": written}
    samples = {(name, sql): [] for name in ways for sql in statements}
    for _ in range(READS):  # in turn, so that the machine's mood falls on all
        for (name, sql), taken in samples.items():
            began = time.perf_counter()
            await ways[name](sql)
            taken.append(time.perf_counter() - began)
    for name in ways:
        found[name] = [median_ms(samples[name, sql]) for sql in statements]
        print(f"{name:32}{found[name][0]:10.3f}{found[name][1]:10.3f}")
    await driver.close()
    await owner.close()
    assert found["tenant_read"][0] < found["separate statements"][0]


async def test_a_sign_up_pays_little_for_its_schema(installation):
    count = 100
    began = time.perf_counter()
    built = await build_spares(installation, count=count)
    per_spare = (time.perf_counter() - began) / built * 1000
    samples = []
    for _ in range(count):
        began = time.perf_counter()
        await claim(installation)
        samples.append(time.perf_counter() - began)
    p95 = statistics.quantiles(samples, n=20)[-1] * 1000
    print(f"\nclaiming a schema: {median_ms(samples):.2f} ms median, {p95:.2f} ms p95 of {count}")
    print(f"building a spare:  {per_spare:.0f} ms each, {built} of them over 4 connections")
    assert p95 < 50


async def test_a_release_for_two_hundred_companies(installation):
    async with installation.control_read() as read:
        opened = await read.fetch("SELECT schema_name FROM platform.company")
    await build_spares(installation, count=COMPANIES - len(opened))
    schemas = [row["schema_name"] for row in opened]
    schemas += [(await claim(installation)).ref.schema for _ in range(COMPANIES - len(opened))]
    for schema in schemas:
        await add_probe(installation, schema)
    steps = (*rendering.steps(TENANT), Step("9001", RELEASE))
    began = time.perf_counter()
    report = await migrate_schemas(installation, steps=steps)
    seconds = time.perf_counter() - began
    print(
        f"\na release with a table, two indexes and a column: {report.migrated} companies in {seconds:.2f} s,"
        f" {seconds / report.migrated * 1000:.1f} ms each"
    )
    assert (report.migrated, report.complete) == (COMPANIES, True)
    assert seconds <= 10
