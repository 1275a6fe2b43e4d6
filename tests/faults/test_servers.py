"""Valkey and PostgreSQL killed, silent, without room or without an answer; a migration that is broken off."""

import asyncio

import pytest

from tests.faults.clients import writing
from tests.faults.house import MAILS, WORKERS
from tests.faults.slow_migration import REVISION
from tests.faults.surveying import invite, people, questionnaire

pytestmark = [pytest.mark.faults, pytest.mark.requirement("O1")]

SLOW_SECONDS = 0.3
_TABLES = "SELECT count(*) FROM pg_tables WHERE tablename = 'novelty'"
_COLUMNS = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'novelty' AND table_name = 'customer'"
_REACHED = f"SELECT count(*) FROM platform.tenant_schema WHERE revision = '{REVISION}'"


async def some_are_invited(house) -> None:
    asked = await questionnaire(house)
    await invite(house, asked, await people(house, house.form.fewer, domain="ok.example"))


async def test_valkey_is_killed_and_comes_back_empty(house):
    async with writing(house.clients):
        await some_are_invited(house)
        for _ in range(2 * house.form.rounds):
            await asyncio.sleep(house.chance.uniform(0.3, 1.5))
            house.tell_servers("empty valkey")
            await house.note_fault("valkey emptied")
            house.recovering("Valkey killed and emptied")


async def test_the_line_to_valkey_is_a_black_hole(house):
    lines = house.valkey_line, house.relay_line
    async with writing(house.clients):
        await some_are_invited(house)
        await asyncio.sleep(0.5)
        for line in lines:
            line.silence()
        await asyncio.sleep(house.form.silence_seconds)
        for line in lines:
            line.speak()
        house.recovering(f"Valkey black-holed for {house.form.silence_seconds:g} s")


async def test_postgresql_is_stopped_immediately_under_load(house):
    async with writing(house.clients):
        await some_are_invited(house)
        for _ in range(house.form.rounds):
            await asyncio.sleep(house.chance.uniform(0.5, 1.5))
            house.tell_servers("break postgres")
            await house.note_fault("postgresql stopped immediately", mails=MAILS * len(WORKERS))
            house.recovering("PostgreSQL stopped immediately")
            await asyncio.sleep(1)


@pytest.mark.small_disk
async def test_the_disk_is_full_for_a_while(house):
    """Whatever PostgreSQL does without room, what it acknowledged is there when there is room again."""
    async with writing(house.clients):
        await some_are_invited(house)
        left = house.tell_servers("fill")
        house.notes.append(f"the disk had {left / 1024 / 1024:.0f} MB left when it was filled")
        await asyncio.sleep(house.form.silence_seconds)
        house.tell_servers("free")
        await house.note_fault("disk full", mails=MAILS * len(WORKERS))
        house.recovering(f"disk full for {house.form.silence_seconds:g} s")


async def test_connections_are_cut_after_commit(house):
    """A gateway and a worker reach PostgreSQL over a line that passes a COMMIT on and breaks off."""
    async with writing(house.clients):
        await some_are_invited(house)
        for _ in range(house.form.cuts):
            before = house.postgres_line.swallowed
            house.postgres_line.swallow(1)
            await house.until(lambda before=before: _swallowed(house, before), seconds=30)
            await house.note_fault("commit without an answer", mails=1)
            house.recovering("connection cut after COMMIT")
            await asyncio.sleep(house.chance.uniform(0.05, 0.3))


async def _swallowed(house, before: int) -> bool:
    return house.postgres_line.swallowed > before


@pytest.mark.requirement("O2", "T1")
async def test_a_migration_killed_half_way_is_resumed(house):
    companies = len(house.companies)
    async with writing(house.clients):
        house.start("migration", module="tests.faults.slow_migration", arguments=[f"{SLOW_SECONDS}"])
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
    assert await house.value(_REACHED) == companies
    assert await house.value(_TABLES) == await house.value(_COLUMNS) == companies
    behind = "SELECT count(*) FROM platform.company WHERE revision <> $1"
    assert await house.value(behind, REVISION) == 0


async def test_nothing_is_lost_or_left_over(house):
    await house.acquit()
