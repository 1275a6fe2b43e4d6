"""Whatever happens inside a transaction, the next borrower finds a clean connection and the pool stays whole."""

import asyncio
from dataclasses import replace
from urllib.parse import urlsplit

import asyncpg
import pytest

from kedang_platform.database import (
    DatabaseBusy,
    Databases,
    DatabaseUnavailable,
    StatementTimeout,
    WallError,
    pools,
)
from kedang_platform.database.pools import connect


async def session_state(narrow):
    """Of both connections of a company's pools: the role, the path, and whether a transaction is open."""
    of = await narrow._of("main")
    await of.tenant_reads._finishing.settled()
    query = "SELECT current_user::text, session_user::text, current_setting('search_path')"
    read = await of.tenant_reads._pool.acquire()
    found = [tuple(await read.fetchrow(query)), read.is_in_transaction()]
    await of.tenant_reads._pool.release(read)
    async with of.tenant_writes._engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        found += [tuple(await driver.fetchrow(query)), driver.is_in_transaction()]
    return found


def clean(databases):
    app = databases.roles().app
    return [(app, app, '""'), False, (app, app, '""'), False]


async def own_error(transaction):
    raise RuntimeError("of the caller")


async def broken_sql(transaction):
    await transaction.fetch("SELECT nonsense")


async def division_by_zero(transaction):
    await transaction.fetch("SELECT 1 / 0")


async def out_of_time(transaction):
    await transaction.fetch("SELECT set_config('statement_timeout', '20ms', true)")
    await transaction.fetch("SELECT pg_sleep(5)")


async def role_given_up(transaction):
    await transaction.fetch("SELECT set_config('search_path', 'platform', true)")
    raise RuntimeError("of the caller")


@pytest.mark.parametrize("failing", [own_error, broken_sql, division_by_zero, out_of_time, role_given_up])
@pytest.mark.parametrize("kind", ["tenant_read", "tenant_write"])
async def test_after_an_error_nothing_is_left_for_the_next_company(narrow, probes, kind, failing):
    first, second = probes
    for _ in range(3):
        with pytest.raises((RuntimeError, asyncpg.PostgresError, StatementTimeout)):
            async with getattr(narrow, kind)(first) as transaction:
                await failing(transaction)
        assert await session_state(narrow) == clean(narrow)
        async with getattr(narrow, kind)(second) as transaction:
            assert await transaction.fetchval("SELECT mark FROM probe") == second.schema


@pytest.mark.parametrize("kind", ["tenant_read", "tenant_write"])
async def test_after_a_cancellation_nothing_is_left_and_nobody_waits_for_the_statement(narrow, probes, kind):
    first, second = probes

    async def endless():
        async with getattr(narrow, kind)(first) as transaction:
            await transaction.fetch("SELECT pg_sleep(20)")

    task = asyncio.create_task(endless())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        assert await session_state(narrow) == clean(narrow)
        async with getattr(narrow, kind)(second) as transaction:
            assert await transaction.fetchval("SELECT mark FROM probe") == second.schema


async def test_cancelled_at_any_moment_the_pools_stay_whole(narrow, probes):
    """Requests cancelled after 0 to 3 ms, so in the opener, in a statement, in the COMMIT or between them."""
    first, second = probes

    async def request(company, kind):
        async with getattr(narrow, kind)(company) as transaction:
            return await transaction.fetchval("SELECT mark FROM probe")

    cancelled = 0
    for number in range(300):
        kind = "tenant_write" if number % 2 else "tenant_read"
        task = asyncio.create_task(request(first, kind))
        await asyncio.sleep(number / 300 * 0.003)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            cancelled += 1
    assert cancelled > 30
    assert await session_state(narrow) == clean(narrow)
    for kind in ("tenant_read", "tenant_write"):
        assert await request(second, kind) == second.schema


async def test_a_lock_that_is_not_to_be_had_is_told_as_busy(databases, probes):
    first, _ = probes

    async def wait_for_it():
        async with databases.tenant_write(first) as waiter:
            await waiter.fetch("SELECT set_config('lock_timeout', '50ms', true)")
            await waiter.fetch("UPDATE probe SET mark = 'taken'")

    async with databases.tenant_write(first) as holder:
        await holder.fetch("UPDATE probe SET mark = 'held'")
        with pytest.raises(DatabaseBusy):
            await wait_for_it()
    async with databases.tenant_read(first) as read:
        assert await read.fetchval("SELECT mark FROM probe") == "held"


async def test_a_deadlock_is_told_as_busy_to_one_of_the_two(databases, probes):
    first, _ = probes
    async with databases.tenant_write(first) as write:
        await write.fetch("INSERT INTO probe VALUES (2, 'second row')")
    both = asyncio.Barrier(2)

    async def update(order):
        async with databases.tenant_write(first) as write:
            await write.fetch("UPDATE probe SET mark = 'x' WHERE id = $1", order[0])
            await both.wait()
            await write.fetch("UPDATE probe SET mark = 'x' WHERE id = $1", order[1])

    ends = await asyncio.gather(update((1, 2)), update((2, 1)), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["DatabaseBusy", "NoneType"]


@pytest.mark.parametrize("kind", ["tenant_read", "tenant_write"])
async def test_a_pool_that_stays_empty_is_told_as_busy(
    database_settings, databases, probes, kind, monkeypatch
):
    monkeypatch.setattr(pools, "WAIT_SECONDS", 0.05)
    settings = database_settings.model_copy(update={"pool_size": 1})
    narrow = await Databases.open(settings, databases._address("main"))
    try:
        async with getattr(narrow, kind)(probes[0]):
            with pytest.raises(DatabaseBusy):
                async with getattr(narrow, kind)(probes[0]):
                    pytest.fail("borrowed")
        async with getattr(narrow, kind)(probes[1]) as transaction:
            assert await transaction.fetchval("SELECT mark FROM probe") == probes[1].schema
    finally:
        await narrow.close()


async def end_backends(superuser_url, role):
    superuser = await connect(superuser_url)
    try:
        return await superuser.fetchval(
            "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = $1 AND datname = current_database()) AS ended",
            role,
        )
    finally:
        await superuser.close()


@pytest.mark.parametrize("kind", ["tenant_read", "tenant_write", "control_read", "control"])
async def test_connections_that_ended_while_they_lay_idle_are_replaced(
    narrow, probes, database_superuser_url, kind
):
    arguments = probes[:1] if kind.startswith("tenant") else ()
    for _ in range(2):
        async with getattr(narrow, kind)(*arguments) as transaction:
            assert await transaction.fetchval("SELECT 1") == 1
        roles = narrow.roles()
        await asyncio.sleep(0.05)
        ended = await end_backends(database_superuser_url, roles.app if arguments else roles.control)
        assert ended >= 1
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("kind", ["tenant_read", "tenant_write"])
async def test_a_connection_that_breaks_in_the_middle_is_told_and_replaced(
    narrow, probes, database_superuser_url, kind
):
    async def break_it():
        async with getattr(narrow, kind)(probes[0]) as transaction:
            await end_backends(database_superuser_url, narrow.roles().app)
            await transaction.fetchval("SELECT mark FROM probe")

    with pytest.raises(DatabaseUnavailable):
        await break_it()
    async with getattr(narrow, kind)(probes[1]) as transaction:
        assert await transaction.fetchval("SELECT mark FROM probe") == probes[1].schema


async def test_a_database_that_is_not_there_is_told_as_unavailable(database_settings, databases):
    urls = databases._address("main")
    address = urlsplit(urls.app).netloc.partition("@")[2]
    nowhere = replace(urls, app=urls.app.replace(address, "127.0.0.1:1"))
    with pytest.raises(DatabaseUnavailable):
        await Databases.open(database_settings, nowhere)


async def test_a_swallowed_error_is_not_taken_for_a_commit(databases, probes):
    async def swallow():
        async with databases.tenant_write(probes[0]) as write:
            await write.fetch("UPDATE probe SET mark = 'lost'")
            with pytest.raises(asyncpg.DivisionByZeroError):
                await write.fetch("SELECT 1 / 0")

    with pytest.raises(WallError, match="nothing was written"):
        await swallow()
    async with databases.tenant_read(probes[0]) as read:
        assert await read.fetchval("SELECT mark FROM probe") == probes[0].schema


async def test_connections_are_replaced_when_they_have_grown_old(narrow, probes):
    async def backend():
        async with narrow.tenant_read(probes[0]) as read:
            return await read.fetchval("SELECT pg_backend_pid()")

    before = await backend()
    assert await backend() == before
    pool = (await narrow._of("main")).tenant_reads
    pool._recycle()
    await pool._finishing.settled()
    assert await backend() != before


async def test_a_hundred_at_once_share_two_connections(database_settings, databases, probes):
    async def count():
        async with databases.owner() as owner:
            return await owner.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", databases.roles().app
            )

    settings = database_settings.model_copy(update={"pool_size": 1})
    narrow = await Databases.open(settings, databases._address("main"))

    async def request(number):
        company = probes[number % 2]
        kind = ("tenant_read", "tenant_write")[number // 2 % 2]
        async with getattr(narrow, kind)(company) as transaction:
            return await transaction.fetchval("SELECT mark FROM probe") == company.schema

    try:
        before = await count()
        assert all(await asyncio.gather(*(request(number) for number in range(100))))
        assert await count() - before == 2
    finally:
        await narrow.close()
    async with asyncio.timeout(5):
        while await count() > before:  # noqa: ASYNC110 - a backend ends a moment after its client
            await asyncio.sleep(0.01)
