"""Invoices that the life of a subscription asks for, and what is overdue of them (T4)."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Final
from uuid import UUID

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.i18n import msg
from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.credit_notes import cancel
from kedang_platform.licensing.invoices import Invoice, Line, issue, open_invoices
from kedang_platform.licensing.orders import PURCHASE
from kedang_platform.licensing.periods import Interval
from kedang_platform.licensing.proration import prorated
from kedang_platform.licensing.subscriptions import Subscription

ADDITION: Final = "addition"
RENEWAL: Final = "renewal"

_TEXTS: Final[dict[Interval, str]] = {
    "month": msg("Further seats, by the month"),
    "year": msg("Further seats, by the year"),
}

# What a company ordered and has not paid yet binds it to nothing.
_OPEN = """
FROM platform.invoice i WHERE i.company_id = $1 AND i.kind = 'invoice' AND i.purpose <> 'purchase'
AND i.paid_at IS NULL AND i.credited_at IS NULL
"""
_OVERDUE = f"SELECT EXISTS (SELECT 1 {_OPEN} AND i.due_at <= $2)"
_DUE = f"SELECT min(i.due_at) {_OPEN}"
_ADDED = f"""
SELECT coalesce(sum(l.quantity), 0)::bigint FROM platform.invoice_line l
WHERE l.invoice_id IN (SELECT i.id {_OPEN} AND i.purpose = 'addition')
"""


async def charge(
    control: ControlTransaction,
    held: Subscription,
    *,
    billing: Billing,
    purpose: str,
    seats: int,
    unit_price: int,
    days: tuple[date, date],
    share: Fraction,
    now: datetime,
) -> Invoice:
    """Invoice ``seats`` for ``share`` of an interval, which are the half-open ``days`` of the company's zone."""
    line = Line(
        text=_TEXTS[held.paying.interval],
        params={},
        quantity=seats,
        unit_price=unit_price,
        period=days,
        share=share,
        amount=prorated(seats=seats, unit_price=unit_price, share=share),
    )
    return await issue(
        control,
        billing=billing,
        company_id=held.company_id,
        kind="invoice",
        currency=held.paying.currency,
        lines=[line],
        due_at=now + billing.payable_in,
        purpose=purpose,
        now=now,
    )


async def cancel_dues(
    control: ControlTransaction, held: Subscription, *, billing: Billing, now: datetime
) -> None:
    """Credit what is still owed: a company that goes back to its free seats owes nothing for the paid ones."""
    for invoice in await open_invoices(control, company_id=held.company_id):
        if invoice.purpose != PURCHASE:
            await cancel(control, billing=billing, invoice=invoice, now=now)


async def is_overdue(read: ControlRead, *, company_id: UUID, now: datetime) -> bool:
    """Whether anything that the company owes should have been paid by now."""
    overdue: bool = await read.fetchval(_OVERDUE, company_id, now)
    return overdue


async def first_due(read: ControlRead, *, company_id: UUID) -> datetime | None:
    """When the first of what the company owes is to be paid; None when it owes nothing."""
    due: datetime | None = await read.fetchval(_DUE, company_id)
    return due


async def seats_on_credit(read: ControlRead, *, company_id: UUID) -> int:
    """Seats that were added at once and whose invoices have not been paid yet."""
    seats: int = await read.fetchval(_ADDED, company_id)
    return seats
