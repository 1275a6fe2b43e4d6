"""Invoices whose time has passed: the company's credit pays them, else they are marked and their company is told."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.orders import PURCHASE
from kedang_platform.licensing.payments import settle_dues
from kedang_platform.licensing.seats import hold_seats
from kedang_platform.registry import find_company
from kedang_platform.work import NewJob, enqueue

REMIND_JOB: Final = "licensing.remind_invoice"
_COMPANIES = """
SELECT DISTINCT i.company_id FROM platform.invoice i JOIN platform.subscription s ON s.company_id = i.company_id
WHERE i.kind = 'invoice' AND i.paid_at IS NULL AND i.credited_at IS NULL AND i.overdue_at IS NULL AND i.due_at <= $1
  AND i.purpose <> $2
ORDER BY i.company_id
"""
_MARK = """
UPDATE platform.invoice SET overdue_at = $2
WHERE company_id = $1 AND kind = 'invoice' AND paid_at IS NULL AND credited_at IS NULL AND overdue_at IS NULL
  AND due_at <= $2 AND purpose <> $3
RETURNING id
"""


async def companies_with_overdue(read: ControlRead, *, now: datetime) -> list[UUID]:
    """Companies with invoices that became overdue and are not marked yet. Orders of seats bind nobody."""
    return [row["company_id"] for row in await read.fetch(_COMPANIES, now, PURCHASE)]


async def mark_overdue(
    control: ControlTransaction, *, company_id: UUID, billing: Billing, now: datetime
) -> list[UUID]:
    """Mark what is overdue of a company and ask for letters; returns the invoices that were marked now."""
    await hold_seats(control, company_id=company_id)
    await settle_dues(control, company_id=company_id, billing=billing, now=now)
    marked = [row["id"] for row in await control.fetch(_MARK, company_id, now, PURCHASE)]
    company = (await find_company(control, company_id=company_id)).ref
    jobs = [
        NewJob(REMIND_JOB, {"invoice": str(one)}, key=f"overdue:{one}", company=company) for one in marked
    ]
    await enqueue(control, *jobs)
    return marked
