"""Companies that are invoiced, and the books beside them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from kedang_platform.licensing import ledger, payments, subscribe
from kedang_platform.licensing.billing import Billing, Seller
from kedang_platform.licensing.credit_notes import credit
from kedang_platform.licensing.invoices import Line, find_invoice, issue
from kedang_platform.licensing.orders import order_seats
from kedang_platform.licensing.payments import Received
from kedang_platform.licensing.plans import SeatPrice, plan_in_force
from kedang_platform.licensing.seats import hold_seats

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
SELLER = Seller(name="Kedang Ltd", bank_account="Kedang Ltd, First Bank, 1001 2345")
BILLING = Billing(seller=SELLER, time_zone="Asia/Shanghai")
BOOKS = ("invoice_number", "invoice", "invoice_line", "payment", "payment_step", "allocation", "seat_order")


def line(amount, *, quantity=1):
    return Line("Further seats, by the month", {}, quantity, amount, None, Fraction(1), amount)


class Books:
    """One company's account, at a time that is moved by hand."""

    def __init__(self, databases, company, billing=BILLING):
        self.databases, self.company, self.billing, self.now = databases, company, billing, NOW

    def with_rules(self, **differences):
        self.billing = replace(self.billing, **differences)
        return self

    async def subscribe(self):
        async with self.databases.control() as control:
            await subscribe(control, company_id=self.company.id, free_seats=2, now=self.now)
        return self

    async def issue(self, *amounts, purpose="renewal", kind="invoice", corrects=None, lines=None):
        async with self.databases.control() as control:
            await hold_seats(control, company_id=self.company.id)
            return await issue(
                control,
                billing=self.billing,
                company_id=self.company.id,
                kind=kind,
                currency="CNY",
                lines=lines if lines is not None else [line(amount) for amount in amounts],
                due_at=self.now + timedelta(days=14) if kind == "invoice" else None,
                purpose=purpose,
                corrects=corrects.id if corrects else None,
                now=self.now,
            )

    async def order(self, seats=7, interval="year"):
        async with self.databases.control() as control:
            await hold_seats(control, company_id=self.company.id)
            await plan_in_force(control, prices={"CNY": (4900, 49000)}, now=self.now)
            return await order_seats(
                control,
                company_id=self.company.id,
                seats=seats,
                interval=interval,
                price=SeatPrice("CNY", 4900, 49000),
                ordered_by=self.company.id,
                billing=self.billing,
                now=self.now,
            )

    async def credit(self, invoice, amount=None, remark="Too much"):
        async with self.databases.control() as control:
            await hold_seats(control, company_id=self.company.id)
            return await credit(
                control, billing=self.billing, invoice=invoice, amount=amount, remark=remark, now=self.now
            )

    async def receive(self, of, amount=None, *, operator="lin", value_date=None, again=False):
        """``amount`` in minor units, as everything else in these tests."""
        given = None if amount is None else Decimal(amount).scaleb(-2)
        reference = getattr(of, "reference", of)
        async with self.databases.control() as control:
            return await payments.receive(
                control,
                received=Received(reference, amount=given, value_date=value_date, again=again),
                operator=operator,
                billing=self.billing,
                now=self.now,
            )

    async def reverse(self, payment, operator="wei", remark="Another company's"):
        async with self.databases.control() as control:
            return await payments.reverse(
                control,
                payment_id=payment.id,
                operator=operator,
                remark=remark,
                billing=self.billing,
                now=self.now,
            )

    async def found(self, invoice):
        async with self.databases.control_read() as read:
            return await find_invoice(read, invoice_id=getattr(invoice, "invoice_id", None) or invoice.id)

    async def owed(self, invoice):
        async with self.databases.control_read() as read:
            return await ledger.open_of(read, invoice_id=getattr(invoice, "invoice_id", None) or invoice.id)

    async def balance(self):
        async with self.databases.control_read() as read:
            return await ledger.credit_of(read, company_id=self.company.id, currency="CNY")

    async def value(self, sql, *args):
        async with self.databases.control_read() as read:
            return await read.fetchval(sql, *args)

    async def all_there_is(self):
        """What a refusal must leave as it is."""
        told = {}
        async with self.databases.control_read() as read:
            for table in (*BOOKS, "subscription", "membership"):
                rows = await read.fetch(f"SELECT to_jsonb(t)::text AS row FROM platform.{table} t ORDER BY 1")
                told[table] = [row["row"] for row in rows]
        return told


@pytest.fixture
async def books(databases, company):
    return await Books(databases, company).subscribe()
