"""Payments: parts, too much, two operators, undoing (T4, O2)."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal

import pytest

from kedang_platform.licensing.payment_errors import (
    AlreadyConfirmed,
    AmountWrong,
    MisreadReference,
    NothingOpen,
    PaymentDiffers,
    PaymentReversed,
    SameOperator,
    UnknownPayment,
    UnknownReference,
    ValueDateWrong,
)
from kedang_platform.licensing.references import new_reference
from kedang_platform.licensing.seats import seats_of
from tests.invoices.conftest import NOW


async def seats(books):
    async with books.databases.control_read() as read:
        return (await seats_of(read, company_id=books.company.id)).paid


@pytest.mark.requirement("T4")
async def test_a_transfer_pays_what_is_owed_and_its_seats_count(books):
    order = await books.order(7, "year")
    done = await books.receive(order)
    assert (done.payment.amount, done.payment.currency, done.payment.state) == (343000, "CNY", "confirmed")
    assert done.payment.value_date == date(2026, 11, 22)
    assert [(one.step, one.operator, one.at) for one in done.payment.steps] == [
        ("proposed", "lin", NOW),
        ("confirmed", "lin", NOW),
    ]
    assert (done.owed, done.credit, done.invoice.state) == (0, 0, "paid")
    assert (done.order.state, done.order.confirmed_by, done.order.confirmed_at) == ("paid", "lin", NOW)
    assert await seats(books) == 7


@pytest.mark.requirement("T4")
async def test_parts_add_up_and_only_the_last_one_gives_the_seats(books):
    order = await books.order(7, "year")
    first = await books.receive(order, 100000)
    assert (first.owed, first.invoice.state, first.order.state) == (243000, "open", "pending")
    assert await seats(books) == 0
    last = await books.receive(order, 243000, operator="wei")
    assert (last.owed, last.order.state, last.order.confirmed_by) == (0, "paid", "wei")
    assert await seats(books) == 7


@pytest.mark.requirement("T4")
async def test_too_much_is_credit_that_the_next_invoice_uses(books):
    invoice = await books.issue(1000)
    done = await books.receive(invoice, 1500)
    assert (done.owed, done.credit) == (0, 500)
    following = await books.issue(1200)
    assert (following.state, await books.owed(following), await books.balance()) == ("open", 700, 0)


async def test_what_came_under_one_reference_too_much_pays_what_else_is_due(books):
    first, later = await books.issue(1000), await books.issue(400)
    order = await books.order(1, "month")
    done = await books.receive(first, 1500)
    assert (await books.found(later)).state == "paid"
    # An order binds nobody: credit is not spent on it.
    assert (await books.owed(order), done.credit) == (4900, 100)


async def test_an_order_that_credit_pays_is_paid_at_once(books):
    await books.receive(await books.issue(1000), 1000 + 4900)
    order = await books.order(1, "month")
    assert (order.state, order.confirmed_by) == ("paid", "credit")
    assert await books.balance() == 0


@pytest.mark.requirement("T4")
async def test_above_the_limit_a_second_operator_confirms(books):
    books.with_rules(second_operator_above={"CNY": 100_000})
    order = await books.order(7, "year")
    first = await books.receive(order)
    assert (first.payment.state, first.owed, first.order.state) == ("proposed", 343000, "pending")
    assert await seats(books) == 0
    before = await books.all_there_is()
    with pytest.raises(SameOperator) as refused:
        await books.receive(order)
    assert refused.value.params == {"operator": "lin"}
    with pytest.raises(PaymentDiffers) as differs:
        await books.receive(order, 343001, operator="wei")
    assert differs.value.params == {
        "amount": "3430.00",
        "currency": "CNY",
        "day": "2026-11-22",
        "operator": "lin",
    }
    assert await books.all_there_is() == before

    second = await books.receive(order, operator="wei")
    assert second.payment.id == first.payment.id
    assert [(one.step, one.operator) for one in second.payment.steps] == [
        ("proposed", "lin"),
        ("confirmed", "wei"),
    ]
    assert (second.owed, second.order.confirmed_by, await seats(books)) == (0, "wei", 7)


async def test_up_to_the_limit_one_operator_is_enough_and_pieces_are_added_up(books):
    books.with_rules(second_operator_above={"CNY": 600, "USD": 1})
    invoice = await books.issue(1000)
    assert (await books.receive(invoice, 600)).payment.state == "confirmed"
    assert (await books.receive(invoice, 1)).payment.state == "proposed"


async def test_of_ten_second_operators_at_once_one_confirms(books):
    books.with_rules(second_operator_above={"CNY": 0})
    invoice = await books.issue(1000)
    await books.receive(invoice)
    told = await asyncio.gather(
        *(books.receive(invoice, operator=f"o{number}") for number in range(10)), return_exceptions=True
    )
    assert sum(isinstance(answer, AlreadyConfirmed) for answer in told) == 9
    assert (await books.owed(invoice), await books.balance()) == (0, 0)


@pytest.mark.requirement("T4")
async def test_a_second_confirmation_says_so_and_adds_nothing(books):
    invoice = await books.issue(1000)
    await books.receive(invoice, 400)
    await books.receive(invoice)
    before = await books.all_there_is()
    for amount in (None, 400):
        with pytest.raises(AlreadyConfirmed) as refused:
            await books.receive(invoice, amount, operator="wei")
        assert refused.value.params["operator"] == "lin"
    assert await books.all_there_is() == before
    assert (await books.receive(invoice, 400, again=True)).credit == 400


async def test_a_transfer_that_another_notes_the_day_after_is_not_paid_twice(books):
    invoice = await books.issue(1000)
    await books.receive(invoice, 400)
    books.now += timedelta(days=1)
    before = await books.all_there_is()
    with pytest.raises(AlreadyConfirmed):
        await books.receive(invoice, 400, operator="wei")
    assert await books.all_there_is() == before
    assert (await books.receive(invoice, 400, value_date=date(2026, 11, 23))).owed == 200


@pytest.mark.parametrize("amount", [0, -1, 10**15])
async def test_amounts_that_cannot_have_arrived_are_refused(books, amount):
    invoice = await books.issue(1000)
    before = await books.all_there_is()
    with pytest.raises(AmountWrong):
        await books.receive(invoice, amount)
    with pytest.raises(AmountWrong):
        await books.receive(invoice, "10.5")  # a tenth of the smallest unit
    with pytest.raises(ValueDateWrong):
        await books.receive(invoice, value_date=date(2026, 11, 23))
    assert await books.all_there_is() == before


async def test_references_that_are_wrong_confirm_nothing(books):
    invoice = await books.issue(1000)
    before = await books.all_there_is()
    wrong = invoice.reference[:-1] + ("2" if invoice.reference[-1] != "2" else "3")
    with pytest.raises(MisreadReference):
        await books.receive(wrong)
    with pytest.raises(UnknownReference):
        await books.receive(new_reference())
    assert await books.all_there_is() == before


async def test_of_a_credited_invoice_nothing_is_owed_but_money_that_came_is_kept(books):
    invoice = await books.issue(1000)
    await books.credit(invoice)
    with pytest.raises(NothingOpen):
        await books.receive(invoice)
    assert (await books.receive(invoice, 1000)).credit == 1000


@pytest.mark.requirement("T4")
async def test_a_wrong_confirmation_is_undone_and_never_deleted(books):
    order = await books.order(7, "year")
    payment = (await books.receive(order)).payment
    books.now += timedelta(hours=1)
    undone = await books.reverse(payment)
    assert (undone.payment.state, undone.owed, undone.credit) == ("reversed", 343000, 0)
    assert [(one.step, one.operator, one.remark) for one in undone.payment.steps] == [
        ("proposed", "lin", None),
        ("confirmed", "lin", None),
        ("reversed", "wei", "Another company's"),
    ]
    assert (undone.order.state, undone.order.confirmed_by, await seats(books)) == ("pending", None, 0)
    assert (await books.found(order)).state == "open"
    before = await books.all_there_is()
    with pytest.raises(PaymentReversed):
        await books.reverse(payment)
    assert await books.all_there_is() == before

    again = await books.receive(order)
    assert (again.owed, again.order.state, await seats(books)) == (0, "paid", 7)
    with pytest.raises(UnknownPayment):
        await books.reverse(books.company)


async def test_a_proposal_is_undone_and_another_one_made(books):
    books.with_rules(second_operator_above={"CNY": 0})
    invoice = await books.issue(1000)
    await books.reverse((await books.receive(invoice, 900)).payment)
    second = await books.receive(invoice, 1000, operator="wei")
    assert second.payment.state == "proposed"
    assert (await books.receive(invoice)).owed == 0


async def test_other_credit_takes_the_place_of_an_undone_payment(books):
    first, second = await books.issue(1000), await books.issue(700)
    wrong = (await books.receive(first)).payment
    await books.receive(second, 1900)  # 1200 too much
    undone = await books.reverse(wrong)
    assert (undone.invoice.state, undone.owed, undone.credit) == ("paid", 0, 200)


async def test_credit_of_a_note_goes_back_to_its_invoice_when_the_money_is_undone(books):
    invoice = await books.issue(1000)
    payment = (await books.receive(invoice)).payment
    await books.credit(invoice, 600)
    following = await books.issue(500)  # paid by the credit
    assert following.state == "paid"
    undone = await books.reverse(payment)
    # 1000 and 500 were invoiced, 600 credited, nothing paid.
    assert undone.owed + await books.owed(following) - undone.credit == 900
    assert (undone.owed, await books.owed(following), undone.credit) == (400, 500, 0)


async def test_an_order_says_what_is_transferred_with_its_tax(books):
    books.with_rules(tax_rates={"CN": Decimal(6)})
    order = await books.order(7, "year")
    assert (order.amount, order.gross) == (343000, 363580)
    done = await books.receive(order)
    assert (done.payment.amount, done.order.gross, done.owed) == (363580, 363580, 0)


@pytest.mark.requirement("T4")
@pytest.mark.parametrize("state", ["pending", "paid"])
async def test_orders_of_the_first_release_stay_payable_under_their_reference(books, state):
    """They lie in the database as that release wrote them: without an invoice; tax is not asked for afterwards."""
    books.with_rules(tax_rates={"CN": Decimal(6)})
    reference = new_reference()
    paid = ("lin", NOW) if state == "paid" else (None, None)
    async with books.databases.control() as control:
        await control.fetch(
            "INSERT INTO platform.seat_order (id, company_id, reference, seats, interval, currency, unit_price,"
            " amount, state, ordered_by, ordered_at, confirmed_by, confirmed_at)"
            " VALUES ($1, $1, $2, 3, 'month', 'USD', 900, 2700, $3, $1, $4, $5, $6)",
            books.company.id,
            reference,
            state,
            NOW - timedelta(days=30),
            *paid,
        )
    if state == "paid":
        before = await books.all_there_is()
        with pytest.raises(AlreadyConfirmed) as refused:
            await books.receive(reference)
        assert refused.value.params == {"reference": reference, "day": "2026-11-22", "operator": "lin"}
        assert await books.all_there_is() == before
        return
    done = await books.receive(reference)
    assert (done.invoice.reference, done.invoice.number) == (reference, "INV-2026-000001")
    assert (done.payment.amount, done.payment.currency, done.owed) == (2700, "USD", 0)
    assert (done.order.state, done.order.invoice_id, await seats(books)) == ("paid", done.invoice.id, 3)
