"""Valkey killed and emptied, and a line to it that carries nothing and closes nothing."""

import asyncio

import pytest

from tests.faults.clients import writing
from tests.faults.surveying import invite, people, questionnaire

pytestmark = [pytest.mark.faults, pytest.mark.requirement("O1")]


async def test_valkey_is_killed_and_comes_back_empty(house):
    asked = await questionnaire(house)
    contacts = await people(house, house.form.invitations // 2, domain="ok.example")
    async with writing(house.clients):
        await invite(house, asked, contacts)
        for _ in range(2):
            await asyncio.sleep(house.chance.uniform(0.3, 1.5))
            house.tell_servers("empty valkey")
            await house.note_fault("valkey emptied")
            house.recovering("Valkey killed and emptied")


async def test_the_line_to_valkey_is_a_black_hole(house):
    asked = await questionnaire(house)
    contacts = await people(house, house.form.invitations // 2, domain="ok.example")
    async with writing(house.clients):
        await invite(house, asked, contacts)
        await asyncio.sleep(0.5)
        for line in (house.valkey_line, house.relay_line):
            line.silence()
        await asyncio.sleep(house.form.silence_seconds)
        for line in (house.valkey_line, house.relay_line):
            line.speak()
        house.recovering(f"Valkey black-holed for {house.form.silence_seconds:g} s")
