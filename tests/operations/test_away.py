"""Writing down fails without any request noticing, and what was counted waits as long as there is room."""

import asyncio

import pytest

from kedang_platform.database import DatabaseBusy, Databases, DatabaseUnavailable
from kedang_platform.i18n import msg
from tests.operations.conftest import PLANNED, another_gateway, make_house

pytestmark = pytest.mark.requirement("O3")


@pytest.fixture
def away(monkeypatch):
    """The databases refuse writing as if they were gone, as long as ``away`` is not empty."""
    missing = [DatabaseUnavailable(msg("The database cannot be reached. Please try again in a moment."))]
    really = Databases.tenant_write

    def tenant_write(self, company, **more):
        if missing:
            raise missing[0]
        return really(self, company, **more)

    monkeypatch.setattr(Databases, "tenant_write", tenant_write)
    return missing


async def test_what_cannot_be_written_down_now_is_written_down_later(house, away):
    for _ in range(2):
        assert (await house.ask(PLANNED, {"first": 1})).data
        await house.flush()
    away[:] = [DatabaseBusy(msg("The database is busy. Please try again in a moment."))]
    assert (await house.ask(PLANNED, {"first": 1})).data
    await house.flush()
    assert await house.rows("measured_hour") == []
    away.clear()
    await house.flush()
    assert (await house.hours())["QUERY", "Names"]["count"] == 3
    await house.flush()
    assert (await house.hours())["QUERY", "Names"]["count"] == 3


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
