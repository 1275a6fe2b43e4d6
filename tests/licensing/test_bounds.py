"""Nobody uses seats that nobody paid for, and nobody loses what was paid (T3, T4)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kedang_platform.licensing import Seats
from kedang_platform.licensing.ledger import credit_of
from kedang_platform.licensing.operating import undo_payment
from kedang_tenants.people import licence
from kedang_tenants.people.operations import owners_of

pytestmark = pytest.mark.requirement("T4")

# The clock of `town` says 2 March, 01:00 UTC; in New York, where the company is, it is the first of March.


@pytest.fixture
async def active(counter):
    """Three seats by the month from 1 March on."""
    await counter.confirm(await counter.buy(3, "month"))
    return counter


async def reverse(counter, invoice_id):
    """Undo the payment that arrived for an invoice, as the operator's command does."""
    databases = counter.town.databases
    async with databases.control_read() as read:
        payment = await read.fetchval("SELECT id FROM platform.payment WHERE invoice_id = $1", invoice_id)
    return await undo_payment(
        databases,
        payment_id=payment,
        operator="wei",
        remark="wrong",
        owners=owners_of,
        settings=counter.town.services.settings,
        clock=counter.town.clock,
    )


async def test_between_the_end_of_a_period_and_its_renewal_no_seat_is_free(active, town):
    town.clock.instant = datetime(2026, 4, 1, 12, tzinfo=UTC)  # the hourly job has not been here yet
    first = await active.add(5)
    assert (first.invoice.purpose, first.invoice.net) == ("addition", 5 * 900)
    assert (await active.stands()).period.start.isoformat() == "2026-04-01"
    second = await active.add(16)
    assert (second.invoice, second.order.state) == (None, "pending")
    assert await active.seats() == Seats(free=2, paid=8, taken=1)


async def test_a_removal_after_the_end_of_a_period_is_of_the_next_one(active, town):
    town.clock.instant = datetime(2026, 4, 1, 12, tzinfo=UTC)
    await licence.remove_seats(town.services, active.viewer, company=active.company, seats=2)
    (renewal,) = await active.open_invoices()
    assert (renewal.purpose, renewal.net) == ("renewal", 2700)
    held = await active.stands()
    assert (held.paid_seats, held.seats_at_renewal) == (3, 1)


async def test_seats_are_ordered_in_the_currency_of_the_running_period(active, town):
    listed = {"CNY": (4900, 49000), "USD": (900, 9000)}
    moved = replace(active.company, currency="CNY")
    services = replace(
        town.services, settings=town.services.settings.model_copy(update={"seat_prices": listed})
    )
    added = await licence.add_seats(services, active.viewer, company=moved, seats=21, interval=None)
    assert (added.order.currency, added.order.amount) == ("USD", 21 * 900)
    await active.confirm(added.order)
    assert await active.open_invoices() == []
    assert await active.seats() == Seats(free=2, paid=24, taken=1)


async def test_an_owner_keeps_a_seat_also_where_the_chosen_one_is_an_owner_no_more(active):
    nancy, janet = await active.join("nancy"), await active.join("janet")
    andrew = active.viewer.member_id
    margaret = await active.join("margaret")
    await active.change(margaret, roles=["OWNER"])
    await licence.choose_seats(
        active.town.services, active.viewer, company=active.company, member_ids=[margaret, nancy]
    )
    await active.change(margaret, roles=["REPRESENTATIVE"])
    await licence.remove_seats(active.town.services, active.viewer, company=active.company, seats=3)
    await active.on("2026-04-01")
    await active.town.work()
    assert await active.full() == {andrew, margaret}
    assert janet not in await active.full()


async def test_an_owner_keeps_a_seat_when_a_payment_is_undone(active, town):
    order = (await active.orders())[0]
    town.clock.move(timedelta(minutes=1))
    nancy = await active.join("nancy")
    town.clock.move(timedelta(minutes=1))
    margaret = await active.join("margaret")
    await active.change(margaret, roles=["OWNER"])
    await active.change(active.viewer.member_id, roles=["REPRESENTATIVE"])
    await reverse(active, order.invoice_id)
    await town.work()
    assert await active.full() == {margaret, active.viewer.member_id}
    assert nancy not in await active.full()


async def test_a_purchase_that_is_undone_after_its_period_takes_no_seat_that_a_renewal_paid(active, town):
    order = (await active.orders())[0]
    await active.on("2026-04-01")
    (renewal,) = await active.open_invoices()
    await active.pay(renewal)
    await reverse(active, order.invoice_id)
    held = await active.stands()
    assert (held.state, held.paid_seats, held.period.start.isoformat()) == ("active", 3, "2026-04-01")
    assert (await active.orders())[0].state == "pending"


async def test_a_removal_that_was_asked_for_stays_when_a_payment_is_undone(active):
    await active.confirm(await active.buy(6, "month"))
    await licence.remove_seats(active.town.services, active.viewer, company=active.company, seats=1)
    first = next(order for order in await active.orders() if order.seats == 3)
    await reverse(active, first.invoice_id)
    held = await active.stands()
    assert (held.paid_seats, held.seats_next) == (6, 5)


async def test_an_order_that_was_paid_by_mistake_while_a_period_ran_leaves_nothing_to_pay(active, town):
    order = await active.buy(30, "year")
    await active.confirm(order)
    assert await active.seats() == Seats(free=2, paid=33, taken=1)
    await reverse(active, order.invoice_id)
    assert await active.seats() == Seats(free=2, paid=3, taken=1)
    assert await active.open_invoices() == []
    async with town.databases.control_read() as read:
        assert await credit_of(read, company_id=active.company.id, currency="USD") == 0
    assert {one.seats: one.state for one in await active.orders()} == {30: "withdrawn", 3: "paid"}
    assert (await active.stands()).state == "active"
