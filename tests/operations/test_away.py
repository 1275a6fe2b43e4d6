"""Writing down fails without any request noticing, and what was counted waits as long as there is room."""

import asyncio
from contextlib import AsyncExitStack
from urllib.parse import urlsplit, urlunsplit

import pytest

from kedang_graphql.measuring import keep_measuring
from kedang_platform.database import Databases, DatabaseUrls
from tests.operations.conftest import PLANNED, another_gateway, make_house
from tests.operations.line import line_to

pytestmark = pytest.mark.requirement("O3")


async def test_while_postgresql_is_away_figures_wait(databases, database_settings, company):
    urls = databases._urls["main"]
    server = urlsplit(urls.app)
    async with line_to(server.hostname, server.port) as line:

        def along(url):
            parts = urlsplit(url)
            return urlunsplit(
                parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{line.port}")
            )

        own = DatabaseUrls(along(urls.owner), along(urls.control), along(urls.app))
        own_databases = await Databases.open(database_settings, own)
        async with another_gateway(own_databases, database_settings) as gateway:
            house = await make_house(gateway, company)
            for _ in range(2):
                assert (await house.ask(PLANNED, {"first": 1})).data
            await line.cut()
            await house.flush()
            await house.flush()
            assert (await house.ask(PLANNED, {"first": 1})).codes == ["DATABASE_UNAVAILABLE"]
            await line.mend()
            await house.flush()
            row = (await house.hours())["QUERY", "Names"]
            assert (row["count"], row["errors"]) == (3, {"DATABASE_UNAVAILABLE": 1})
            await house.flush()
            assert (await house.hours())["QUERY", "Names"]["count"] == 3
        await own_databases.close()


async def test_a_company_that_is_gone_takes_nobody_else_with_it(gateway, two_companies, databases):
    gateway.services.measurer.forget()
    gone, here = [await make_house(gateway, company) for company in two_companies]
    for house in (gone, here):
        await house.ask(PLANNED, {"first": 1})
    schema = gone.company.ref.schema
    async with databases.owner() as owner:
        await owner.execute(f'ALTER TABLE "{schema}".measured_hour RENAME TO away')
    try:
        await here.flush()
    finally:
        async with databases.owner() as owner:
            await owner.execute(f'ALTER TABLE "{schema}".away RENAME TO measured_hour')
    assert (await here.hours())["QUERY", "Names"]["count"] == 1
    assert await gone.rows("measured_operation") == []  # nothing half written
    await here.flush()
    assert await gone.rows("measured_hour") == []  # and nothing tried for ever


async def test_it_is_written_down_in_passing(databases, database_settings, company):
    async with another_gateway(databases, database_settings, measuring_interval=0.05) as gateway:
        house = await make_house(gateway, company)
        await house.ask(PLANNED, {"first": 1})
        async with asyncio.timeout(20):
            while not await house.rows("measured_hour"):  # noqa: ASYNC110 - it is another task's doing
                await asyncio.sleep(0.02)
        assert (await house.hours())["QUERY", "Names"]["count"] == 1


async def test_a_gateway_without_valkey_measures_as_well(databases, database_settings, company):
    async with another_gateway(databases, database_settings, redis_url="redis://127.0.0.1:1/0") as gateway:
        house = await make_house(gateway, company)
        assert (await house.ask(PLANNED, {"first": 1})).data
        await house.flush()
        assert (await house.hours())["QUERY", "Names"]["count"] == 1


async def test_a_stop_while_figures_are_written_down_waits_for_them(gateway, two_companies, databases):
    measurer = gateway.services.measurer
    measurer.forget()
    houses = [await make_house(gateway, company) for company in two_companies]
    for house in houses:
        await house.ask(PLANNED, {"first": 1})
    async with AsyncExitStack() as held:
        for house in houses:
            owner = await held.enter_async_context(databases.owner())
            await held.enter_async_context(owner.transaction())
            await owner.execute(f'LOCK TABLE "{house.company.ref.schema}".measured_hour')
        keeping = asyncio.create_task(keep_measuring(measurer, databases, interval=0.01))
        async with databases.owner() as looking, asyncio.timeout(20):
            while not await looking.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 - another process's doing
                await asyncio.sleep(0.01)
        keeping.cancel()
        await asyncio.sleep(0.05)
    await asyncio.wait([keeping])
    for house in houses:
        assert (await house.hours())["QUERY", "Names"]["count"] == 1


async def test_what_cannot_be_counted_is_answered_all_the_same(house, monkeypatch, caplog):
    def broken(*_):
        raise ArithmeticError

    monkeypatch.setattr(house.gateway.services.measurer, "_count", broken)
    assert (await house.ask(PLANNED, {"first": 1})).data == {"customers": {"nodes": []}}
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "measuring.not_counted"
    ]
