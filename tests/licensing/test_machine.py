"""Whatever happens in whatever order, the life of a company's seats is that of the model (T3, T4).

KEDANG_THOROUGH=1 makes many more and much longer lives of it.
"""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kedang_platform.errors import KedangError
from kedang_platform.identity import memberships
from kedang_platform.licensing import seats_of, subscribe
from kedang_platform.licensing.invoices import open_invoices
from kedang_platform.licensing.ledger import credit_of, open_of
from kedang_platform.licensing.payments import Received
from kedang_platform.licensing.subscriptions import find_subscription
from kedang_tenants.changing import Change, change
from kedang_tenants.people import licence
from kedang_tenants.people.member_rows import NewRow, follow
from kedang_tenants.people.operations import change_member, deactivate_member, invite_member
from kedang_tenants.people.seats import buy_seats, confirm_seats
from kedang_tenants.people.viewers import load_viewer, system_viewer
from kedang_tenants.reading import Scope
from tests.licensing import model
from tests.support import database

pytestmark = pytest.mark.requirement("T3", "T4")
THOROUGH = bool(os.environ.get("KEDANG_THOROUGH"))
BEGIN = datetime(2028, 1, 31, 3, tzinfo=UTC)  # the 31st before a 29 February
PEOPLE = 5


class Undone(Exception):
    """Leaves a transaction whose writing was the point."""


class Life:
    """One company on the real database, beside the model of it."""

    def __init__(self, databases, services, sweeper):
        self.databases, self.services, self.sweeper = databases, services, sweeper
        self.clock = services.clock

    async def begin(self):
        await database.empty(self.sweeper)
        self.clock.instant = BEGIN
        self.model = model.Model(BEGIN)
        self.company = await database.make_company(self.databases)
        self.ids, self.invoices = {}, {}
        async with self.databases.control() as control:
            await subscribe(control, company_id=self.company.id, free_seats=2, now=BEGIN)
            person_id = await control.fetchval(
                """INSERT INTO platform.person (id, email, name, language, confirmed_at, created_at)
                   VALUES (gen_random_uuid(), 'p0@northwind.example', 'P0', 'en', $1, $1) RETURNING id""",
                BEGIN,
            )
            owner = await memberships.join(
                control, company_id=self.company.id, person_id=person_id, seat="full", now=BEGIN
            )
        self.ids[0] = owner.member_id
        new = NewRow(name="P0", email="p0@northwind.example", roles=("OWNER",), language="EN")
        await follow(
            self.databases, company=self.company, member_id=owner.member_id, clock=self.clock, new=new
        )
        async with self.databases.tenant_write(self.company.ref) as write:
            everything = await system_viewer(write, company=self.company)
            await change(
                write,
                everything,
                [Change("customer", "create", values={"name": "Alfreds"})],
                clock=self.clock,
            )
        self.owner = await self.viewer(0)

    async def viewer(self, who):
        async with self.databases.tenant_read(self.company.ref) as read:
            return await load_viewer(read, company=self.company, member_id=self.ids[who])

    async def both(self, wanted, work):
        """Do it in the model and in the product: both do it, or both refuse it for the same reason."""
        self.clock.move(timedelta(minutes=1))
        self.model.now = self.clock.now()
        async with self.databases.control() as control:
            await control.fetch("DELETE FROM platform.throttle")
        refusal = None
        try:
            wanted()
        except model.Refused as refused:
            refusal = str(refused)
        if refusal is None:
            return await work()
        with pytest.raises(KedangError) as error:
            await work()
        assert error.value.code == refusal
        return None

    async def invite(self, who, *, seat):
        made = await self.both(
            lambda: self.model.invite(who, seat=seat),
            lambda: invite_member(
                self.services,
                self.owner,
                company=self.company,
                email=f"p{who}@northwind.example",
                name=f"P{who}",
                roles=("REPRESENTATIVE",),
                seat="full" if seat else "none",
            ),
        )
        if made is not None:
            self.ids[who] = made

    async def accept(self, who):
        await self.both(lambda: self.model.accept(who), lambda: self._accept(who))

    async def _accept(self, who):
        email = f"p{who}@northwind.example"
        async with self.databases.control() as control:
            text = await control.fetchval(
                "SELECT text FROM platform.mail WHERE recipient = $1 ORDER BY created_at DESC LIMIT 1", email
            )
            token = text.partition("token=")[2].split()[0]
            await memberships.activate(control, token=token, password_hash="h", now=self.clock.now())

    async def leave(self, who):
        work = lambda: deactivate_member(  # noqa: E731 - as short as the model's
            self.services, self.owner, company=self.company, member_id=self.ids[who]
        )
        await self.both(lambda: self.model.leave(who), work)

    async def change(self, who, *, seat):
        work = lambda: change_member(  # noqa: E731
            self.services,
            self.owner,
            company=self.company,
            member_id=self.ids[who],
            seat="full" if seat else "none",
        )
        await self.both(lambda: self.model.change(who, seat=seat), work)

    async def choose(self, chosen):
        work = lambda: licence.choose_seats(  # noqa: E731
            self.services, self.owner, company=self.company, member_ids=[self.ids[who] for who in chosen]
        )
        await self.both(lambda: self.model.choose(chosen), work)

    async def buy(self, seats, interval):
        work = lambda: buy_seats(  # noqa: E731
            self.services, self.owner, company=self.company, seats=seats, interval=interval
        )
        await self.both(lambda: self.model.buy(seats, interval), work)

    async def add(self, seats, interval):
        work = lambda: licence.add_seats(  # noqa: E731
            self.services, self.owner, company=self.company, seats=seats, interval=interval
        )
        await self.both(lambda: self.model.add(seats, interval), work)

    async def remove(self, seats):
        work = lambda: licence.remove_seats(  # noqa: E731
            self.services, self.owner, company=self.company, seats=seats
        )
        await self.both(lambda: self.model.remove(seats), work)

    async def keep(self):
        work = lambda: licence.keep_seats(self.services, self.owner, company=self.company)  # noqa: E731
        await self.both(self.model.keep, work)

    async def change_interval(self, interval):
        work = lambda: licence.change_interval(  # noqa: E731
            self.services, self.owner, company=self.company, interval=interval
        )
        await self.both(lambda: self.model.change_interval(interval), work)

    async def pay(self, number):
        """The money of one of the open invoices arrives, as exactly as it is owed."""
        async with self.databases.control_read() as read:
            invoices = await open_invoices(read, company_id=self.company.id)
            owed = [await open_of(read, invoice_id=invoice.id) for invoice in invoices]
        bills = [bill for bill in self.model.bills if bill.owed]
        known = sorted((bill.purpose, bill.due, bill.owed, place) for place, bill in enumerate(bills))
        found = sorted(
            (invoice.purpose, invoice.due_at, amount, place)
            for place, (invoice, amount) in enumerate(zip(invoices, owed, strict=True))
        )
        assert [each[:3] for each in found] == [each[:3] for each in known]
        if not found:
            return
        chosen = number % len(found)
        bill, invoice = bills[known[chosen][3]], invoices[found[chosen][3]]
        self.clock.move(timedelta(minutes=1))
        self.model.now = self.clock.now()
        self.model.pay(bill)
        await confirm_seats(
            self.databases,
            received=Received(invoice.reference, again=True),
            operator="lin",
            settings=self.services.settings,
            clock=self.clock,
        )

    async def forward(self, by):
        self.clock.move(by)
        self.model.forward(by)
        await licence.advance_company(
            self.databases,
            company_id=self.company.id,
            settings=self.services.settings,
            clock=self.clock,
        )
        await licence.release_expired(self.databases, company_id=self.company.id, clock=self.clock)

    async def check(self):
        wanted = self.model
        async with self.databases.control_read() as read:
            held = await find_subscription(read, company_id=self.company.id)
            seats = await seats_of(read, company_id=self.company.id)
            credit = await credit_of(read, company_id=self.company.id, currency="CNY")
            rows = await read.fetch(
                "SELECT member_id, seat, state, seat_lost_at FROM platform.membership WHERE company_id = $1",
                self.company.id,
            )
        assert (held.state, held.paid_seats, held.capacity, held.paid_seats - held.seats_next) == (
            wanted.state,
            wanted.paid,
            wanted.capacity,
            wanted.cut,
        )
        period = held.period
        assert (period and (period.interval, period.start, period.end)) == (
            wanted.end and (wanted.interval, wanted.start, wanted.end)
        )
        assert seats.total >= 2
        assert seats.taken == wanted.used <= seats.total == wanted.capacity
        assert credit == wanted.credit
        found = {
            row["member_id"]: (row["seat"] == "full", row["state"], row["seat_lost_at"] is not None)
            for row in rows
        }
        assert found == {
            self.ids[who]: (person.seat, person.state, person.lost) for who, person in wanted.people.items()
        }
        await self.check_members()

    async def check_members(self):
        """The company's rows follow; who holds a seat really writes, who holds none really reads."""
        people = self.model.people
        async with self.databases.tenant_read(self.company.ref) as read:
            rows = {row["id"]: row for row in await read.fetch("SELECT id, seat, state FROM member")}
        for who, person in people.items():
            row = rows[self.ids[who]]
            if (row["seat"], row["state"]) != (
                "FULL" if person.seat else "VIEW_ONLY",
                person.state.upper(),
            ):
                await follow(self.databases, company=self.company, member_id=self.ids[who], clock=self.clock)
        active = [who for who, person in people.items() if person.state == "active"]
        holders = [who for who in active if people[who].holds]
        assert 0 in holders
        for who in holders[:2]:
            viewer = await self.viewer(who)
            with pytest.raises(Undone):
                await self.write(viewer)
            await self.see(viewer)
        for who in [who for who in active if who not in holders][:1]:
            viewer = await self.viewer(who)
            assert viewer.on("customer").create is Scope.NONE
            await self.see(viewer)

    async def write(self, viewer):
        async with self.databases.tenant_write(self.company.ref) as write:
            new = Change("customer", "create", values={"name": "Blauer See"})
            (made,) = await change(write, viewer, [new], clock=self.clock)
            assert await write.fetchval("SELECT name FROM customer WHERE id = $1", made.id) == "Blauer See"
            raise Undone

    async def see(self, viewer):
        """Nothing was deleted, and nothing is locked away from who may see it with a seat."""
        assert viewer.on("customer").read >= Scope.OWN
        if "OWNER" in viewer.roles:
            assert viewer.on("customer").export is Scope.ALL
        async with self.databases.tenant_read(self.company.ref) as read:
            assert await read.fetchval("SELECT count(*) FROM customer WHERE archived_at IS NULL") == 1


SEATS = st.integers(min_value=1, max_value=4)
INTERVALS = st.sampled_from(["month", "year"])
SPANS = st.one_of(
    st.sampled_from([timedelta(days=days) for days in (1, 7, 14, 15, 28, 31, 60, 61, 366)]),
    st.integers(min_value=1, max_value=24).map(lambda hours: timedelta(hours=hours)),
    st.integers(min_value=1, max_value=90).map(lambda days: timedelta(days=days)),
)


def machine_of(life, loop):
    """The machine's class for this database; its steps run on the loop that the connections belong to."""

    class Machine(RuleBasedStateMachine):
        def do(self, work):
            return asyncio.run_coroutine_threadsafe(work, loop).result(60)

        @initialize()
        def begin(self):
            self.do(life.begin())

        def those(self, *states):
            return [who for who, person in life.model.people.items() if person.state in states and who != 0]

        @rule(who=st.integers(1, PEOPLE), seat=st.booleans())
        def invite(self, who, seat):
            self.do(life.invite(who, seat=seat))

        @precondition(lambda self: self.those("invited"))
        @rule(data=st.data())
        def accept(self, data):
            self.do(life.accept(data.draw(st.sampled_from(self.those("invited")))))

        @precondition(lambda self: self.those("invited", "active"))
        @rule(data=st.data())
        def leave_or_withdraw(self, data):
            self.do(life.leave(data.draw(st.sampled_from(self.those("invited", "active")))))

        @precondition(lambda self: len(life.model.people) > 1)
        @rule(data=st.data(), seat=st.booleans())
        def promote_or_demote(self, data, seat):
            who = data.draw(st.sampled_from([who for who in life.model.people if who]))
            self.do(life.change(who, seat=seat))

        @rule(data=st.data())
        def choose(self, data):
            people = sorted(life.model.people)
            self.do(life.choose(data.draw(st.lists(st.sampled_from(people), unique=True, max_size=3))))

        @rule(seats=SEATS, interval=INTERVALS)
        def buy(self, seats, interval):
            if len(life.model.orders) < 3:
                self.do(life.buy(seats, interval))

        @rule(seats=SEATS, interval=INTERVALS)
        def add(self, seats, interval):
            self.do(life.add(seats, interval))

        @rule(seats=SEATS)
        def remove(self, seats):
            self.do(life.remove(seats))

        @rule()
        def keep(self):
            self.do(life.keep())

        @rule(interval=INTERVALS)
        def change_interval(self, interval):
            self.do(life.change_interval(interval))

        @precondition(lambda self: any(bill.owed for bill in life.model.bills))
        @rule(number=st.integers(0, 5))
        def pay(self, number):
            self.do(life.pay(number))

        @rule(by=SPANS)
        def forward(self, by):
            self.do(life.forward(by))

        @invariant()
        def the_product_is_as_the_model_says(self):
            if hasattr(life, "model"):
                self.do(life.check())

    return Machine


@pytest.fixture
def life(databases, town, pytestconfig):
    services = replace(
        town.services, settings=town.services.settings.model_copy(update={"seats_on_credit": model.ON_CREDIT})
    )
    return Life(databases, services, pytestconfig.stash[database._SWEEPER])


async def test_the_life_of_a_company_is_that_of_the_model(life):
    machine = machine_of(life, asyncio.get_running_loop())
    profile = settings(
        max_examples=150 if THOROUGH else 6,
        stateful_step_count=60 if THOROUGH else 15,
        deadline=None,
        database=None,
        derandomize=not THOROUGH,
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=profile)
