"""Letters of invoices: when one was issued, and when one is overdue."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.invoices import TELL_JOB
from kedang_platform.licensing.overdue import REMIND_JOB, companies_with_overdue, mark_overdue
from kedang_platform.mail import post
from kedang_platform.secrets import load_secret_key
from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.people.invoices import letters_of
from kedang_tenants.people.viewers import company_of

OVERDUE: Final = "licensing.find_overdue"


@handler(TELL_JOB)
async def tell(job: RunningJob) -> None:
    """Mail an invoice or a credit note."""
    await _mail(job, overdue=False)


@handler(REMIND_JOB)
async def remind(job: RunningJob) -> None:
    """Mail that an invoice is overdue, unless it was paid meanwhile."""
    await _mail(job, overdue=True)


@recurring(OVERDUE, every=timedelta(hours=1), installation=True)
@handler(OVERDUE, installation=True)
async def find_overdue(job: RunningJob) -> None:
    """Mark what has become overdue, company by company."""
    now, billing = job.clock.now(), Billing.of(job.settings)
    async with job.databases.control_read() as read:
        companies = await companies_with_overdue(read, now=now)
    for company_id in companies:
        async with job.databases.control() as control:
            await mark_overdue(control, company_id=company_id, billing=billing, now=now)
    async with job.finish_control():
        pass


async def _mail(job: RunningJob, *, overdue: bool) -> None:
    company = await company_of(job)
    async with job.databases.tenant_read(company.ref) as read, job.databases.control_read() as control:
        letters = await letters_of(
            control,
            read,
            company,
            invoice_id=UUID(str(job.payload["invoice"])),
            overdue=overdue,
            secret=load_secret_key(job.settings),
            base_url=job.settings.base_url,
            now=job.clock.now(),
        )
    async with job.finish_control() as control_write:
        await post(control_write, letters, sender=job.settings.mail_from, now=job.clock.now())
