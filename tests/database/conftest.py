import pytest

from kedang_platform.database import Databases


@pytest.fixture
async def probes(databases, two_companies):
    """Two companies with a table ``probe`` each, whose one row names its company's schema."""
    async with databases.owner() as owner:
        for company in two_companies:
            schema = company.ref.schema
            await owner.execute(f'CREATE TABLE "{schema}".probe (id int PRIMARY KEY, mark text, data jsonb)')
            await owner.execute(f"INSERT INTO \"{schema}\".probe VALUES (1, '{schema}', '{{\"a\": [1]}}')")
            await owner.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{schema}".probe TO "{schema}"')
    yield tuple(company.ref for company in two_companies)
    async with databases.owner() as owner:
        for company in two_companies:
            await owner.execute(f'DROP TABLE "{company.ref.schema}".probe')


@pytest.fixture
async def narrow(database_settings, databases):
    """The same database over pools of a single connection, so that the next borrower is the same backend."""
    settings = database_settings.model_copy(update={"pool_size": 1})
    narrow = await Databases.open(settings, databases._address("main"))
    yield narrow
    await narrow.close()
