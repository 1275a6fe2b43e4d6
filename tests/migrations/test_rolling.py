"""Requests go on while a release migrates their companies' schemas underneath them."""

import asyncio
import random

import pytest
from sqlalchemy import text

from kedang_migrations.runner import migrate_schemas
from kedang_platform.database import Databases
from tests.migrations.conftest import open_companies, release

pytestmark = pytest.mark.requirement("T1", "O2")

COMPANIES = 20
REQUESTS = 10_000
ROWS = 5
# A table, two indexes and a column, on the very table that is read and written.
RELEASE = (
    "CREATE TABLE novelty (id UUID PRIMARY KEY)",
    'ALTER TABLE tag ADD COLUMN novelty TEXT COLLATE "C"',
    "CREATE INDEX ix_tag_novelty ON tag (novelty)",
    "CREATE INDEX ix_tag_created_at ON tag (created_at)",
)
READS = (
    "SELECT id, name FROM tag ORDER BY id",
    "SELECT name, id, version, created_at, updated_at, archived_at, custom FROM tag WHERE name > 't_' ORDER BY id",
    "SELECT t.name, count(a.sequence) AS views FROM tag t LEFT JOIN audit a ON a.record_id = t.id GROUP BY t.name",
)
WRITE = "UPDATE tag SET version = version + 1 RETURNING name"
# Values for whatever columns the table requires beside the name.
FILLERS = {
    "uuid": "gen_random_uuid()",
    "integer": "1",
    "timestamp with time zone": "now()",
    "jsonb": "'{}'",
    "boolean": "false",
    "text": "'x'",
}


async def seed(databases, companies):
    """Each company's tags bear the name of its schema."""
    async with databases.owner() as owner:
        columns = await owner.fetch(
            "SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute"
            " WHERE attrelid = $1::regclass AND attnum > 0 AND attnotnull AND NOT atthasdef",
            f"{companies[0].ref.schema}.tag",
        )
    names = ", ".join(column["name"] for column in columns)
    values = ", ".join("$1" if column["name"] == "name" else FILLERS[column["type"]] for column in columns)
    for company in companies:
        async with databases.tenant_write(company.ref) as write:
            for number in range(ROWS):
                mark = f"{company.ref.schema}/{number}"
                await write.fetch(f"INSERT INTO tag ({names}) VALUES ({values})", mark)


def expected(company):
    return [f"{company.ref.schema}/{number}" for number in range(ROWS)]


async def answer(databases, company, number):
    """The names that one request is answered with; every third one writes."""
    if number % 3 == 0:
        async with databases.tenant_write(company.ref) as write:
            rows = (await write.execute(text(WRITE))).mappings().all()
    else:
        async with databases.tenant_read(company.ref) as read:
            rows = await read.fetch(READS[number // 3 % len(READS)])
    return sorted(row["name"] for row in rows)


class Traffic:
    """Requests of all companies in random order, ten under way at any time."""

    def __init__(self, databases, companies):
        self.databases = databases
        order = [company for company in companies for _ in range(REQUESTS // len(companies))]
        random.Random(20).shuffle(order)
        self.queue = iter(enumerate(order))
        self.answered = self.wrong = 0
        self.warm = asyncio.Event()

    async def run(self):
        await asyncio.gather(*(self.client() for _ in range(10)))

    async def client(self):
        for number, company in self.queue:
            if await answer(self.databases, company, number) != expected(company):
                self.wrong += 1
            self.answered += 1
            if self.answered > REQUESTS // 4:
                self.warm.set()


@pytest.fixture
async def two_connections(installation):
    """The installation over one connection that reads and one that writes."""
    settings = installation.settings.model_copy(update={"pool_size": 1})
    narrow = await Databases.open(settings, installation._address("main"))
    yield narrow
    await narrow.close()


async def test_ten_thousand_interleaved_requests_while_migrations_run_give_no_wrong_row(
    installation, two_connections
):
    companies = await open_companies(installation, COMPANIES)
    await seed(installation, companies)
    traffic = Traffic(two_connections, companies)
    async with installation.owner() as owner:
        query = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1"
        before = await owner.fetchval(query, installation.roles().app)
        requests = asyncio.create_task(traffic.run())
        await traffic.warm.wait()
        report = await migrate_schemas(installation, steps=release(*RELEASE))
        assert traffic.answered < REQUESTS
        await requests
        assert await owner.fetchval(query, installation.roles().app) - before == 2
    assert (traffic.answered, traffic.wrong) == (REQUESTS, 0)
    assert (report.migrated, report.complete) == (COMPANIES, True)


async def test_a_statement_stays_prepared_over_companies_before_and_after_their_migration(
    installation, two_connections
):
    companies = await open_companies(installation, 3)
    await seed(installation, companies)

    async def read_all():
        for company in companies:
            for statement in READS:
                async with two_connections.tenant_read(company.ref) as read:
                    names = sorted(row["name"] for row in await read.fetch(statement))
                    prepared = await read.fetch(
                        "SELECT count(*) AS number FROM pg_prepared_statements WHERE statement = $1",
                        statement,
                    )
                assert names == expected(company)
                assert prepared[0]["number"] == 1

    await read_all()
    async with installation.owner() as owner:  # one company is held back, so that old and new are mixed
        await owner.execute(f"CREATE TABLE {companies[1].ref.schema}.novelty (id int)")
    report = await migrate_schemas(installation, steps=release(*RELEASE))
    assert (report.migrated, len(report.failed)) == (2, 1)
    for _ in range(7):  # past the five executions after which a plan becomes generic
        await read_all()
