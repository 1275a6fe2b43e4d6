"""A company that is open, and what its owner does with seats."""

from dataclasses import asdict

import pytest

from kedang_platform.licensing import list_seats, orders_of
from kedang_platform.licensing.payments import Received
from kedang_tenants.people.operations import change_member
from kedang_tenants.people.seats import buy_seats, confirm_seats
from tests.identity.test_people import Office
from tests.support.members import make_member

OPERATOR = "lin.operator"


class Counter(Office):
    """The office with its counter for seats."""

    async def buy(self, seats=7, interval="year"):
        return await buy_seats(
            self.town.services, self.viewer, company=self.company, seats=seats, interval=interval
        )

    async def confirm(self, order, operator=OPERATOR):
        done = await confirm_seats(
            self.town.databases,
            received=Received(getattr(order, "reference", order)),
            operator=operator,
            settings=self.town.services.settings,
            clock=self.town.clock,
        )
        return done.order

    async def change(self, member_id, **differences):
        await change_member(
            self.town.services, self.viewer, company=self.company, member_id=member_id, **differences
        )

    async def make(self, *roles, seat="VIEW_ONLY"):
        member = await make_member(
            self.town.databases,
            self.company,
            *(roles or ("REPRESENTATIVE",)),
            seat=seat,
            clock=self.town.clock,
        )
        return member.id

    async def orders(self):
        async with self.town.databases.control_read() as read:
            return await orders_of(read, company_id=self.company.id)

    async def all_there_is(self):
        """What a refusal must leave as it is, on both sides of the wall."""
        async with self.town.databases.control_read() as read:
            listed = [asdict(one) for one in await list_seats(read)]
        tables = [
            await self.town.rows(table) for table in ("subscription", "seat_order", "membership", "mail")
        ]
        members = [dict(row) for row in await self.members()]
        return listed, tables, members


@pytest.fixture
async def counter(town):
    signed_in = await town.open()
    return Counter(town, signed_in, await town.company(signed_in.company.id), await town.viewer(signed_in))


@pytest.fixture
async def rival(town):
    signed_in = await town.open(email="ann@rival.example", name="Ann", company="Rival & Sons")
    return Counter(town, signed_in, await town.company(signed_in.company.id), await town.viewer(signed_in))
