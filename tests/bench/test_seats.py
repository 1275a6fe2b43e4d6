"""Seats that everybody wants at once: changes a second on one company, all of which wait for one lock."""

import asyncio
import itertools
import random
import time
from datetime import timedelta

import pytest

from kedang_platform.clock import SystemClock
from kedang_platform.identity import memberships
from kedang_platform.identity.memberships import Invitation
from kedang_platform.licensing import SeatRequired, hold_seats, seats_of, subscribe
from tests.support.telling import say

pytestmark = [pytest.mark.bench, pytest.mark.requirement("T3")]

PEOPLE = 40
WRITERS = 16
CHANGES = 1_500


class Crowd:
    """People of one company who are asked in, taken back and given seats, by several at once."""

    def __init__(self, databases, company):
        self.databases, self.company = databases, company
        self.members = {}
        self.clock = SystemClock().now()
        self.done = self.refused = 0

    def now(self):
        """Ten minutes later each time: the day's limit of invitations is not what is measured."""
        self.clock += timedelta(minutes=10)
        return self.clock

    async def invite(self, who):
        invitation = Invitation(
            email=f"p{who}@northwind.example", name="P", seat="full", inviter="Andrew", language="en"
        )
        async with self.databases.control() as control:
            self.members[who] = await memberships.invite(
                control,
                company=self.company,
                invitation=invitation,
                base_url="http://127.0.0.1",
                sender="a@b.example",
                now=self.now(),
            )

    async def withdraw(self, who):
        async with self.databases.control() as control:
            await hold_seats(control, company_id=self.company.id)
            await memberships.suspend(
                control,
                company_id=self.company.id,
                member_id=self.members[who].member_id,
                now=SystemClock().now(),
            )

    async def change(self, who, seat):
        async with self.databases.control() as control:
            await hold_seats(control, company_id=self.company.id)
            member = await memberships.membership_of(
                control, company_id=self.company.id, member_id=self.members[who].member_id, hold=True
            )
            if member.state != "suspended":
                await memberships.change_seat(control, member, seat=seat, now=SystemClock().now())

    async def write(self, numbers, chance):
        for _ in numbers:
            try:
                await self.something(chance.randrange(PEOPLE), chance)
                self.done += 1
            except SeatRequired:
                self.refused += 1

    async def something(self, who, chance):
        what = chance.choice(["invite", "withdraw", "none", "full"])
        if what == "invite" or who not in self.members:
            await self.invite(who)
        elif what == "withdraw":
            await self.withdraw(who)
        else:
            await self.change(who, what)


async def test_contended_changes_of_seats_on_one_company(databases, company):
    async with databases.control() as control:
        await subscribe(control, company_id=company.id, free_seats=PEOPLE // 2, now=SystemClock().now())
    crowd, numbers = Crowd(databases, company), iter(range(CHANGES))
    began, computed = time.perf_counter(), time.process_time()
    await asyncio.gather(
        *(
            crowd.write(itertools.islice(numbers, CHANGES // WRITERS), random.Random(seed))
            for seed in range(WRITERS)
        )
    )
    took, computed = time.perf_counter() - began, time.process_time() - computed
    async with databases.control_read() as read:
        seats = await seats_of(read, company_id=company.id)
    rate = (crowd.done + crowd.refused) / took
    say(
        f"{rate:.0f} changes a second by {WRITERS} at once on one company: {crowd.done} made,"
        f" {crowd.refused} refused, {seats.taken} of {seats.total} seats taken,"
        f" {1e3 * computed / CHANGES:.2f} ms of our processor each"
    )
    assert seats.taken <= seats.total
    assert rate >= 200
