import asyncio
import time
from types import SimpleNamespace

import asyncpg
import pytest

from kedang_migrations import applying, rendering, spares
from kedang_migrations.applying import only_migrator
from kedang_migrations.environments import PLATFORM, TENANT, WORK
from kedang_migrations.runner import build_spares, migrate, migrate_schemas
from kedang_platform.errors import CompanyUpgrading
from kedang_platform.registry import NoSpareSchema, count_spares, ensure_usable, find_company
from tests.migrations.conftest import open_companies, release, status_rows, until
from tests.support.database import make_company

pytestmark = pytest.mark.requirement("O2")

HEAD = TENANT.head()
ONE_TABLE = 'CREATE TABLE novelty (id UUID PRIMARY KEY, note TEXT COLLATE "C" NOT NULL)'
OBSTACLE = "CREATE TABLE {schema}.novelty (id int)"


async def as_owner(databases, statement):
    async with databases.owner() as owner:
        await owner.execute(statement)


async def has_table(databases, company, table):
    async with databases.owner() as owner:
        return await owner.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{company.ref.schema}.{table}")


async def test_an_empty_database_comes_to_the_release_and_a_second_run_changes_nothing(installation):
    report = await migrate(installation)
    assert (report.platform, report.work, report.tenant) == (PLATFORM.head(), WORK.head(), HEAD)
    assert (report.migrated, report.failed, report.untried, report.complete) == (0, (), 0, True)
    async with installation.control_read() as read:
        rows = await read.fetch(
            "SELECT component, database, revision FROM platform.revision ORDER BY component"
        )
    assert [tuple(row) for row in rows[:2]] == [
        ("platform", "main", PLATFORM.head()),
        ("work", "main", WORK.head()),
    ]


async def test_a_release_reaches_every_company_and_spare_and_tells_how_it_goes(installation):
    companies = await open_companies(installation, 5)
    await build_spares(installation, count=2)
    told = []
    report = await migrate_schemas(
        installation,
        steps=release(ONE_TABLE),
        echo=lambda msgid, /, **params: told.append(msgid.format(**params)),
    )
    assert (report.migrated, report.tenant, report.complete) == (7, "9001", True)
    assert told == ["Migrating 7 company schemas ...", "7 of 7 company schemas migrated."]
    assert set((await status_rows(installation)).values()) == {("9001", None, 0)}
    for company in companies:
        async with installation.tenant_write(company.ref) as write:
            await write.fetch("INSERT INTO novelty VALUES (gen_random_uuid(), 'own')")
            assert await write.fetchval("SELECT count(*) FROM novelty") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with installation.tenant_read(companies[0].ref) as read:
            await read.fetch(f"SELECT * FROM {companies[1].ref.schema}.novelty")


async def test_a_company_that_fails_stays_as_it_was_and_is_tried_again_by_the_next_run(installation):
    companies = await open_companies(installation, 6)
    stuck = companies[3]
    await as_owner(installation, OBSTACLE.format(schema=stuck.ref.schema))
    steps = release("CREATE TABLE before_it (id UUID PRIMARY KEY)", ONE_TABLE)

    report = await migrate_schemas(installation, steps=steps)
    assert report.migrated == 5
    assert [failed.schema for failed in report.failed] == [stuck.ref.schema]
    assert not report.complete
    rows = await status_rows(installation)
    revision, error, attempts = rows.pop(stuck.ref.schema)
    assert (revision, attempts) == (HEAD, 1)
    assert error == 'DuplicateTableError: relation "novelty" already exists'
    assert set(rows.values()) == {("9001", None, 0)}
    assert not await has_table(installation, stuck, "before_it")
    async with installation.control_read() as read:
        behind = await find_company(read, company_id=stuck.id)
    with pytest.raises(CompanyUpgrading):
        ensure_usable(behind, revision="9001")

    await as_owner(installation, f"DROP TABLE {stuck.ref.schema}.novelty")
    report = await migrate_schemas(installation, steps=steps)
    assert (report.migrated, report.complete) == (1, True)
    assert (await status_rows(installation))[stuck.ref.schema] == ("9001", None, 0)
    assert await has_table(installation, stuck, "before_it")


async def test_when_the_first_company_fails_no_other_is_touched(installation):
    companies = await open_companies(installation, 4)
    await as_owner(installation, OBSTACLE.format(schema=companies[0].ref.schema))
    report = await migrate_schemas(installation, steps=release(ONE_TABLE))
    assert (report.migrated, len(report.failed), report.untried, report.complete) == (0, 1, 3, False)
    assert {row[0] for row in (await status_rows(installation)).values()} == {HEAD}
    assert not await has_table(installation, companies[1], "novelty")


async def test_a_run_that_was_broken_off_is_continued(installation):
    async def migrated():
        return [row for row in (await status_rows(installation)).values() if row[0] == "9001"]

    await open_companies(installation, 12)
    steps = release(ONE_TABLE, "SELECT pg_sleep(0.1)")
    broken_off = asyncio.create_task(migrate_schemas(installation, steps=steps))
    await until(migrated)
    broken_off.cancel()
    with pytest.raises(asyncio.CancelledError):
        await broken_off
    await asyncio.sleep(0.5)
    done = len(await migrated())
    assert 0 < done < 12

    report = await migrate_schemas(installation, steps=steps)
    assert (report.migrated, report.complete) == (12 - done, True)
    assert set((await status_rows(installation)).values()) == {("9001", None, 0)}


async def test_two_migrators_do_each_schema_once(installation, monkeypatch):
    await open_companies(installation, 8)
    released = {PLATFORM: rendering.steps(PLATFORM), WORK: rendering.steps(WORK), TENANT: release(ONE_TABLE)}
    monkeypatch.setattr(rendering, "steps", released.__getitem__)
    told = []

    def echo(msgid, /, **params):
        told.append(msgid)

    reports = await asyncio.gather(*(migrate(installation, echo=echo) for _ in range(3)))
    assert sorted(report.migrated for report in reports) == [0, 0, 8]
    assert all(report.complete for report in reports)
    assert told.count("Waiting for another migration ...") == 2


async def test_a_schema_in_use_is_waited_for_without_making_its_users_wait(installation, monkeypatch):
    monkeypatch.setattr(applying, "LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(applying, "_PAUSE_SECONDS", 0.1)
    (company,) = await open_companies(installation, 1)
    slowest = 0.0

    async def reader(until):
        nonlocal slowest
        while not until.done():
            began = time.monotonic()
            async with installation.tenant_read(company.ref) as read:
                await read.fetchval("SELECT count(*) FROM customer")
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0.005)

    async with installation.tenant_read(company.ref) as holder:
        await holder.fetchval("SELECT count(*) FROM customer")
        steps = release("ALTER TABLE customer ADD COLUMN novelty INTEGER")
        migration = asyncio.create_task(migrate_schemas(installation, steps=steps))
        reading = asyncio.create_task(reader(migration))
        await asyncio.sleep(3)
        assert not migration.done()
        assert (await status_rows(installation))[company.ref.schema] == (HEAD, None, 0)
    report = await migration
    await reading
    assert (report.migrated, report.complete) == (1, True)
    # Readers wait for one short try of the migration, not for the holder of 3 seconds.
    assert slowest < 2


async def test_no_spares_are_built_while_a_migration_runs(installation):
    async with only_migrator(installation, waiting=None) as alone:
        assert alone
        assert await build_spares(installation, count=3) == 0
    assert await build_spares(installation, count=3) == 3
    assert await build_spares(installation, count=3) == 0


async def test_spares_that_are_behind_are_not_counted_as_ready(installation, monkeypatch):
    await build_spares(installation, count=2)
    steps = release(ONE_TABLE)
    monkeypatch.setattr(rendering, "steps", lambda _environment: steps)
    monkeypatch.setattr(spares, "TENANT", SimpleNamespace(head=lambda: "9001"))
    assert await build_spares(installation, count=2) == 2
    async with installation.control_read() as read:
        assert await count_spares(read) == 4
        assert await count_spares(read, revision="9001") == 2
    company = await make_company(installation)
    assert company.revision == HEAD


async def test_a_spare_that_is_being_migrated_is_not_given_to_a_sign_up(installation):
    await build_spares(installation, count=2)
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 42"
    async with installation.owner() as owner:
        await owner.execute("SELECT pg_advisory_lock(42)")
        steps = release(ONE_TABLE, "SET LOCAL lock_timeout = 0", "SELECT pg_advisory_xact_lock(42)")
        migration = asyncio.create_task(migrate_schemas(installation, steps=steps))
        await until(lambda: owner.fetchval(waiting))
        company = await make_company(installation)
        assert company.revision == HEAD
        with pytest.raises(NoSpareSchema):
            await make_company(installation)
    report = await migration
    assert (report.migrated, report.complete) == (2, True)
    rows = await status_rows(installation)
    assert set(rows.values()) == {("9001", None, 0)}
    assert await has_table(installation, company, "novelty")


async def test_the_rights_on_jobs_are_granted_again_when_they_have_changed(installation):
    await as_owner(installation, "DROP POLICY job_of_company ON work.job")
    await as_owner(
        installation, "UPDATE platform.revision SET revision = 'older' WHERE component = 'work wall'"
    )
    await migrate(installation)
    async with installation.owner() as owner:
        names = await owner.fetch("SELECT policyname FROM pg_policies WHERE schemaname = 'work' ORDER BY 1")
    assert [row["policyname"] for row in names] == ["job_of_company", "job_of_control"]
