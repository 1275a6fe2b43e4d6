"""Whatever happens in whatever order, nobody holds a seat that is not there: the platform against a model."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from kedang_platform.identity import memberships
from kedang_platform.identity.errors import AlreadyMember
from kedang_platform.identity.memberships import Invitation
from kedang_platform.identity.tables import membership, throttle
from kedang_platform.licensing import (
    AlreadyConfirmed,
    Billing,
    SeatPrice,
    SeatRequired,
    Seats,
    hold_seats,
    order_seats,
    pending_seats,
    seats_of,
    subscribe,
)
from kedang_platform.licensing.payments import Received, receive
from kedang_platform.licensing.tables import seat_order, subscription
from kedang_platform.mail.tables import mail

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PEOPLE = range(6)
ORDERS = 2


class Life:
    """One company on the platform, and beside it what it should look like."""

    def __init__(self, databases, company):
        self.databases, self.company = databases, company
        self.held = {}  # person -> (seat, state)
        self.orders = []  # [reference, seats, paid]
        self.members = {}  # person -> membership
        self.now = NOW

    async def begin(self):
        async with self.databases.control() as control:
            for table in (membership, seat_order, subscription, throttle, mail):
                await control.execute(delete(table))
            await subscribe(control, company_id=self.company.id, free_seats=2, now=NOW)

    @property
    def paid(self):
        return sum(seats for _, seats, paid in self.orders if paid)

    @property
    def taken(self):
        return sum(held in {("full", "invited"), ("full", "active")} for held in self.held.values())

    @property
    def full(self):
        return self.taken >= 2 + self.paid

    def possible(self):
        """What may be asked for now: all that can change something, refusals of too little room included."""
        invites = [
            ("invite", person, seat)
            for person in PEOPLE
            for seat in ("full", "none")
            if self.held.get(person) != (seat, "invited")
        ]
        accepts = [("accept", person) for person, held in self.held.items() if held[1] == "invited"]
        suspends = [("suspend", person) for person, held in self.held.items() if held[1] != "suspended"]
        changes = [
            ("change", person, "none" if seat == "full" else "full")
            for person, (seat, state) in self.held.items()
            if state != "suspended"
        ]
        buys = [("buy", 1)] if len(self.orders) < ORDERS else []
        confirms = [("confirm", number) for number in range(len(self.orders))]
        return [steps for steps in (invites, accepts, suspends, changes, buys, confirms) if steps]

    async def step(self, name, *arguments):
        self.now += timedelta(minutes=1)
        await getattr(self, name)(*arguments)
        await self.check()

    async def refused(self, error, work):
        with pytest.raises(error):
            await work

    async def invite(self, person, seat):
        state = self.held.get(person, (None, None))
        work = self._invite(person, seat)
        if state[1] == "active":
            return await self.refused(AlreadyMember, work)
        if seat == "full" and state != ("full", "invited") and self.full:
            return await self.refused(SeatRequired, work)
        self.members[person] = await work
        self.held[person] = (seat, "invited")
        return None

    async def _invite(self, person, seat):
        invitation = Invitation(
            email=f"p{person}@northwind.example", name="P", seat=seat, inviter="Andrew", language="en"
        )
        async with self.databases.control() as control:
            return await memberships.invite(
                control,
                company=self.company,
                invitation=invitation,
                base_url="http://127.0.0.1",
                sender="a@b.example",
                now=self.now,
            )

    async def accept(self, person):
        async with self.databases.control() as control:
            text = await control.fetchval(
                "SELECT text FROM platform.mail WHERE recipient = $1 ORDER BY created_at DESC LIMIT 1",
                f"p{person}@northwind.example",
            )
            token = re.search(r"token=([\w-]+)", text)[1]
            await memberships.activate(control, token=token, password_hash="hash", now=self.now)
        self.held[person] = (self.held[person][0], "active")

    async def suspend(self, person):
        async with self.databases.control() as control:
            await hold_seats(control, company_id=self.company.id)
            member_id = self.members[person].member_id
            await memberships.suspend(control, company_id=self.company.id, member_id=member_id, now=self.now)
        self.held[person] = (self.held[person][0], "suspended")

    async def change(self, person, seat):
        _, state = self.held[person]
        if seat == "full" and self.full:
            await self.refused(SeatRequired, self._change(person, seat))
            return
        await self._change(person, seat)
        self.held[person] = (seat, state)

    async def _change(self, person, seat):
        async with self.databases.control() as control:
            await hold_seats(control, company_id=self.company.id)
            member = await memberships.membership_of(
                control, company_id=self.company.id, member_id=self.members[person].member_id, hold=True
            )
            await memberships.change_seat(control, member, seat=seat)

    async def buy(self, seats):
        async with self.databases.control() as control:
            order = await order_seats(
                control,
                company_id=self.company.id,
                seats=seats,
                interval="year",
                price=SeatPrice("USD", 900, 9000),
                ordered_by=self.company.id,
                billing=Billing.of(self.databases.settings),
                now=self.now,
            )
        self.orders.append([order.reference, seats, False])

    async def confirm(self, number):
        order = self.orders[number]
        if order[2]:
            await self.refused(AlreadyConfirmed, self._confirm(order[0]))
            return
        await self._confirm(order[0])
        order[2] = True

    async def _confirm(self, reference):
        async with self.databases.control() as control:
            await receive(
                control,
                received=Received(reference),
                operator="lin",
                billing=Billing.of(self.databases.settings),
                now=self.now,
            )

    async def check(self):
        async with self.databases.control_read() as read:
            found = await seats_of(read, company_id=self.company.id)
            pending = await pending_seats(read, company_id=self.company.id)
        assert found == Seats(free=2, paid=self.paid, taken=self.taken)
        assert found.total >= 2
        assert found.taken <= found.total
        assert pending == sum(seats for _, seats, paid in self.orders if not paid)


@pytest.mark.requirement("T3")
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(chance=st.randoms(use_true_random=True))
async def test_nobody_holds_a_seat_that_is_not_there(databases, company, chance):
    """40 steps by even chance: drawn one by one they would mostly be the same few."""
    life = Life(databases, company)
    await life.begin()
    for _ in range(40):
        await life.step(*chance.choice(chance.choice(life.possible())))
