"""Surveys on their way: invitations, their mails and what becomes of these, reminders, expiry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any, cast
from uuid import UUID

from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.mail import mail_states, post
from kedang_platform.secrets import load_secret_key
from kedang_platform.work import JSON, NewJob, RunningJob, enqueue, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.people.viewers import company_of
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.by_hand import INVITE, invite_part
from kedang_tenants.surveys.dispatch import CHUNK, MAIL
from kedang_tenants.surveys.mailing import (
    FOLLOW,
    Sender,
    mail_key,
    note_outcomes,
    pass_over,
    survey_mails,
    wait_before_look,
)
from kedang_tenants.surveys.occasions import DISPATCH, dispatch_part
from kedang_tenants.surveys.reminding import (
    EXPIRE,
    REMIND,
    count_late,
    count_unanswered,
    expire_part,
    remind_part,
)
from kedang_workers.walking import walk


@handler(DISPATCH, timeout=timedelta(minutes=30))
async def dispatch(job: RunningJob) -> None:
    """Invite for the service requests that were closed, or the deliveries that were made."""
    subjects = sorted(_ids(job.payload["subjects"]))
    trigger = str(job.payload["trigger"])
    secret = load_secret_key(job.settings)

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        coming = [each for each in subjects if after is None or each > after][:CHUNK]
        invited = await dispatch_part(
            write, viewer, trigger=trigger, subjects=coming, secret=secret, clock=job.clock
        )
        last = coming[-1] if len(coming) == CHUNK else None
        return Part(last=last, seen=len(coming), changed=invited.mailed, left_out=invited.skipped)

    async def count(_read: TenantRead) -> int:
        return len(subjects)

    await walk(job, step, count=count)


@handler(INVITE, timeout=timedelta(minutes=30))
async def invite(job: RunningJob) -> None:
    """Invite the customers and contacts that somebody has chosen."""
    payload = cast("dict[str, Any]", job.payload)
    customers, contacts = _ids(payload["customers"]), _ids(payload["contacts"])
    secret = load_secret_key(job.settings)

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await invite_part(
            write,
            viewer,
            questionnaire_id=UUID(payload["questionnaire"]),
            customers=customers,
            contacts=contacts,
            occasion=job.id.hex,
            send_at=datetime.fromisoformat(payload["send_at"]) if payload["send_at"] else None,
            after=after,
            secret=secret,
            clock=job.clock,
        )

    async def count(_read: TenantRead) -> int:
        return len(customers) + len(contacts)

    await walk(job, step, count=count)


@handler(MAIL)
async def mail(job: RunningJob) -> None:
    """Give the mails of invitations to the way out, and see to it that their outcome is noted."""
    company = await company_of(job)
    sender = Sender(company=company, secret=load_secret_key(job.settings), base_url=job.settings.base_url)
    reminder = bool(job.payload.get("reminder"))
    invitations = _ids(job.payload["invitations"])
    if not reminder:
        async with job.step() as write:
            await pass_over(write, invitations, clock=job.clock)
    async with job.databases.tenant_read(company.ref) as read:
        mails = await survey_mails(read, sender, invitations, reminder=reminder, clock=job.clock)
    async with job.finish_control() as control:
        await post(control, mails, sender=job.settings.mail_from, now=job.clock.now())
        if mails and not reminder:
            await enqueue(control, *_look_later(job, invitations, look=1))


@handler(FOLLOW)
async def follow(job: RunningJob) -> None:
    """Note which invitations have been taken or refused by the mail server; look again while some are open."""
    company = await company_of(job)
    invitations = _ids(job.payload["invitations"])
    look = int(cast("int", job.payload["look"]))
    async with job.databases.control_read() as control:
        states = await mail_states(control, [mail_key(company.ref, each) for each in invitations])
    async with job.finish() as write:
        still_open = await note_outcomes(write, invitations, states, clock=job.clock)
        await enqueue(write, *_look_later(job, still_open, look=look + 1))


def _look_later(job: RunningJob, invitations: Sequence[UUID], *, look: int) -> list[NewJob]:
    wait = wait_before_look(look)
    if not invitations or wait is None:
        return []
    payload: dict[str, JSON] = {"invitations": [str(each) for each in invitations], "look": look}
    return [NewJob(FOLLOW, payload, due_at=job.clock.now() + wait, company=job.company)]


@recurring(REMIND, at=time(9, 30))
@handler(REMIND, timeout=timedelta(minutes=30))
async def remind(job: RunningJob) -> None:
    """Remind, once, of the surveys that have not been answered for some days."""

    async def step(write: TenantWrite, _viewer: Viewer, after: UUID | None) -> Part:
        return await remind_part(write, after=after, clock=job.clock)

    async def count(read: TenantRead) -> int:
        return await count_unanswered(read, clock=job.clock)

    await walk(job, step, count=count)


@recurring(EXPIRE, every=timedelta(hours=1))
@handler(EXPIRE, timeout=timedelta(minutes=30))
async def expire(job: RunningJob) -> None:
    """End the invitations that nobody answered in time."""

    async def step(write: TenantWrite, _viewer: Viewer, after: UUID | None) -> Part:
        return await expire_part(write, after=after, clock=job.clock)

    async def count(read: TenantRead) -> int:
        return await count_late(read, clock=job.clock)

    await walk(job, step, count=count)


def _ids(given: JSON) -> list[UUID]:
    return [UUID(each) for each in cast("list[str]", given)]
