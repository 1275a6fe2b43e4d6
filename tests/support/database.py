"""A database for each worker of the test run, migrated once; after each test everything in it is emptied.

A test that asks for ``databases`` or anything made of it finds no company, no job and no person,
and some spare schemas. ``company`` and ``two_companies`` are claimed from these and go back.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from kedang_migrations.runner import build_spares, migrate
from kedang_platform.database import Databases
from kedang_platform.database.provision import provision
from kedang_platform.ids import new_id
from kedang_platform.registry import Company, NewCompany, claim_schema, find_company, set_status
from kedang_platform.secrets import SecretKey
from kedang_platform.settings import Settings

SPARES = 4
SECRET = SecretKey(b"the secret of the test run")
_BIG = 1_000_000  # bytes from which truncating is quicker than deleting
_SWEEPER = pytest.StashKey[asyncpg.Connection]()
_KEPT = {"platform.revision", "platform.tenant_schema"}


def on_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def database_settings(worker_id) -> Settings:
    """The settings that ``databases`` is opened with; the roles bear the name of the worker."""
    return Settings(role_prefix=f"kedang_test_{worker_id}")


@pytest.fixture(scope="session")
async def database_superuser_url(servers, database_settings) -> AsyncIterator[str]:
    """This worker's database, as a superuser; new and empty."""
    async with new_database(servers, database_settings.role_prefix) as url:
        yield url


@asynccontextmanager
async def new_database(servers, name: str) -> AsyncIterator[str]:
    """The superuser's address of a new database, dropped afterwards with the roles that begin with its name."""
    server = await asyncpg.connect(servers.database_url)
    try:
        await _drop(server, name)
        await server.execute(f"CREATE DATABASE {name}")
        yield on_database(servers.database_url, name)
        await _drop(server, name)
    finally:
        await server.close()


async def _drop(server: asyncpg.Connection, name: str) -> None:
    await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    companies = await server.fetch(
        "SELECT member::regrole::text AS role FROM pg_auth_members m"
        " WHERE m.roleid = (SELECT oid FROM pg_roles WHERE rolname = $1) AND member::regrole::text LIKE 't\\_%'",
        f"{name}_tenant",
    )
    ours = await server.fetch(
        "SELECT rolname AS role FROM pg_roles WHERE starts_with(rolname, $1)", f"{name}_"
    )
    if roles := ", ".join(row["role"] for row in (*companies, *ours)):
        await server.execute(f"DROP ROLE {roles}")


@pytest.fixture(scope="session")
async def databases(database_settings, database_superuser_url, _sweeper) -> AsyncIterator[Databases]:
    """The pools of a migrated database with spare schemas."""
    urls = await provision(database_superuser_url, secret=SECRET, settings=database_settings)
    databases = await Databases.open(database_settings, urls)
    report = await migrate(databases)
    assert report.complete, report
    await build_spares(databases, count=SPARES)
    yield databases
    await databases.close()


@pytest.fixture
async def company(databases) -> Company:
    """An active company in Shanghai whose schema holds nothing."""
    return await make_company(databases)


@pytest.fixture
async def two_companies(databases) -> tuple[Company, Company]:
    """Two active companies, to find out what one can see of the other."""
    return await make_company(databases), await make_company(databases, name="Rival & Sons")


async def make_company(databases: Databases, *, name: str = "Northwind Traders") -> Company:
    """A further active company; its schema is a spare one, of which there are ``SPARES`` and more."""
    new = NewCompany(name, country="CN", language="zh-CN", time_zone="Asia/Shanghai", currency="CNY")
    async with databases.control() as control:
        made = await claim_schema(control, company_id=new_id(), company=new, now=datetime.now(UTC))
        await set_status(control, company_id=made.id, status="active")
        return await find_company(control, company_id=made.id)


@pytest.fixture(scope="session")
async def _sweeper(pytestconfig, database_superuser_url) -> AsyncIterator[None]:
    """A connection that deletes without asking foreign keys; kept open, since logging in takes long."""
    connection = await asyncpg.connect(
        database_superuser_url, max_cached_statement_lifetime=0, max_cacheable_statement_size=0
    )
    await connection.execute("SET lock_timeout = '10s'; SET session_replication_role = replica")
    pytestconfig.stash[_SWEEPER] = connection
    yield
    await connection.close()


@pytest.fixture(autouse=True)
async def _emptied(request) -> AsyncIterator[None]:
    yield
    if "databases" in request.fixturenames:
        await empty(request.config.stash[_SWEEPER])


async def empty(connection: asyncpg.Connection) -> None:
    """Delete every row of every company and of the shared schemas; claimed schemas become spares again."""
    for schema in await connection.fetch(
        """
        SELECT n.nspname AS name,
               array_agg(format('%I.%I', n.nspname, c.relname) ORDER BY c.relname) AS tables,
               array_agg(format('%I.%I', n.nspname, c.relname)) FILTER (WHERE pg_relation_size(c.oid) > $1) AS big
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r'
          AND (n.nspname IN ('platform', 'work')
               OR n.nspname IN (SELECT name FROM platform.tenant_schema WHERE state = 'claimed'))
        GROUP BY 1
        """,
        _BIG,
    ):
        if schema["big"]:
            await connection.execute(f"TRUNCATE {', '.join(schema['big'])} CASCADE")
        await connection.fetch(_deletion(table for table in schema["tables"] if table not in _KEPT))
    await connection.execute(
        "UPDATE platform.tenant_schema SET state = 'spare', company_id = NULL WHERE state = 'claimed'"
    )


def _deletion(tables: Iterable[str]) -> str:
    """One statement for all tables of a schema: prepared once, it costs a tenth of a statement for each."""
    parts = (f"d{number} AS (DELETE FROM {table})" for number, table in enumerate(tables))
    return f"WITH {', '.join(parts)} SELECT"
