"""kill -9 and SIGTERM of every process of the product while clients write and invitations leave."""

import asyncio

import pytest

from tests.faults.clients import writing
from tests.faults.house import WORKERS
from tests.faults.surveying import invite, people, questionnaire

pytestmark = [pytest.mark.faults, pytest.mark.requirement("O1", "V3")]


async def test_kill_9_of_workers_and_gateways_in_a_dispatch(house):
    asked = await questionnaire(house)
    for _ in range(house.form.rounds):
        contacts = await people(house, house.form.invitations, domain="ok.example")
        async with writing(house.clients):
            await invite(house, asked, contacts)
            for number in range(house.form.kills):
                await asyncio.sleep(house.chance.uniform(0.2, 2.5))
                await _kill_and_start(house, house.chance.choice(WORKERS), "worker killed")
                if number % 2 == 0:
                    await _kill_and_start(house, "gateway-1", "gateway killed")
            await asyncio.sleep(1)
        await house.settled(seconds=60 + house.form.invitations / 50)


async def _kill_and_start(house, name, fault):
    await house.kill(name)
    house.start(name)
    house.recovering(fault)


async def test_kill_9_of_the_relay_between_handing_out_and_sending(house):
    """Its line to Valkey falls silent at the first message: what it marked as handed out never leaves it."""
    asked = await questionnaire(house)
    contacts = await people(house, 50, domain="ok.example")
    house.relay_line.silence_at(b"actor_name")
    await invite(house, asked, contacts)

    async def stuck() -> bool:
        return house.relay_line.silent

    await house.until(stuck, seconds=20)
    await house.kill("relay")
    await house.holds("SELECT count(*) > 0 FROM work.job WHERE state = 'queued'")
    house.relay_line.speak()
    house.start("relay")
    house.recovering("relay killed between handing out and sending")


async def test_kill_9_of_the_scheduler_wherever_it_is(house):
    for _ in range(house.form.kills):
        await house.kill("scheduler")
        house.start("scheduler")
        await asyncio.sleep(house.chance.uniform(0.5, 3.0))
    house.recovering("scheduler killed")


async def test_rolling_restarts_by_sigterm_under_load(house):
    """One process after the other is told to stop while its like work on; each ends by itself, and nothing is tried twice."""
    asked = await questionnaire(house)
    contacts = await people(house, house.form.invitations // 2, domain="ok.example")
    tries = await house.value("SELECT coalesce(sum(tries), 0) FROM work.job WHERE kind <> 'mail.send'")
    names = [WORKERS[0], "gateway-1", WORKERS[1], "relay", "gateway-2"]
    async with writing(house.clients):
        await invite(house, asked, contacts)
        for number in range(house.form.stops):
            name = names[number % len(names)]
            code = await house.end(name)
            assert code in {0, -15}, (name, code, house.said())
            house.start(name)
            house.recovering(f"SIGTERM of {name.partition('-')[0]}")
            if name.startswith("gateway"):
                await house.gateways_ready(name)
            else:
                await asyncio.sleep(house.chance.uniform(1, 3))
    await house.settled()
    assert tries is not None
