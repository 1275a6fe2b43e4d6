"""Credit notes: a paper of its own, never more than what is left (T4)."""

from decimal import Decimal

import pytest

from kedang_platform.licensing.credit_notes import RemarkMissing, checked_remark
from kedang_platform.licensing.invoices import CreditTooLarge
from tests.invoices.conftest import line


@pytest.mark.requirement("T4")
async def test_a_credit_note_has_its_own_series_and_takes_off_what_is_owed(books):
    invoice = await books.issue(1000)
    note = await books.credit(invoice, 300)
    assert (note.number, note.kind, note.corrects) == ("CN-2026-000001", "credit_note", invoice.id)
    assert (note.net, note.gross, note.reference, note.due_at) == (300, 300, None, None)
    assert note.remark == "Too much"
    assert await books.owed(invoice) == 700
    assert await books.balance() == 0
    assert (await books.found(invoice)).state == "open"
    await books.receive(invoice)
    assert (await books.found(invoice)).state == "paid"


async def test_an_invoice_that_is_wholly_credited_is_neither_open_nor_paid(books):
    invoice = await books.issue(1000)
    await books.credit(invoice, 300)
    await books.credit(invoice)
    found = await books.found(invoice)
    assert (found.state, found.paid_at, found.credited_at) == ("credited", None, books.now)
    assert await books.owed(invoice) == 0


async def test_what_was_paid_of_a_credited_invoice_is_credit_that_the_next_one_uses(books):
    invoice = await books.issue(1000)
    await books.receive(invoice)
    await books.credit(invoice, 300)
    assert await books.balance() == 300
    following = await books.issue(250)
    assert (following.state, following.paid_at) == ("paid", books.now)
    assert await books.balance() == 50
    last = await books.issue(80)
    assert (await books.owed(last), await books.balance()) == (30, 0)


@pytest.mark.requirement("T4")
@pytest.mark.parametrize("amount", [0, -1, 701])
async def test_no_more_is_credited_than_what_is_left(books, amount):
    invoice = await books.issue(1000)
    await books.credit(invoice, 300)
    before = await books.all_there_is()
    with pytest.raises(CreditTooLarge) as refused:
        await books.credit(invoice, amount)
    assert (refused.value.code, refused.value.params) == ("CREDIT_TOO_LARGE", {"number": invoice.number})
    with pytest.raises(CreditTooLarge):
        await books.issue(701, kind="credit_note", corrects=invoice)
    assert await books.all_there_is() == before


async def test_a_credit_note_cannot_be_credited(books):
    note = await books.credit(await books.issue(1000), 300)
    with pytest.raises(CreditTooLarge):
        await books.credit(note)


async def test_parts_with_tax_come_to_the_whole(books):
    books.with_rules(tax_rates={"CN": Decimal(13)})
    invoice = await books.issue(10, 10, 10)  # 1.3 each: 1 + 1 + 1
    assert (invoice.net, invoice.tax) == (30, 3)
    parts = [await books.credit(invoice, 11) for _ in range(2)]
    rest = await books.credit(invoice)
    assert [(part.net, part.tax) for part in (*parts, rest)] == [(10, 1), (10, 1), (10, 1)]
    assert (await books.found(invoice)).state == "credited"


async def test_the_last_line_takes_the_tax_that_rounding_left(books):
    books.with_rules(tax_rates={"CN": Decimal(13)})
    invoice = await books.issue(100)  # 13
    first = await books.issue(33, kind="credit_note", corrects=invoice)  # 4.29
    rest = await books.issue(
        kind="credit_note", corrects=invoice, lines=[line(33), line(34)]
    )  # 4.29 and 4.42
    assert [one.tax for one in (*first.lines, *rest.lines)] == [4, 4, 5]
    assert first.gross + rest.gross == invoice.gross == 113


async def test_an_order_that_is_wholly_credited_is_withdrawn(books):
    order = await books.order()
    await books.credit(await books.found(order))
    assert await books.value("SELECT state FROM platform.seat_order WHERE id = $1", order.id) == "withdrawn"


@pytest.mark.parametrize("text", [None, "", "  \n", "x" * 501])
def test_why_has_to_be_said(text):
    with pytest.raises(RemarkMissing):
        checked_remark(text)
    assert checked_remark(" Paid\ntwice ") == "Paid twice"


async def test_a_credit_note_is_of_the_amount_that_was_asked_for_to_the_cent(books):
    books.with_rules(tax_rates={"CN": Decimal(13)})
    invoice = await books.issue(10)
    assert (invoice.net, invoice.tax) == (10, 1)
    notes = [await books.credit(invoice, amount) for amount in (3, 4, 3, None)]
    assert [note.gross for note in notes] == [3, 4, 3, 1]
    assert (sum(note.net for note in notes), sum(note.tax for note in notes)) == (10, 1)
