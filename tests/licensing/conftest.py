"""A company that is open, and what its owner does with seats."""

from dataclasses import asdict
from datetime import UTC, date, datetime, time

import pytest
from sqlalchemy import insert

from kedang_platform.identity import memberships
from kedang_platform.identity.tables import person
from kedang_platform.ids import new_id
from kedang_platform.licensing import list_seats, orders_of, subscribe
from kedang_platform.licensing.invoices import open_invoices
from kedang_platform.licensing.payments import Received
from kedang_platform.licensing.subscriptions import find_subscription
from kedang_platform.registry import NewCompany, claim_schema, set_status
from kedang_tenants.people.licence import add_seats, advance_company
from kedang_tenants.people.member_rows import NewRow, follow
from kedang_tenants.people.operations import change_member
from kedang_tenants.people.seats import buy_seats, confirm_seats
from kedang_tenants.people.viewers import load_viewer
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

    async def join(self, name):
        """A representative who was invited and has accepted, without the way through mail and password."""
        email = f"{name}@northwind.example"
        member_id = await self.invite(email, name=name)
        async with self.town.databases.control() as control:
            text = await control.fetchval("SELECT text FROM platform.mail WHERE recipient = $1", email)
            token = text.partition("token=")[2].split()[0]
            await memberships.activate(control, token=token, password_hash="h", now=self.town.clock.now())
        await follow(self.town.databases, company=self.company, member_id=member_id, clock=self.town.clock)
        return member_id

    async def pay(self, invoice, operator=OPERATOR):
        """The money of an invoice has arrived."""
        return await self.confirm(invoice.reference, operator=operator)

    async def open_invoices(self):
        async with self.town.databases.control_read() as read:
            return await open_invoices(read, company_id=self.company.id)

    async def advance(self):
        """The hourly step."""
        return await advance_company(
            self.town.databases,
            company_id=self.company.id,
            settings=self.town.services.settings,
            clock=self.town.clock,
        )

    async def stands(self):
        async with self.town.databases.control_read() as read:
            return await find_subscription(read, company_id=self.company.id)

    async def on(self, day, hour=12):
        """Let it be noon (UTC) of this day, and take the hourly step."""
        self.town.clock.instant = datetime.combine(date.fromisoformat(day), time(hour), UTC)
        return await self.advance()

    async def add(self, seats, interval=None):
        return await add_seats(
            self.town.services, self.viewer, company=self.company, seats=seats, interval=interval
        )

    async def full(self):
        """Who has a full seat, as the company's own rows say."""
        rows = await self.members()
        return {row["id"] for row in rows if row["seat"] == "FULL" and row["state"] != "SUSPENDED"}

    async def change(self, member_id, **differences):
        await change_member(
            self.town.services, self.viewer, company=self.company, member_id=member_id, **differences
        )

    async def as_member(self, *roles, seat="FULL"):
        """The same counter, with another member at it."""
        member_id = await self.make(*roles, seat=seat)
        async with self.town.databases.tenant_read(self.company.ref) as read:
            viewer = await load_viewer(read, company=self.company, member_id=member_id)
        return Counter(self.town, None, self.company, viewer)

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


async def opened(
    town, *, name="Northwind Traders", owner="Andrew Fuller", email="andrew.fuller@northwind.example"
):
    """The counter of a company in New York, as it stands after its owner has signed up."""
    new = NewCompany(name, country="US", language="en", time_zone="America/New_York", currency="USD")
    now = town.clock.now()
    async with town.databases.control() as control:
        made = await claim_schema(control, company_id=new_id(), company=new, now=now)
        await set_status(control, company_id=made.id, status="active")
        await subscribe(control, company_id=made.id, free_seats=2, now=now)
        person_id = new_id()
        await control.execute(
            insert(person).values(
                id=person_id, email=email, name=owner, language="en", confirmed_at=now, created_at=now
            )
        )
        joined = await memberships.join(
            control, company_id=made.id, person_id=person_id, seat="full", now=now
        )
    company = await town.company(made.id)
    row = NewRow(name=owner, email=email, roles=("OWNER",), language="EN")
    await follow(town.databases, company=company, member_id=joined.member_id, clock=town.clock, new=row)
    async with town.databases.tenant_read(company.ref) as read:
        viewer = await load_viewer(read, company=company, member_id=joined.member_id)
    return Counter(town, None, company, viewer)


@pytest.fixture
async def counter(town):
    return await opened(town)


@pytest.fixture
async def rival(town):
    return await opened(town, name="Rival & Sons", owner="Ann", email="ann@rival.example")
