"""The mails of notices: at once, once a day, and what became of them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import cast
from uuid import UUID

from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.mail import mail_states, post
from kedang_platform.work import NewJob, RunningJob, enqueue, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.people.notice_mails import (
    FOLLOW,
    Round,
    count_waiting,
    digest_part,
    held_back,
    look_later,
    mails_of,
    note_ends,
    on_their_way,
)
from kedang_tenants.people.notice_schedules import DIGESTS, OWN_DIGESTS, ask_for_own_digests
from kedang_tenants.people.telling import MAIL
from kedang_tenants.people.viewers import company_of
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Viewer
from kedang_workers.walking import walk


async def give_up_mails(job: RunningJob, _error: UserError) -> None:
    """Say in the notices that they were not mailed."""
    async with job.step() as write:
        await note_ends(write, await on_their_way(write, _keys(job)), {})


@handler(MAIL, on_give_up=give_up_mails)
async def mail_notices(job: RunningJob) -> None:
    """Give the mails to their way out, each with a key of its own, so that a retry gives none twice.

    What has come into the quiet hours of its member waits for their end.
    """
    company, now = await company_of(job), job.clock.now()
    async with job.databases.tenant_read(company.ref) as read:
        keys = await on_their_way(read, _keys(job))
        held = await held_back(read, keys, zone=company.time_zone, now=now)
        leaving = [key for key in keys if key not in held]
        mails = await mails_of(read, leaving, now=now)
    later = [
        NewJob(MAIL, {"keys": [key for key in held if held[key] == end]}, due_at=end, company=company.ref)
        for end in sorted(set(held.values()))
    ]
    async with job.finish_control() as control:
        await post(control, mails, sender=job.settings.mail_from, now=now)
        if leaving:
            later.append(look_later(company.ref, leaving, looked=0, now=now))
        await enqueue(control, *later)


# After the reminders of eight o'clock, so that these stand in the letter of their own day.
@recurring(DIGESTS, at=time(8, 30))
@handler(DIGESTS, timeout=timedelta(minutes=30))
async def send_digests(job: RunningJob) -> None:
    """Send the letter of the day, on working days; on others what was told waits.

    To those who have chosen the time that the job names, without one to those who have chosen none.
    """
    turn = _round(job)
    company = await company_of(job)
    async with job.databases.tenant_read(company.ref) as read:
        working = (await load_calendar(read, country=company.country)).is_working(turn.day)
    if not working:
        async with job.finish():
            return

    async def step(write: TenantWrite, _viewer: Viewer, after: UUID | None) -> Part:
        return await digest_part(write, turn=turn, after=after, clock=job.clock)

    async def count(read: TenantRead) -> int:
        return await count_waiting(read, turn=turn)

    await walk(job, step, count=count)


@recurring(OWN_DIGESTS, at=time())
@handler(OWN_DIGESTS)
async def plan_own_digests(job: RunningJob) -> None:
    """Ask for the letters of the day of those members who have chosen a time of their own."""
    company = await company_of(job)
    start = datetime.fromisoformat(str(job.payload["occurrence"]))
    async with job.finish() as write:
        await ask_for_own_digests(write, start=start, zone=company.time_zone)


@handler(FOLLOW)
async def follow_mails(job: RunningJob) -> None:
    """Note in the notices what became of their mails, and look again later for those still on their way."""
    company = await company_of(job)
    async with job.databases.tenant_read(company.ref) as read:
        keys = await on_their_way(read, _keys(job))
    async with job.databases.control_read() as control:
        states = await mail_states(control, keys)
    async with job.finish() as write:
        open_still = await note_ends(write, keys, states)
        if open_still:
            looked = int(str(job.payload["looked"])) + 1
            await enqueue(write, look_later(company.ref, open_still, looked=looked, now=job.clock.now()))


def _round(job: RunningJob) -> Round:
    at, zone = (cast("str | None", job.payload.get(name)) for name in ("at", "zone"))
    return Round(date.fromisoformat(str(job.payload["date"])), at, zone)


def _keys(job: RunningJob) -> list[str]:
    return cast("list[str]", job.payload["keys"])
