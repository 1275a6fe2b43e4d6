import asyncio
import os
from uuid import uuid4

import asyncpg
import pytest

from kedang_migrations.runner import build_spares, migrate
from kedang_platform.database import CompanyRef, Databases, DatabaseUrls, WallError, database_urls
from kedang_platform.database.pools import connect
from kedang_platform.database.provision import ProvisioningRefused, provision
from kedang_platform.secrets import SecretKey
from kedang_platform.settings import Settings
from kedang_platform.work import NewJob, enqueue
from tests.support.database import SECRET, make_company, new_database


@pytest.fixture
async def fresh(servers):
    """The superuser's address of a new database, and its name, the prefix of its roles."""
    name = f"kedang_fresh_{os.urandom(4).hex()}"
    async with new_database(servers, name) as url:
        yield url, name


async def rights_of(url):
    """All there is to tell two states of an installation apart."""
    connection = await connect(url)
    try:
        return [
            [tuple(row) for row in await connection.fetch(query)]
            for query in (
                (
                    "SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcanlogin, rolbypassrls"
                    " FROM pg_roles WHERE rolname LIKE current_database() || '%' ORDER BY 1"
                ),
                (
                    "SELECT m.roleid::regrole::text, m.member::regrole::text, admin_option"
                    " FROM pg_auth_members m WHERE m.member::regrole::text LIKE current_database() || '%'"
                    " ORDER BY 1, 2"
                ),
                (
                    "SELECT nspname::text, nspacl::text FROM pg_namespace"
                    " WHERE nspname IN ('public', 'platform', 'work') ORDER BY 1"
                ),
                "SELECT datacl::text FROM pg_database WHERE datname = current_database()",
                (
                    "SELECT defaclnamespace::regnamespace::text, defaclobjtype, defaclacl::text"
                    " FROM pg_default_acl ORDER BY 1, 2"
                ),
                (
                    "SELECT setrole::regrole::text, setconfig FROM pg_db_role_setting s"
                    " JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database() ORDER BY 1"
                ),
            )
        ]
    finally:
        await connection.close()


async def test_repeating_and_racing_change_nothing(fresh):
    url, prefix = fresh
    settings = Settings(role_prefix=prefix)
    first = await provision(url, secret=SECRET, settings=settings)
    made = await rights_of(url)
    assert len(made[0]) == 4
    again = await asyncio.gather(*(provision(url, secret=SECRET, settings=settings) for _ in range(6)))
    assert set(again) == {first}
    assert await rights_of(url) == made


async def test_many_installers_at_once_on_nothing(fresh):
    url, prefix = fresh
    settings = Settings(role_prefix=prefix)
    made = await asyncio.gather(*(provision(url, secret=SECRET, settings=settings) for _ in range(6)))
    assert len(set(made)) == 1
    databases = await Databases.open(settings, made[0])
    await databases.close()


async def test_the_addresses_can_be_told_without_contact(fresh):
    url, prefix = fresh
    made = await provision(url, secret=SECRET, settings=Settings(role_prefix=prefix))
    assert database_urls(url, secret=SECRET, prefix=prefix) == made
    assert made.roles.prefix == prefix
    other = database_urls(url, secret=SecretKey(b"another one"), prefix=prefix)
    assert not {other.owner, other.control, other.app} & {made.owner, made.control, made.app}


def test_a_socket_and_escaped_parts_of_an_address_are_kept():
    given = "postgresql://po%40st:pa%2Fss@/ke%20dang?host=/run/pg&port=5433"
    urls = database_urls(given, secret=SECRET)
    assert urls.app.startswith("postgresql://kedang_app:")
    assert urls.app.endswith("@/ke%20dang?host=/run/pg&port=5433")


async def test_a_lost_secret_is_repaired_by_provisioning_again(fresh):
    url, prefix = fresh
    settings = Settings(role_prefix=prefix)
    before = await provision(url, secret=SECRET, settings=settings)
    after = await provision(url, secret=SecretKey(b"a new one"), settings=settings)
    await (await connect(after.control)).close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connect(before.control)


async def test_settings_become_what_every_session_starts_with(fresh):
    url, prefix = fresh
    settings = Settings(
        role_prefix=prefix, statement_timeout=1.5, lock_timeout=0.25, idle_in_transaction_timeout=7
    )
    urls = await provision(url, secret=SECRET, settings=settings)
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "search_path", "jit")
    found = {}
    for role in ("app", "control", "owner"):
        connection = await connect(getattr(urls, role))
        found[role] = [await connection.fetchval(f"SHOW {name}") for name in names]
        await connection.close()
    assert found["app"] == found["control"] == ["1500ms", "250ms", "7s", '""', "off"]
    assert found["owner"] == ["0", "0", "0", '""', "off"]


async def test_a_role_that_may_not_create_roles_is_refused_and_nothing_was_made(fresh):
    url, prefix = fresh
    superuser = await connect(url)
    await superuser.execute(f"CREATE ROLE {prefix}_plain LOGIN PASSWORD 'plain'")
    plain = url.replace(url.split("//")[1].split("@")[0], f"{prefix}_plain:plain")
    with pytest.raises(ProvisioningRefused):
        await provision(plain, secret=SECRET, settings=Settings(role_prefix=prefix))
    roles = await superuser.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE $1", f"{prefix}%")
    assert [row["rolname"] for row in roles] == [f"{prefix}_plain"]
    assert await superuser.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = 'platform'") == 0
    await superuser.close()


async def test_no_superuser_is_needed(fresh):
    """A role that may create roles and owns the database is enough, as `KEDANG_DATABASE_URL` promises."""
    url, prefix = fresh
    superuser = await connect(url)
    await superuser.execute(f"CREATE ROLE {prefix}_admin LOGIN CREATEROLE PASSWORD 'admin'")
    await superuser.execute(f"ALTER DATABASE {prefix} OWNER TO {prefix}_admin")
    admin = url.replace(url.split("//")[1].split("@")[0], f"{prefix}_admin:admin")
    settings = Settings(role_prefix=prefix)
    for _ in range(2):
        urls = await provision(admin, secret=SECRET, settings=settings)
    databases = await Databases.open(settings, urls)
    try:
        assert (await migrate(databases)).complete
        assert await build_spares(databases, count=1) == 1
        company = await make_company(databases)
        async with databases.tenant_write(company.ref) as write:
            await enqueue(write, NewJob("probe"))
    finally:
        await databases.close()
        await superuser.execute(f"ALTER DATABASE {prefix} OWNER TO CURRENT_USER")
        await superuser.close()


async def test_without_roles_of_their_own_companies_are_kept_apart_by_the_path(fresh):
    url, prefix = fresh
    settings = Settings(role_prefix=prefix, tenant_roles="none")
    urls: DatabaseUrls = await provision(url, secret=SECRET, settings=settings)
    databases = await Databases.open(settings, urls)
    try:
        assert (await migrate(databases)).complete
        assert await build_spares(databases, count=2) == 2
        first = await make_company(databases)
        second = await make_company(databases)
        for company in (first, second):
            async with databases.tenant_write(company.ref) as write:
                assert await write.fetchval("SELECT current_user") == databases.roles().app
                assert await write.fetchval("SELECT current_schema()") == company.ref.schema
                await enqueue(write, NewJob("probe", key="same key"))
        async with databases.tenant_read(first.ref) as read:
            seen = await read.fetch("SELECT tenant FROM work.job")
            assert [row["tenant"] for row in seen] == [first.ref.schema]
        with pytest.raises(WallError):
            async with databases.tenant_read(CompanyRef(uuid4(), "platform")):
                pytest.fail("entered")
        async with databases.control_read() as read:
            assert (
                await read.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", first.ref.schema) == 0
            )
    finally:
        await databases.close()
