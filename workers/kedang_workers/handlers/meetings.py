"""Reviewed minutes on their way to the people of the customer who attended."""

from __future__ import annotations

from uuid import UUID

from kedang_platform.mail import post
from kedang_platform.secrets import load_secret_key
from kedang_platform.work import RunningJob, handler
from kedang_tenants.followups.receipt_mails import SEND, Office, make_receipts, minutes_mails
from kedang_tenants.people.viewers import company_of, system_viewer


@handler(SEND)
async def send_minutes(job: RunningJob) -> None:
    """Make the receipts that are missing, and give their mails to the way out; done twice, it is done once."""
    company = await company_of(job)
    meeting = UUID(str(job.payload["meeting"]))
    secret = load_secret_key(job.settings)
    async with job.step() as write:
        viewer = await system_viewer(write, company=company)
        await make_receipts(write, viewer, meeting_id=meeting, secret=secret, clock=job.clock)
    office = Office(company=company, secret=secret, base_url=job.settings.base_url)
    async with job.databases.tenant_read(company.ref) as read:
        mails = await minutes_mails(read, office, meeting_id=meeting, clock=job.clock)
    async with job.finish_control() as control:
        await post(control, mails, sender=job.settings.mail_from, now=job.clock.now())
