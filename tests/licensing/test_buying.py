"""Buying seats and the operator's confirmation of the transfer (T3, T4)."""

import asyncio
from datetime import timedelta

import pytest

from kedang_platform.errors import Forbidden
from kedang_platform.identity.errors import TooManyAttempts
from kedang_platform.licensing import AlreadyConfirmed, SeatRequired, Seats, price_for
from kedang_platform.licensing.orders import SeatsOutOfRange
from kedang_platform.licensing.payment_errors import MisreadReference, UnknownReference
from kedang_platform.licensing.references import new_reference
from tests.licensing.conftest import OPERATOR, Counter


@pytest.mark.requirement("T3", "T4")
async def test_seats_count_from_the_confirmation_of_their_transfer_on(counter, town):
    order = await counter.buy(7, "year")
    assert (order.seats, order.unit_price, order.amount, order.currency) == (7, 9000, 63000, "USD")
    assert (order.state, order.confirmed_by, order.confirmed_at) == ("pending", None, None)
    assert await counter.seats() == Seats(free=2, paid=0, taken=1)
    await counter.invite()
    with pytest.raises(SeatRequired):
        await counter.invite("janet@northwind.example", name="Janet")

    town.clock.move(timedelta(minutes=5))
    paid = await counter.confirm(order)
    assert (paid.state, paid.confirmed_by, paid.confirmed_at) == ("paid", OPERATOR, town.clock.now())
    assert paid.confirmed_at - paid.ordered_at == timedelta(minutes=5)
    assert await counter.orders() == [paid]
    assert await counter.seats() == Seats(free=2, paid=7, taken=2)
    for number in range(7):
        await counter.invite(f"n{number}@northwind.example", name=f"N {number}")
    with pytest.raises(SeatRequired) as refused:
        await counter.invite("tenth@northwind.example", name="Tenth")
    assert refused.value.params == {"seats": 9}


@pytest.mark.requirement("T4")
async def test_a_second_confirmation_says_so_and_adds_nothing(counter, town):
    order = await counter.buy()
    await counter.confirm(order)
    before = await counter.all_there_is()
    with pytest.raises(AlreadyConfirmed) as refused:
        await counter.confirm(order, operator="somebody else")
    assert str(refused.value) == (
        f"The transfer {order.reference} was confirmed already on"
        f" {town.clock.now().date().isoformat()} by {OPERATOR}."
    )
    assert await counter.all_there_is() == before


async def test_of_ten_confirmations_at_once_one_counts(counter):
    order = await counter.buy(3, "month")
    told = await asyncio.gather(*(counter.confirm(order) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(answer, AlreadyConfirmed) for answer in told) == 9
    assert await counter.seats() == Seats(free=2, paid=3, taken=1)


async def test_orders_add_up_and_wait_for_their_own_transfer(counter):
    first, second = await counter.buy(2, "month"), await counter.buy(5, "year")
    assert first.amount == 2 * 900
    await counter.confirm(second)
    assert await counter.seats() == Seats(free=2, paid=5, taken=1)
    await counter.confirm(first.reference.lower().replace("-", " "))
    assert await counter.seats() == Seats(free=2, paid=7, taken=1)
    assert {order.state for order in await counter.orders()} == {"paid"}


async def test_an_order_is_of_its_own_company(counter, rival):
    order = await counter.buy()
    await counter.confirm(order)
    assert await rival.seats() == Seats(free=2, paid=0, taken=1)
    assert await rival.orders() == []


async def test_an_order_of_no_seats_or_of_too_many_is_refused(counter):
    before = await counter.all_there_is()
    for seats in (0, -1, 1001):
        with pytest.raises(SeatsOutOfRange) as refused:
            await counter.buy(seats)
        assert (refused.value.code, refused.value.path) == ("SEATS_OUT_OF_RANGE", ("seats",))
        assert await counter.all_there_is() == before, seats


async def test_references_that_are_wrong_confirm_nothing(counter):
    order = await counter.buy()
    before = await counter.all_there_is()
    misread = order.reference[:-1] + ("2" if order.reference[-1] != "2" else "3")
    with pytest.raises(MisreadReference):
        await counter.confirm(misread)
    with pytest.raises(UnknownReference):
        await counter.confirm(new_reference())
    assert await counter.all_there_is() == before


async def test_only_owner_and_administrator_buy(counter):
    others = {
        role: await counter.as_member(role)
        for role in ("GENERAL_MANAGER", "REPRESENTATIVE", "FINANCE", "VIEW_ONLY")
    }
    before = await counter.all_there_is()
    for role, other in others.items():
        with pytest.raises(Forbidden):
            await other.buy()
        assert await counter.all_there_is() == before, role


async def test_an_administrator_without_a_seat_buys_one(counter, town):
    await counter.invite(roles=("ADMIN",), seat="none")
    admin = Counter(town, None, counter.company, await town.viewer(await counter.accept()))
    assert (await admin.buy(1)).ordered_by == admin.viewer.member_id


async def test_orders_of_a_day_are_limited(counter):
    for _ in range(20):
        await counter.buy(1)
    with pytest.raises(TooManyAttempts):
        await counter.buy(1)
    assert len(await counter.orders()) == 20


@pytest.mark.requirement("T4", "T10")
async def test_the_owners_are_told_once_in_their_inbox_and_by_mail(counter, town):
    order = await counter.buy()
    await counter.confirm(order)
    await town.work()
    async with town.databases.tenant_read(counter.company.ref) as read:
        notices = await read.fetch(
            "SELECT member_id, kind, title->>'en' AS title, body->>'en' AS body FROM notice"
        )
    text = f"The transfer {order.reference} of 630.00 USD has arrived. Further seats from now on: 7."
    assert [tuple(row) for row in notices] == [
        (counter.viewer.member_id, "SEATS_CONFIRMED", "Paid seats: 7", text)
    ]
    mails = [
        mail for mail in town.mails_to("andrew.fuller@northwind.example") if mail.subject == "Paid seats: 7"
    ]
    assert len(mails) == 1
    assert text in mails[0].text


async def test_telling_again_after_a_crash_tells_nobody_twice(counter, town):
    from kedang_tenants.people.seats import tell_owners
    from kedang_tenants.people.viewers import system_viewer

    order = await counter.confirm(await counter.buy())
    told = []
    for _ in range(2):
        async with town.databases.tenant_write(counter.company.ref) as write:
            viewer = await system_viewer(write, company=counter.company)
            told.append(await tell_owners(write, viewer, order=order, clock=town.clock))
    assert told == [1, 0]
    async with town.databases.tenant_read(counter.company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM notice") == 1


def test_a_company_pays_in_its_own_currency_or_in_the_first_of_the_list():
    prices = {"CNY": (4900, 49000), "USD": (900, 9000)}
    assert price_for(prices, currency="USD").per("month") == 900
    other = price_for(prices, currency="BRL")
    assert (other.currency, other.per("year")) == ("CNY", 49000)
