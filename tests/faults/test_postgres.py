"""PostgreSQL broken off under load, without room on its disk, and behind a line that swallows the answer to a COMMIT."""

import asyncio

import pytest

from tests.faults.clients import writing
from tests.faults.house import MAILS, WORKERS
from tests.faults.surveying import invite, people, questionnaire

pytestmark = [pytest.mark.faults, pytest.mark.requirement("O1")]


async def test_postgresql_is_stopped_immediately_under_load(house):
    asked = await questionnaire(house)
    contacts = await people(house, house.form.invitations // 2, domain="ok.example")
    async with writing(house.clients):
        await invite(house, asked, contacts)
        for _ in range(house.form.rounds):
            await asyncio.sleep(house.chance.uniform(1, 2))
            house.tell_servers("break postgres")
            await house.note_fault("postgresql stopped immediately", mails=MAILS * len(WORKERS))
            house.recovering("PostgreSQL stopped immediately")
            await asyncio.sleep(1)


@pytest.mark.small_disk
async def test_the_disk_is_full_for_a_while(house):
    """Whatever PostgreSQL does without room, what it acknowledged is there when there is room again."""
    asked = await questionnaire(house)
    contacts = await people(house, house.form.invitations // 2, domain="ok.example")
    async with writing(house.clients):
        await invite(house, asked, contacts)
        await asyncio.sleep(0.5)
        left = house.tell_servers("fill")
        house.notes.append(f"the disk had {left / 1024 / 1024:.0f} MB left when it was filled")
        await asyncio.sleep(house.form.silence_seconds)
        house.tell_servers("free")
        await house.note_fault("disk full", mails=MAILS * len(WORKERS))
        house.recovering(f"disk full for {house.form.silence_seconds:g} s")


async def test_connections_are_cut_after_commit(house):
    """A gateway and a worker reach PostgreSQL over a line that passes a COMMIT on and breaks off."""
    over_the_line = {"KEDANG_DATABASE_URL": house.through(house.postgres_line)}
    for name in ("gateway-1", WORKERS[0]):
        assert await house.end(name) in {0, -15}
        house.start(name, **over_the_line)
    await house.gateways_ready("gateway-1")
    asked = await questionnaire(house)
    contacts = await people(house, house.form.invitations // 5, domain="ok.example")
    async with writing(house.clients):
        await invite(house, asked, contacts)
        for number in range(1, house.form.cuts + 1):
            house.postgres_line.swallow(1)
            await house.until(lambda number=number: _swallowed(house, number), seconds=30)
            await house.note_fault("commit without an answer", mails=1)
            house.recovering("connection cut after COMMIT")
            await asyncio.sleep(house.chance.uniform(0.05, 0.3))
    for name in ("gateway-1", WORKERS[0]):
        assert await house.end(name) in {0, -15}
        house.start(name)
    await house.gateways_ready("gateway-1")


async def _swallowed(house, number: int) -> bool:
    return house.postgres_line.swallowed >= number
