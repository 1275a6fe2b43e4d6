import asyncpg
import pytest
import redis


@pytest.fixture
async def effects(databases, database_superuser_url, company):
    """A table of the company in which test handlers leave their effects, and a way to count them."""
    owner = await asyncpg.connect(database_superuser_url)
    table = f"{company.ref.schema}.effect"
    await owner.execute(f"CREATE TABLE {table} (what text, by int)")
    await owner.execute(f"GRANT SELECT, INSERT ON {table} TO {company.ref.schema}")

    async def read() -> list[asyncpg.Record]:
        return await owner.fetch(f"SELECT what, by FROM {table} ORDER BY what")

    yield read
    await owner.execute(f"DROP TABLE {table}")
    await owner.close()


@pytest.fixture
def valkey(work_redis_url):
    """Valkey, emptied before and after the test."""
    client = redis.Redis.from_url(work_redis_url)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()
