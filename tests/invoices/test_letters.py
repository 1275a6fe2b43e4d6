"""Letters that bring invoices and say that one is overdue; the mark of the latter (T4, T10)."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.billing_details import BillingDetails, keep_details
from kedang_platform.licensing.invoice_links import read_invoice_link
from kedang_platform.work import NewJob, enqueue
from tests.invoices.conftest import Books

OWNER = "andrew.fuller@northwind.example"


class Counting(Books):
    """The books of a company that signed up in a town."""

    def __init__(self, town, company):
        super().__init__(town.databases, company, Billing.of(town.services.settings))
        self.town = town

    @property
    def now(self):
        return self.town.clock.now()

    @now.setter
    def now(self, _):
        pass

    def letters(self, subject, to=OWNER):
        return [mail for mail in self.town.mails_to(to) if mail.subject == subject]

    async def later(self, **by):
        """Let time pass and the hourly look for what is overdue happen."""
        self.town.clock.move(timedelta(**by))
        async with self.databases.control() as control:
            await enqueue(control, NewJob("licensing.find_overdue"))
        await self.town.work()


@pytest.fixture
async def counting(town):
    signed_in = await town.open()
    return Counting(town, await town.company(signed_in.company.id))


@pytest.mark.requirement("T4", "T10")
async def test_the_owner_gets_a_letter_with_a_link_to_the_paper(counting):
    invoice = await counting.issue(9000)
    await counting.town.work()
    (letter,) = counting.letters("Invoice INV-2026-000001")
    due = (counting.now + timedelta(days=14)).astimezone(ZoneInfo("America/New_York")).date().isoformat()
    assert "Invoice INV-2026-000001 of 90.00 CNY for Northwind Traders was issued." in letter.text
    assert f"Please transfer 90.00 CNY by {due} and name the reference {invoice.reference}." in letter.text
    token = re.search(r"/invoices/([\w-]+)", letter.text)[1]
    grant = read_invoice_link(counting.town.services.key, token, now=counting.now + timedelta(days=29))
    assert (grant.company_id, grant.invoice_id, grant.language) == (counting.company.id, invoice.id, "en")


async def test_the_billing_address_gets_it_in_place_of_the_owners(counting):
    async with counting.databases.control() as control:
        said = BillingDetails(email="billing@northwind.example")
        await keep_details(
            control, said, company_id=counting.company.id, by=counting.company.id, now=counting.now
        )
    note = await counting.credit(await counting.issue(9000), 100)
    await counting.town.work()
    assert len(counting.letters("Invoice INV-2026-000001", "billing@northwind.example")) == 1
    (letter,) = counting.letters(f"Credit note {note.number}", "billing@northwind.example")
    assert "Please transfer" not in letter.text
    assert counting.letters("Invoice INV-2026-000001") == []


@pytest.mark.requirement("T4")
async def test_what_is_overdue_is_marked_and_told_once(counting):
    late, order = await counting.issue(9000), await counting.order(1)
    await counting.later(days=13, hours=23)
    assert (await counting.found(late)).overdue_at is None
    await counting.later(hours=2)
    assert (await counting.found(late)).overdue_at is not None
    assert (await counting.found(order)).overdue_at is None  # an order binds nobody
    subject = "Invoice INV-2026-000001 is overdue"
    (letter,) = counting.letters(subject)
    assert f"Please transfer 90.00 CNY now and name the reference {late.reference}." in letter.text
    await counting.later(days=3)
    assert len(counting.letters(subject)) == 1


async def test_what_was_paid_or_credit_covers_is_never_overdue(counting):
    paid, covered = await counting.issue(9000), await counting.issue(500)
    await counting.receive(paid)
    await counting.credit(paid, 500)
    await counting.later(days=15)
    for invoice in (paid, covered):
        found = await counting.found(invoice)
        assert (found.state, found.overdue_at) == ("paid", None)
    assert counting.letters("Invoice INV-2026-000002 is overdue") == []
