"""A migration of many companies that is killed half-way while their people work, and is begun again."""

import asyncio

import pytest

from tests.faults.clients import writing
from tests.faults.slow_migration import REVISION

pytestmark = [pytest.mark.faults, pytest.mark.requirement("O2", "T1")]

SECONDS = 0.3
_TABLES = "SELECT count(*) FROM pg_tables WHERE tablename = 'novelty'"
_COLUMNS = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'novelty' AND table_name = 'customer'"
_REACHED = f"SELECT count(*) FROM platform.tenant_schema WHERE revision = '{REVISION}'"


async def test_a_migration_killed_half_way_is_resumed(house):
    companies = len(house.companies)
    async with writing(house.clients):
        house.start("migration", module="tests.faults.slow_migration", arguments=[f"{SECONDS}"])
        await house.holds(f"SELECT ({_REACHED}) >= {companies // 3}", seconds=60 + companies)
        house.kill_at_once("migration")
        await asyncio.sleep(0.5)
        reached = await house.value(_REACHED)
        assert companies // 3 <= reached < companies
        # A schema is either as it was or as it is to be, with its status row.
        assert await house.value(_TABLES) == await house.value(_COLUMNS) == reached
        house.start("migration", module="tests.faults.slow_migration", arguments=["0"])
        house.recovering("migration killed half-way")
        assert await asyncio.to_thread(house.wait, "migration", 60 + companies) == 0, house.said()
        await asyncio.sleep(1)
    assert await house.value(_REACHED) == companies
    assert await house.value(_TABLES) == await house.value(_COLUMNS) == companies
    behind = "SELECT count(*) FROM platform.company WHERE revision <> $1"
    assert await house.value(behind, REVISION) == 0
