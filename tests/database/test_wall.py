"""What the database itself refuses, whatever statement reaches it."""

from uuid import uuid4

import asyncpg
import pytest

from kedang_platform.database import Databases, WallError
from kedang_platform.database.pools import connect
from kedang_platform.database.provision import provision
from kedang_platform.work import NewJob, enqueue
from tests.support.database import SECRET

pytestmark = pytest.mark.requirement("T1")

DENIED = asyncpg.InsufficientPrivilegeError


async def tables_of(databases, *schemas):
    async with databases.owner() as owner:
        rows = await owner.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname = ANY($1) ORDER BY 1",
            list(schemas),
        )
    return [row["name"] for row in rows]


async def refused(transaction_of, statement):
    """Whether the statement is refused in a transaction of its own."""
    try:
        async with transaction_of() as transaction:
            await transaction.fetch(statement)
    except DENIED:
        return True
    return False


async def test_a_company_reaches_no_table_of_another_one(databases, two_companies):
    own, other = two_companies
    tables = await tables_of(databases, other.ref.schema)
    assert len(tables) > 10
    for table in tables:
        for statement in (
            f"SELECT 1 FROM {table}",
            f"DELETE FROM {table}",
            f"INSERT INTO {table} DEFAULT VALUES",
        ):
            assert await refused(lambda: databases.tenant_write(own.ref), statement), statement


async def test_a_company_reaches_nothing_of_the_installation(databases, company):
    tables = [name for name in await tables_of(databases, "platform", "work") if name != "work.job"]
    assert {"platform.company", "platform.person", "platform.session", "work.lane"} <= set(tables)
    for table in tables:
        for statement in (f"SELECT 1 FROM {table}", f"DELETE FROM {table}"):
            assert await refused(lambda: databases.tenant_write(company.ref), statement), statement


async def test_a_company_changes_no_table_of_its_own(databases, company):
    for statement in (
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "ALTER TABLE customer ADD COLUMN more int",
        "DROP TABLE customer",
        "TRUNCATE customer",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA t_anotherone",
        "CREATE TABLE public.mine (id int)",
        "CREATE ROLE t_anotherone",
    ):
        assert await refused(lambda: databases.tenant_write(company.ref), statement), statement


async def test_the_application_alone_can_read_nothing(databases, two_companies):
    schemas = [company.ref.schema for company in two_companies]
    tables = await tables_of(databases, "platform", "work", *schemas)
    application = await connect(databases._address("main").app)
    try:
        for table in tables:
            with pytest.raises(DENIED):
                await application.fetch(f"SELECT 1 FROM {table}")
        with pytest.raises(asyncpg.UndefinedTableError):
            await application.fetch("SELECT 1 FROM customer")
        with pytest.raises(DENIED):
            await application.execute("CREATE TEMPORARY TABLE mine (id int)")
        assert await application.fetchval("SHOW search_path") == '""'
    finally:
        await application.close()


async def test_control_reaches_no_company(databases, two_companies):
    tables = await tables_of(databases, *(company.ref.schema for company in two_companies))
    for table in tables:
        assert await refused(databases.control, f"SELECT 1 FROM {table}"), table
    schema = two_companies[0].ref.schema
    assert await refused(databases.control, f"SELECT set_config('role', '{schema}', true)")


async def test_a_read_writes_nothing(databases, company):
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with databases.tenant_read(company.ref) as read:
            await read.fetch("DELETE FROM customer")
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with databases.control_read() as read:
            await read.fetch("DELETE FROM platform.person")


async def test_a_company_sees_and_changes_its_own_jobs_only(databases, two_companies):
    first, second = two_companies
    for company in two_companies:
        async with databases.tenant_write(company.ref) as write:
            await enqueue(write, NewJob("probe", key="same key"))
    async with databases.control() as control:
        await enqueue(control, NewJob("of the installation"))

    async with databases.tenant_write(first.ref) as write:
        seen = await write.fetch("SELECT tenant, key FROM work.job")
        assert [tuple(row) for row in seen] == [(first.ref.schema, "same key")]
        changed = await write.fetch("UPDATE work.job SET state = 'done' RETURNING tenant")
        assert [row["tenant"] for row in changed] == [first.ref.schema]

    async with databases.control_read() as read:
        rows = await read.fetch("SELECT tenant, state FROM work.job")
    assert sorted(map(tuple, rows)) == sorted(
        [("", "waiting"), (first.ref.schema, "done"), (second.ref.schema, "waiting")]
    )


@pytest.mark.parametrize("whose", ["another company's", "the installation's"])
async def test_a_company_adds_no_job_of_anybody_else(databases, two_companies, whose):
    first, second = two_companies
    tenant = second.ref.schema if whose == "another company's" else ""
    with pytest.raises(DENIED, match="row-level security"):
        async with databases.tenant_write(first.ref) as write:
            await write.fetch(
                "INSERT INTO work.job (id, tenant, kind) VALUES ($1, $2, 'forged')", uuid4(), tenant
            )
    async with databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM work.job") == 0


async def test_a_company_deletes_no_job_and_gives_none_away(databases, two_companies):
    first, second = two_companies
    async with databases.tenant_write(first.ref) as write:
        await enqueue(write, NewJob("probe"))
    for statement in ("DELETE FROM work.job", f"UPDATE work.job SET tenant = '{second.ref.schema}'"):
        assert await refused(lambda: databases.tenant_write(first.ref), statement), statement


@pytest.mark.parametrize("right", ["BYPASSRLS", "INHERIT", "SUPERUSER", "CREATEROLE"])
async def test_an_application_role_that_sees_too_much_is_not_started_with_until_it_is_repaired(
    databases, database_settings, database_superuser_url, right
):
    urls = databases._address("main")
    superuser = await connect(database_superuser_url)
    await superuser.execute(f"ALTER ROLE {databases.roles().app} {right}")
    await superuser.close()
    try:
        with pytest.raises(WallError):
            await Databases.open(database_settings, urls)
    finally:
        assert await provision(database_superuser_url, secret=SECRET, settings=database_settings) == urls
    repaired = await Databases.open(database_settings, urls)
    await repaired.close()
