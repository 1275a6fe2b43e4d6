"""What the operator does with the books, each in one transaction under the lock of the company's seats (O2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from decimal import Decimal
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.licensing import credit_notes, lifecycle, orders, payments
from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.invoices import Invoice, UnknownInvoice, find_by_number, find_invoice
from kedang_platform.licensing.payment_errors import UnknownPayment
from kedang_platform.licensing.payments import Confirmation, exact_amount
from kedang_platform.licensing.seats import hold_seats
from kedang_platform.registry import Company, find_company
from kedang_platform.settings import Settings


async def correct_invoice(
    databases: Databases,
    *,
    number: str,
    amount: Decimal | None,
    remark: str,
    settings: Settings,
    clock: Clock,
) -> Invoice:
    """Credit an amount of an invoice, tax included, or all that is left of it; returns the credit note.

    What it leaves to the company's credit pays what else is due. Raises ``UnknownInvoice``, ``CreditTooLarge``,
    ``AmountWrong``.
    """
    billing, now = Billing.of(settings), clock.now()
    async with databases.control() as control:
        invoice = await find_by_number(control, number=number)
        try:
            await hold_seats(control, company_id=invoice.company_id)
        except LookupError as error:  # the company is gone
            raise UnknownInvoice(number) from error
        invoice = await find_invoice(control, invoice_id=invoice.id)
        note = await credit_notes.credit(
            control,
            billing=billing,
            invoice=invoice,
            amount=exact_amount(amount, invoice.currency),
            remark=remark,
            now=now,
        )
        after = await find_invoice(control, invoice_id=invoice.id)
        if invoice.state == "open" and after.state == "paid":
            await orders.note_paid(control, invoice_id=after.id, operator=orders.BY_CREDIT, now=now)
            await lifecycle.settled(control, invoice=after, billing=billing, now=now)
        await payments.settle_dues(control, company_id=invoice.company_id, billing=billing, now=now)
        return note


async def undo_payment(
    databases: Databases,
    *,
    payment_id: UUID,
    operator: str,
    remark: str,
    owners: Callable[[Databases, Company], Awaitable[Collection[UUID]]],
    settings: Settings,
    clock: Clock,
) -> Confirmation:
    """Undo a payment; ``owners`` tells who of a company keeps a seat first. Raises as ``payments.reverse``."""
    async with databases.control() as control:
        payment = await payments.find_payment(control, payment_id=payment_id)
        try:
            await hold_seats(control, company_id=payment.company_id)
        except LookupError as error:  # the company is gone
            raise UnknownPayment from error
        company = await find_company(control, company_id=payment.company_id)
        return await payments.reverse(
            control,
            payment_id=payment_id,
            operator=operator,
            remark=remark,
            owners=await owners(databases, company),
            billing=Billing.of(settings),
            now=clock.now(),
        )
