"""Surveys on their way: invitations, their mails and what becomes of these, reminders, expiry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any, cast
from uuid import UUID

from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.mail import mail_states, post
from kedang_platform.mail.withheld import forget_withheld
from kedang_platform.secrets import load_secret_key
from kedang_platform.work import JSON, JobCancelled, NewJob, Progress, RunningJob, enqueue, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.by_hand import INVITE, chosen
from kedang_tenants.surveys.dispatch import CHUNK, MAIL
from kedang_tenants.surveys.links import mail_key
from kedang_tenants.surveys.mailing import (
    FOLLOW,
    Office,
    note_outcomes,
    pass_over,
    survey_mails,
    wait_before_look,
)
from kedang_tenants.surveys.occasions import (
    DISPATCH,
    LOOK_FOR_MAINTENANCE,
    dispatch_part,
    maintenance_part,
    waiting_for_maintenance,
)
from kedang_tenants.surveys.reminding import (
    EXPIRE,
    REMIND,
    count_late,
    count_unanswered,
    expire_part,
    remind_part,
)
from kedang_tenants.surveys.sending import CANCEL, SEND, end_sending, take_over
from kedang_tenants.surveys.sending_models import INTERNAL_ERROR
from kedang_tenants.surveys.sending_out import cancel_part, fail_sending, mail_again, send_part
from kedang_workers.walking import walk


@handler(DISPATCH, timeout=timedelta(minutes=30), channel="surveys")
async def dispatch(job: RunningJob) -> None:
    """Invite for what has happened to these subjects, by one questionnaire (by all of the trigger in older jobs)."""
    subjects = sorted(_ids(job.payload["subjects"]))
    trigger = str(job.payload["trigger"])
    named = job.payload.get("questionnaire")
    secret = load_secret_key(job.settings)

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        coming = [each for each in subjects if after is None or each > after][:CHUNK]
        invited = await dispatch_part(
            write,
            viewer,
            trigger=trigger,
            subjects=coming,
            questionnaire_id=UUID(str(named)) if named else None,
            secret=secret,
            clock=job.clock,
        )
        last = coming[-1] if len(coming) == CHUNK else None
        return Part(last=last, seen=len(coming), changed=invited.mailed, left_out=invited.skipped)

    async def count(_read: TenantRead) -> int:
        return len(subjects)

    await walk(job, step, count=count)


@recurring(LOOK_FOR_MAINTENANCE, at=time(8, 30))
@handler(LOOK_FOR_MAINTENANCE, timeout=timedelta(minutes=30), channel="surveys")
async def look_for_maintenance(job: RunningJob) -> None:
    """Invite by each questionnaire that is sent out when maintenance of a product falls due."""
    company = await company_of(job)
    secret = load_secret_key(job.settings)
    async with job.databases.tenant_read(company.ref) as read:
        waiting = await waiting_for_maintenance(read)
    for questionnaire_id in waiting:
        after: UUID | None = None
        more = True
        while more:
            async with job.step() as write:
                viewer = await system_viewer(write, company=company)
                part = await maintenance_part(
                    write,
                    viewer,
                    questionnaire_id=questionnaire_id,
                    after=after,
                    secret=secret,
                    clock=job.clock,
                )
            after, more = part.last, part.last is not None
    async with job.finish():
        pass


async def fail_to_send(job: RunningJob, _error: UserError) -> None:
    """Say of a sending whose job is tried no more that it has failed."""
    company = await company_of(job)
    async with job.step() as write:
        viewer = await system_viewer(write, company=company)
        await fail_sending(write, viewer, sending_id=_sending(job), reason=INTERNAL_ERROR, clock=job.clock)


@handler(SEND, timeout=timedelta(minutes=30), channel="surveys", on_give_up=fail_to_send)
async def send(job: RunningJob) -> None:
    """Invite the audience of a sending, step after step, until it is through, held or called off."""
    try:
        await _send(job)
    except JobCancelled:
        # Whoever calls the job off means the sending.
        company = await company_of(job)
        async with job.databases.tenant_write(company.ref) as write:
            viewer = await system_viewer(write, company=company)
            await end_sending(write, viewer, sending_id=_sending(job), clock=job.clock)
        raise


async def _send(job: RunningJob) -> None:
    company = await company_of(job)
    secret = load_secret_key(job.settings)
    if job.payload.get("again"):
        await _mail_again(job)
    over = False
    while not over:
        async with job.step() as write:
            stepped = await send_part(
                write, company=company, sending_id=_sending(job), secret=secret, clock=job.clock
            )
            await job.store(write, progress=Progress(stepped.seen, stepped.total))
        over = stepped.over
    result: dict[str, JSON] = {"seen": stepped.seen, "changed": stepped.invited}
    if stepped.left_out:
        result["left_out"] = dict(stepped.left_out)
    async with job.finish(result=result):
        pass


async def _mail_again(job: RunningJob) -> None:
    after: UUID | None = None
    more = True
    while more:
        async with job.step() as write:
            part = await mail_again(write, sending_id=_sending(job), after=after, clock=job.clock)
        after, more = part.last, part.last is not None


@handler(CANCEL, timeout=timedelta(minutes=30), channel="surveys")
async def cancel(job: RunningJob) -> None:
    """End the invitations of a sending that was called off, as far as they have not left."""
    more = True
    while more:
        async with job.step() as write:
            part = await cancel_part(write, sending_id=_sending(job), clock=job.clock)
        more = part.last is not None
    async with job.finish():
        pass


def _sending(job: RunningJob) -> UUID:
    return UUID(str(job.payload["sending"]))


@handler(INVITE)
async def invite(job: RunningJob) -> None:
    """What a release before sendings was asked for: from now on a sending of the company's own."""
    payload = cast("dict[str, Any]", job.payload)
    async with job.finish() as write:
        await take_over(
            write,
            sending_id=job.id,
            questionnaire_id=UUID(payload["questionnaire"]),
            audience=chosen(_ids(payload["customers"]), _ids(payload["contacts"])),
            send_at=datetime.fromisoformat(payload["send_at"]) if payload["send_at"] else job.clock.now(),
            viewer=await system_viewer(write, company=await company_of(job)),
            clock=job.clock,
        )


@handler(MAIL, channel="surveys")
async def mail(job: RunningJob) -> None:
    """Give the mails of invitations to the way out, and see to it that their outcome is noted."""
    company = await company_of(job)
    office = Office(company=company, secret=load_secret_key(job.settings), base_url=job.settings.base_url)
    # An older job says true of the one reminder that there was.
    reminder = int(cast("int", job.payload.get("reminder") or 0))
    invitations = _ids(job.payload["invitations"])
    if not reminder:
        async with job.step() as write:
            await pass_over(write, invitations, clock=job.clock)
    async with job.databases.tenant_read(company.ref) as read:
        mails = await survey_mails(read, office, invitations, reminder=reminder, clock=job.clock)
    async with job.finish_control() as control:
        # What was kept back while its sending was held may leave now.
        await forget_withheld(control, [each.key for each in mails])
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
    """Remind of the surveys that have not been answered for some days."""

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await remind_part(write, viewer, after=after, clock=job.clock)

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
