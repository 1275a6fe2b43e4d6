"""Invoices: exact amounts, numbers without a gap, nothing changed once it stands (T4)."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.billing_details import BillingDetails, keep_details
from kedang_platform.licensing.invoices import InvoiceNegative, Line, taxed_line
from kedang_platform.licensing.numbers import take_number
from kedang_platform.settings import Settings
from tests.invoices.conftest import BILLING, NOW, SELLER, Books, line


@pytest.mark.requirement("T4")
async def test_an_invoice_says_who_owes_whom_what_and_why(books):
    period = (date(2026, 11, 22), date(2026, 12, 22))
    wanted = Line("Further seats, by the month", {}, 3, 4900, period, Fraction(18, 30), 8820)
    made = await books.issue(lines=[wanted])
    assert (made.number, made.series, made.year, made.sequence) == ("INV-2026-000001", "INV", 2026, 1)
    assert (made.net, made.tax, made.gross, made.currency) == (8820, 0, 8820, "CNY")
    assert (made.issued_on, made.due_at) == (date(2026, 11, 22), NOW + timedelta(days=14))
    assert made.seller["name"] == "Kedang Ltd"
    assert made.buyer == {
        "name": "Northwind Traders",
        "tax_number": None,
        "address": None,
        "email": None,
        "country": "CN",
    }
    assert await books.found(made) == made
    (only,) = made.lines
    assert (only.quantity, only.unit_price, only.period, only.share) == (3, 4900, period, Fraction(3, 5))
    assert (made.state, await books.owed(made)) == ("open", 8820)


async def test_tax_is_added_by_the_country_of_the_buyer_and_rounded_once_a_line(books):
    books.with_rules(tax_rates={"CN": Decimal(13), "US": Decimal(7)})
    made = await books.issue(3430, 50, 50)
    assert [one.tax for one in made.lines] == [446, 7, 7]  # 445.9, 6.5, 6.5: half up, each by itself
    assert (made.tax_rate, made.net, made.tax, made.gross) == (Decimal(13), 3530, 460, 3990)


async def test_what_the_company_said_of_itself_is_frozen_into_each_invoice(books):
    before = await books.issue(100)
    async with books.databases.control() as control:
        said = BillingDetails(
            "上海龙腾科技有限公司", "91310104MA1FR5XX1Y", "漕溪北路18号", "fapiao@longteng.example"
        )
        await keep_details(control, said, company_id=books.company.id, by=books.company.id, now=NOW)
    after = await books.issue(100)
    assert (await books.found(before)).buyer["name"] == "Northwind Traders"
    assert after.buyer == {
        "name": "上海龙腾科技有限公司",
        "tax_number": "91310104MA1FR5XX1Y",
        "address": "漕溪北路18号",
        "email": "fapiao@longteng.example",
        "country": "CN",
    }


async def test_the_year_is_that_of_the_seller(books):
    books.now = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    assert (await books.issue(1)).number == "INV-2026-000001"
    books.now += timedelta(minutes=1)
    assert (await books.issue(1)).number == "INV-2027-000001"
    books.now = NOW
    assert (await books.issue(1)).number == "INV-2026-000002"


async def test_lines_may_be_negative_but_not_all_of_an_invoice(books):
    assert (await books.issue(500, -200)).net == 300
    before = await books.all_there_is()
    with pytest.raises(InvoiceNegative):
        await books.issue(200, -201)
    assert await books.all_there_is() == before


@pytest.mark.requirement("T4")
async def test_twenty_at_once_of_which_some_fail_leave_no_gap(books, databases):
    class Fails(Exception):
        pass

    async def one(number):
        async with databases.control() as control:
            taken = await take_number(control, series="INV", year=2026, billing=BILLING)
            await asyncio.sleep(0.002)
            if number % 3 == 0:
                raise Fails
            return taken.sequence

    told = await asyncio.gather(*(one(number) for number in range(20)), return_exceptions=True)
    assert sum(isinstance(answer, Fails) for answer in told) == 7
    assert sorted(answer for answer in told if isinstance(answer, int)) == list(range(1, 14))
    assert (await books.issue(1)).sequence == 14


async def test_invoices_and_credit_notes_of_two_companies_at_once_wait_for_each_other_without_end(
    databases, two_companies
):
    one, other = [await Books(databases, company).subscribe() for company in two_companies]
    bills = [await one.issue(100), await other.issue(100)]
    await asyncio.gather(
        *(one.credit(bills[0], 1) for _ in range(5)),
        *(other.issue(1) for _ in range(5)),
        *(other.credit(bills[1], 1) for _ in range(5)),
        *(one.issue(1) for _ in range(5)),
    )
    numbers = "SELECT array_agg(sequence ORDER BY sequence) FROM platform.invoice WHERE kind = $1"
    assert await one.value(numbers, "invoice") == list(range(1, 13))
    assert await one.value(numbers, "credit_note") == list(range(1, 11))


@pytest.mark.requirement("T4", "T7")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE platform.invoice SET gross = 1, net = 1",
        "UPDATE platform.invoice SET number = 'INV-2026-000009'",
        "DELETE FROM platform.invoice",
        "UPDATE platform.invoice_line SET net = 0",
        "DELETE FROM platform.invoice_line",
        "UPDATE platform.payment SET amount = 1",
        "DELETE FROM platform.payment_step",
        "UPDATE platform.allocation SET amount = 1",
        "DELETE FROM platform.invoice_number",
        "TRUNCATE platform.invoice CASCADE",
    ],
)
async def test_the_product_itself_cannot_rewrite_its_books(books, sql):
    invoice = await books.issue(100)
    await books.receive(invoice)
    before = await books.all_there_is()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with books.databases.control() as control:
            await control.fetch(sql)
    assert await books.all_there_is() == before


async def test_books_outlive_the_company(books):
    invoice = await books.issue(100)
    async with books.databases.control() as control:
        await control.fetch("UPDATE platform.tenant_schema SET state = 'spare', company_id = NULL")
        await control.fetch("DELETE FROM platform.company WHERE id = $1", books.company.id)
    assert await books.found(invoice) == invoice


amounts = st.integers(min_value=-(10**9), max_value=10**9)
rates = st.decimals(min_value=0, max_value=100, places=4)


@given(net=st.lists(amounts, min_size=1, max_size=12), rate=rates)
def test_lines_add_up_to_the_total_whatever_the_rate(net, rate):
    taxed = [taxed_line(line(amount), rate) for amount in net]
    assert sum(one.gross for one in taxed) == sum(net) + sum(one.tax for one in taxed)
    for one in taxed:
        exact = Fraction(one.amount) * Fraction(rate) / 100
        assert abs(Fraction(one.tax) - exact) <= Fraction(1, 2)


def test_the_settings_say_who_sells_and_what_tax_is_added():
    settings = Settings(
        seller_name="Kedang Ltd",
        bank_account="Kedang Ltd, First Bank, 1001 2345",
        tax_rates={"DE": "19", "CN": "6.5"},
        second_operator_above={"CNY": 100_000},
        invoice_days=30,
    )
    billing = Billing.of(settings)
    assert billing.seller == SELLER
    assert billing.tax_rate(country="CN") == Decimal("6.5")
    assert billing.tax_rate(country="FR") == 0
    assert billing.second_operator_above == {"CNY": 100_000}
    assert billing.payable_in == timedelta(days=30)
