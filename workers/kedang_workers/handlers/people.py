"""What happens later to people: opening their companies, following memberships, links, forgetting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_platform.identity import resetting
from kedang_platform.identity.devices import forget_old_devices
from kedang_platform.identity.openid.attempts import forget_old_attempts
from kedang_platform.identity.own_account import FOLLOW_EMAIL_JOB
from kedang_platform.identity.sessions import forget_old_sessions
from kedang_platform.identity.throttle import forget_old_throttles
from kedang_platform.identity.tokens import forget_old_tokens
from kedang_platform.licensing import find_order
from kedang_platform.licensing.keeping import FOLLOW_JOB
from kedang_platform.mail import forget_old_mails
from kedang_platform.registry import find_company
from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.opening import OPEN_JOB, finish_opening
from kedang_tenants.people.following_email import follow_email
from kedang_tenants.people.member_rows import NewRow, follow
from kedang_tenants.people.seats import TELL_JOB, tell_owners
from kedang_tenants.people.viewers import company_of, system_viewer


@handler(OPEN_JOB, installation=True)
async def open_company(job: RunningJob) -> None:
    """Finish what a confirmation began, where its request did not come so far."""
    await finish_opening(job.databases, company_id=UUID(str(job.payload["company"])), clock=job.clock)
    async with job.finish_control():
        pass


@handler(FOLLOW_JOB, installation=True)
async def follow_membership(job: RunningJob) -> None:
    """Bring a member's row to what the platform says, where the request did not come so far."""
    new = cast("dict[str, Any] | None", job.payload["new"])
    async with job.databases.control_read() as read:
        company = await find_company(read, company_id=UUID(str(job.payload["company"])))
    await follow(
        job.databases,
        company=company,
        member_id=UUID(str(job.payload["member"])),
        clock=job.clock,
        new=NewRow.from_json(new) if new else None,
    )
    async with job.finish_control():
        pass


@handler(TELL_JOB)
async def tell_seats(job: RunningJob) -> None:
    """Tell the owners that the seats they bought are paid."""
    company = await company_of(job)
    async with job.databases.control_read() as read:
        order = await find_order(read, order_id=UUID(str(job.payload["order"])))
    if order.company_id != company.id:
        raise NotFound(msg("There is no such record."))
    async with job.finish() as write:
        await tell_owners(write, await system_viewer(write, company=company), order=order, clock=job.clock)


@handler(resetting.JOB, installation=True)
async def send_password_reset(job: RunningJob) -> None:
    """Write the link and its mail; one link a job, since both commit with its end."""
    async with job.finish_control() as control:
        await resetting.send_password_reset(
            control,
            email=str(job.payload["email"]),
            base_url=job.settings.base_url,
            sender=job.settings.mail_from,
            now=job.clock.now(),
        )


@handler(FOLLOW_EMAIL_JOB, installation=True)
async def follow_changed_email(job: RunningJob) -> None:
    """Write a person's new address into their companies."""
    await follow_email(job.databases, person_id=UUID(str(job.payload["person"])), clock=job.clock)
    async with job.finish_control():
        pass


@recurring("people.forget_old", every=timedelta(hours=1), installation=True)
@handler("people.forget_old", installation=True)
async def forget_old(job: RunningJob) -> None:
    """Remove ended sessions, forgotten browsers, counted tries, and links and mails that are a month old."""
    now, idle = job.clock.now(), timedelta(hours=job.settings.session_idle_hours)
    async with job.finish_control() as control:
        await forget_old_sessions(control, now=now, idle=idle)
        await forget_old_devices(control, now=now)
        await forget_old_throttles(control, now=now)
        await forget_old_tokens(control, now=now)
        await forget_old_attempts(control, now=now)
        await forget_old_mails(control, now=now)
