"""Reports: making one, the occurrences of schedules, their letters, and what has expired."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID

from kedang_platform.mail import post
from kedang_platform.secrets import load_secret_key
from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.reports.guards import OCCUR
from kedang_tenants.reports.mailing import MAIL, letter_of
from kedang_tenants.reports.occurring import make_occurrence, wake_late
from kedang_tenants.reports.operations import RUN
from kedang_tenants.reports.running import conclude_failed, forget_expired, make_report

TIDY = "reports.tidy"


@handler(RUN, timeout=timedelta(hours=1), slow=True, on_give_up=conclude_failed, channel="reports")
async def make(job: RunningJob) -> None:
    await make_report(job)


@handler(OCCUR)
async def occur(job: RunningJob) -> None:
    """Start the reports of one occurrence of a schedule, once."""
    company = await company_of(job)
    async with job.finish() as write:
        await make_occurrence(
            write,
            await system_viewer(write, company=company),
            definition_id=UUID(str(job.payload["definition"])),
            at=datetime.fromisoformat(str(job.payload["at"])),
            clock=job.clock,
        )


@handler(MAIL)
async def mail(job: RunningJob) -> None:
    """Give the letter of a scheduled report to the way out; its key is its run's, so that none leaves twice."""
    company = await company_of(job)
    async with job.databases.tenant_read(company.ref) as read:
        letter = await letter_of(
            read,
            company,
            run_id=UUID(str(job.payload["run"])),
            secret=load_secret_key(job.settings),
            base_url=job.settings.base_url,
        )
    async with job.finish_control() as control:
        await post(control, [letter] if letter else [], sender=job.settings.mail_from, now=job.clock.now())


@recurring(TIDY, at=time(3, 40))
@handler(TIDY, timeout=timedelta(minutes=30))
async def tidy(job: RunningJob) -> None:
    """Remove the files of reports that were kept long enough; ask again for occurrences that were lost."""
    company = await company_of(job)
    now = job.clock.now()
    while await forget_expired(job, company, now=now):
        pass
    async with job.finish() as write:
        day = date.fromisoformat(str(job.payload["date"]))
        await wake_late(write, before=now - timedelta(hours=1), day=day)
