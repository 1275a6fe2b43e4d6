"""Invoices and payments: what is open, since when it is settled, and what no write may do."""

import asyncio
from datetime import date

import pytest

from kedang_platform.errors import Refused
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change

pytestmark = pytest.mark.requirement("P4")
DAY = date(2026, 1, 15)


@pytest.fixture
async def finance(shop):
    return await shop.as_member(await shop.hire("Laura Callahan", "FINANCE"))


@pytest.fixture
async def customer(shop):
    return await shop.create("customer", name="Ernst Handel")


@pytest.fixture
async def invoice(shop, finance, customer):
    return await bill(shop, finance, customer, 100_00)


async def bill(shop, finance, customer, amount, **values):
    given = {"number": new_id().hex, "customer_id": customer, "amount": amount, "issued_on": DAY} | values
    return await shop.create("invoice", viewer=finance, **given)


async def pay(shop, finance, invoice, amount, on=DAY):
    values = {"number": new_id().hex, "invoice_id": invoice, "amount": amount, "received_on": on}
    return await shop.create("payment", viewer=finance, **values)


async def standing(shop, invoice):
    (row,) = await shop.fetch(
        "SELECT state, amount, paid, open_amount, settled_on, version FROM invoice WHERE id = $1", invoice
    )
    return tuple(row.values())


def codes(refused):
    return [(error.code, error.path[-1]) for error in refused.value.errors]


async def test_an_invoice_is_settled_by_its_payments_and_opened_again_by_what_is_given_back(
    shop, finance, invoice
):
    assert await standing(shop, invoice) == ("OPEN", 10000, 0, 10000, None, 1)
    assert await shop.value("SELECT (due_on, currency)::text FROM invoice") == "(2026-01-15,USD)"
    await pay(shop, finance, invoice, 40_00, date(2026, 2, 20))
    assert await standing(shop, invoice) == ("OPEN", 10000, 4000, 6000, None, 1)
    last = await pay(shop, finance, invoice, 60_00, date(2026, 2, 10))
    assert await standing(shop, invoice) == ("PAID", 10000, 10000, 0, date(2026, 2, 20), 1)
    back = await pay(shop, finance, invoice, -10_00, date(2026, 2, 28))
    assert await standing(shop, invoice) == ("OPEN", 10000, 9000, 1000, None, 1)
    await shop.change(Change("payment", "archive", back), viewer=finance)
    assert (await standing(shop, invoice))[0] == "PAID"
    await shop.update("payment", last, viewer=finance, amount=50_00)
    assert await standing(shop, invoice) == ("OPEN", 10000, 9000, 1000, None, 1)
    await shop.update("invoice", invoice, viewer=finance, amount=90_00)
    assert (await standing(shop, invoice))[:5] == ("PAID", 9000, 9000, 0, date(2026, 2, 20))


async def test_more_than_is_open_is_not_taken_by_one_or_by_many(shop, finance, invoice):
    for amount, code in ((100_01, "MORE_THAN_OPEN"), (-1, "MORE_THAN_PAID"), (0, "OUT_OF_RANGE")):
        with pytest.raises(Refused) as refused:
            await pay(shop, finance, invoice, amount)
        assert codes(refused) == [(code, "amount")]
    half = {"invoice_id": invoice, "amount": 60_00, "received_on": DAY}
    with pytest.raises(Refused) as refused:
        await shop.change(
            *(Change("payment", "create", values=half | {"number": str(n)}) for n in range(2)), viewer=finance
        )
    assert codes(refused) == [("MORE_THAN_OPEN", "amount")]
    with pytest.raises(Refused) as refused:
        await pay(shop, finance, invoice, 1, date(2026, 3, 3))
    assert codes(refused) == [("IN_THE_FUTURE", "receivedOn")]
    assert await standing(shop, invoice) == ("OPEN", 10000, 0, 10000, None, 1)
    assert await shop.value("SELECT count(*) FROM payment") == 0


async def test_of_payments_at_the_same_time_those_that_fit_are_taken(shop, finance, invoice):
    done = await asyncio.gather(
        *(pay(shop, finance, invoice, 30_00) for _ in range(5)), return_exceptions=True
    )
    refused = [one for one in done if isinstance(one, Refused)]
    assert [error.errors[0].code for error in refused] == ["MORE_THAN_OPEN"] * 2
    assert await standing(shop, invoice) == ("OPEN", 10000, 9000, 1000, None, 1)


async def test_nothing_is_open_of_a_cancelled_invoice_and_nothing_comes_in_for_it(shop, finance, invoice):
    await pay(shop, finance, invoice, 30_00)
    with pytest.raises(Refused) as refused:
        await shop.update("invoice", invoice, viewer=finance, amount=29_99)
    assert codes(refused) == [("LESS_THAN_PAID", "amount")]
    with pytest.raises(Refused) as refused:
        await shop.update("invoice", invoice, viewer=finance, cancelled_on=date(2026, 1, 14))
    assert codes(refused) == [("BEFORE_IT_WAS_ISSUED", "cancelledOn")]
    await shop.update("invoice", invoice, viewer=finance, cancelled_on=date(2026, 2, 1))
    assert await standing(shop, invoice) == ("CANCELLED", 10000, 3000, 0, None, 2)
    with pytest.raises(Refused) as refused:
        await pay(shop, finance, invoice, 1_00)
    assert codes(refused) == [("INVOICE_CANCELLED", "invoiceId")]
    await pay(shop, finance, invoice, -30_00)
    assert await standing(shop, invoice) == ("CANCELLED", 10000, 0, 0, None, 2)
    await shop.update("invoice", invoice, viewer=finance, cancelled_on=None)
    assert await standing(shop, invoice) == ("OPEN", 10000, 0, 10000, None, 3)


async def test_what_is_put_away_or_comes_back_keeps_payments_between_nothing_and_the_amount(
    shop, finance, invoice
):
    first = await pay(shop, finance, invoice, 70_00)
    await shop.change(Change("payment", "archive", first), viewer=finance)
    await pay(shop, finance, invoice, 60_00)
    with pytest.raises(Refused) as refused:  # 130.00 of 100.00
        await shop.change(Change("payment", "restore", first), viewer=finance)
    assert [error.code for error in refused.value.errors] == ["MORE_THAN_OPEN"]
    last = await pay(shop, finance, invoice, 40_00)
    await pay(shop, finance, invoice, -50_00)
    (kept,) = await shop.fetch("SELECT id FROM payment WHERE amount = 6000")
    with pytest.raises(Refused) as refused:  # 10.00 less than nothing
        await shop.change(Change("payment", "archive", kept["id"]), viewer=finance)
    assert [error.code for error in refused.value.errors] == ["MORE_THAN_PAID"]
    assert await standing(shop, invoice) == ("OPEN", 10000, 5000, 5000, None, 1)
    await shop.change(Change("payment", "archive", last), viewer=finance)
    assert await standing(shop, invoice) == ("OPEN", 10000, 1000, 9000, None, 1)


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"due_on": date(2026, 1, 14)}, "BEFORE_IT_WAS_ISSUED", "dueOn"),
        ({"cancelled_on": date(2026, 3, 3)}, "IN_THE_FUTURE", "cancelledOn"),
        ({"amount": -1}, "OUT_OF_RANGE", "amount"),
        ({"paid": 5}, "FORBIDDEN", "paid"),
        ({"open_amount": 5}, "FORBIDDEN", "openAmount"),
        ({"currency": "GULDEN"}, "TOO_LONG", "currency"),
    ],
)
async def test_an_impossible_invoice_is_refused(shop, finance, customer, values, code, field):
    with pytest.raises(Refused) as refused:
        await bill(shop, finance, customer, **{"amount": 100} | values)
    assert codes(refused) == [(code, field)]
    assert await shop.value("SELECT count(*) FROM invoice") == 0


async def test_an_invoice_is_of_an_order_of_the_same_customer(shop, finance, customer):
    other = await shop.create("customer", name="Alfreds Futterkiste")
    order = await shop.order(other, DAY, ("1", "1"))
    with pytest.raises(Refused) as refused:
        await bill(shop, finance, customer, 100, order_id=order)
    assert codes(refused) == [("OF_ANOTHER_CUSTOMER", "orderId")]


@pytest.mark.requirement("A11")
async def test_finance_keeps_invoices_and_nobody_else_does(shop, finance, customer, invoice):
    keeper = await shop.hire("Steven Buchanan", "ARCHIVE_KEEPER")
    for viewer in (shop.viewer, await shop.as_member(keeper)):
        with pytest.raises(Refused) as refused:
            await bill(shop, viewer, customer, 100)
        assert [error.code for error in refused.value.errors] == ["FORBIDDEN"]
    assert await shop.value("SELECT count(*) FROM invoice") == 1
