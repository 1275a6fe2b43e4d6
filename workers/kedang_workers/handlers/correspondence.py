"""What a company learns of its mails after they have left, and what it forgets again."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kedang_platform import mail
from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.correspondence.planning import forget_old_sendings
from kedang_tenants.correspondence.returned import take_in
from kedang_tenants.people.viewers import company_of, system_viewer


@handler(mail.TELL_COMPANY)
async def note_reported_mail(job: RunningJob) -> None:
    """Note what was reported of a mail: that it came back, waits, or was not wanted."""
    company = await company_of(job)
    mail_id = UUID(str(job.payload["mail"]))
    async with job.databases.control_read() as control:
        found = await mail.reported_mail(control, mail_id, company=company.ref)
    async with job.finish() as write:
        if found is not None:
            viewer = await system_viewer(write, company=company)
            report = str(job.payload["report"])
            await take_in(write, viewer, mail_id, found, report=report, clock=job.clock)


@recurring("correspondence.forget_old", every=timedelta(days=1))
@handler("correspondence.forget_old")
async def forget_old(job: RunningJob) -> None:
    """Forget whom the company wrote to so long ago that no rule asks for it."""
    async with job.finish() as write:
        await forget_old_sendings(write, now=job.clock.now())
