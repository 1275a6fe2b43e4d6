"""kill -9 and SIGTERM of every process of the product while clients write and invitations leave; clocks that differ."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.faults.clients import writing
from tests.faults.house import WORKERS
from tests.faults.surveying import invite, people, questionnaire

pytestmark = [pytest.mark.faults, pytest.mark.requirement("O1", "V3")]

TIMES = 10
BEAT = timedelta(minutes=1)
_MADE = """
SELECT kind, tenant, key, (payload ->> 'occurrence')::timestamptz AS at FROM work.job
WHERE created_at >= $1 AND key LIKE kind || '@%' ORDER BY kind, tenant, at"""


async def test_kill_9_of_workers_and_gateways_in_a_dispatch(house):
    asked = await questionnaire(house)
    for number in range(house.form.rounds):
        if number:
            await house.settled(seconds=60 + house.form.invitations / 50)
        contacts = await people(house, house.form.invitations, domain="ok.example")
        async with writing(house.clients):
            await invite(house, asked, contacts)
            for kill in range(house.form.kills):
                await asyncio.sleep(house.chance.uniform(0.2, 2.5))
                await _kill_and_start(house, house.chance.choice(WORKERS), "worker killed")
                if kill % 2 == 0:
                    await _kill_and_start(house, "gateway-1", "gateway killed")
            await asyncio.sleep(1)


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
    """One process after the other is told to stop while its like work on; each ends by itself."""
    asked = await questionnaire(house)
    contacts = await people(house, house.form.fewer, domain="ok.example")
    names = [WORKERS[0], "gateway-2", "relay", WORKERS[1], "gateway-1"]
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
                await asyncio.sleep(house.chance.uniform(0.5, 2))


@pytest.mark.requirement("T6")
async def test_schedulers_with_skewed_clocks(house):
    """Two on machines that are days apart agree; so do five whose clocks run ten times as fast."""
    since = await house.value("SELECT clock_timestamp()")
    await house.end("scheduler")
    pair, five = ["skewed-0", "skewed-1"], [f"skewed-{number}" for number in range(2, 7)]
    for name, days in zip(pair, (-3, 3), strict=True):
        apart = timedelta(days=days * house.chance.uniform(0.1, 1)).total_seconds()
        house.start(name, module="tests.faults.skewed_scheduler", arguments=[f"{apart:.3f}"])
    await asyncio.sleep(house.form.beats_seconds / 2)
    early = "SELECT count(*) FROM work.occurrence WHERE latest > clock_timestamp()"
    assert await house.value(early) == 0
    assert await house.end_all(pair) == [0] * len(pair), house.said()
    for name in five:
        apart = house.chance.uniform(-90, 90)
        house.start(name, module="tests.faults.skewed_scheduler", arguments=[f"{apart:.3f}", f"{TIMES}"])
    await asyncio.sleep(house.form.beats_seconds / 2)
    assert await house.end_all(five) == [0] * len(five), house.said()
    house.start("scheduler")
    house.recovering("two, then five schedulers with skewed clocks")
    made = await house.fetch(_MADE, since)
    keys = [(row["kind"], row["tenant"], row["key"]) for row in made]
    assert len(keys) == len(set(keys))
    beats = [row["at"] for row in made if row["kind"] == "changing.seal_all"]
    assert beats
    assert {later - earlier for earlier, later in pairwise(beats)} <= {BEAT}


async def test_nothing_is_lost_or_left_over(house):
    await house.acquit()
