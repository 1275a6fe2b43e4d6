import asyncio
import os

import pytest

from kedang_migrations import rendering
from kedang_migrations.environments import TENANT
from kedang_migrations.rendering import Step
from kedang_migrations.runner import build_spares, migrate
from kedang_platform.database import Databases
from kedang_platform.database.provision import provision
from kedang_platform.settings import Settings
from tests.support.database import SECRET, make_company, new_database


@pytest.fixture
async def installation(servers):
    """A migrated installation of its own, over two connections a pool."""
    name = f"kedang_release_{os.urandom(4).hex()}"
    async with new_database(servers, name) as url:
        settings = Settings(role_prefix=name, pool_size=2)
        databases = await Databases.open(settings, await provision(url, secret=SECRET, settings=settings))
        assert (await migrate(databases)).complete
        yield databases
        await databases.close()


async def open_companies(databases, count):
    await build_spares(databases, count=count)
    return [await make_company(databases, name=f"Company {number}") for number in range(count)]


def release(*statements, revision="9001"):
    """The revisions that stand, and one that a later release adds."""
    return (*rendering.steps(TENANT), Step(revision, statements))


async def status_rows(databases):
    """The status row of each schema; a company bears the revision of its schema at every moment."""
    async with databases.control_read() as read:
        rows = await read.fetch(
            "SELECT schema.name, schema.revision, schema.error, schema.attempts, company.revision AS of_company"
            " FROM platform.tenant_schema schema LEFT JOIN platform.company ON company.schema_name = schema.name"
        )
    assert all(row["of_company"] in {None, row["revision"]} for row in rows)
    return {row["name"]: (row["revision"], row["error"], row["attempts"]) for row in rows}


async def until(check):
    """Wait until ``check`` holds; the test's own time-out ends it otherwise."""
    async with asyncio.timeout(30):
        while not await check():  # noqa: ASYNC110 - what is waited for happens in the database
            await asyncio.sleep(0.01)
