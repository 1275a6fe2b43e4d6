"""The life of subscriptions: steps that time brings, seats that invitations hold no longer, telling the owners."""

from __future__ import annotations

from datetime import date, timedelta
from typing import cast
from uuid import UUID

import structlog

from kedang_platform.licensing.subscriptions import find_subscription
from kedang_platform.licensing.telling import TELL_LICENCE, LicenceEvent
from kedang_platform.work import RunningJob, handler, recurring
from kedang_tenants.people.licence import (
    advance_company,
    paying_companies,
    release_expired,
    reserving_companies,
)
from kedang_tenants.people.licence_notices import news_of, tell_licence
from kedang_tenants.people.viewers import company_of, system_viewer

log = structlog.get_logger("kedang_workers.licensing")


@recurring("licensing.advance", every=timedelta(hours=1), installation=True)
@handler("licensing.advance", installation=True, timeout=timedelta(minutes=30))
async def advance_subscriptions(job: RunningJob) -> None:
    """Every company by itself, in a transaction of its own: killed anywhere, it goes on with the next run.

    What goes wrong in one company keeps no other waiting; the job fails with it in the end and is tried again.
    """
    async with job.databases.control_read() as read:
        paying = await paying_companies(read)
        reserving = await reserving_companies(read, now=job.clock.now())
    failed: list[Exception] = []
    for company_id in paying:
        await _each(job, company_id, failed, release=False)
    for company_id in reserving:
        await _each(job, company_id, failed, release=True)
    if failed:
        raise failed[0]
    async with job.finish_control():
        pass


async def _each(job: RunningJob, company_id: UUID, failed: list[Exception], *, release: bool) -> None:
    async with job.step_control():  # the lease goes on, company by company
        pass
    try:
        if release:
            await release_expired(job.databases, company_id=company_id, clock=job.clock)
        else:
            await advance_company(
                job.databases, company_id=company_id, settings=job.settings, clock=job.clock
            )
    except Exception as error:  # noqa: BLE001 - raised again when every other company has had its turn
        log.warning("licensing.advance_failed", error=type(error).__name__)
        failed.append(error)


@handler(TELL_LICENCE)
async def tell_owners(job: RunningJob) -> None:
    """Tell the owners of a step of their subscription, in their inbox and by mail."""
    company = await company_of(job)
    event, day = cast("LicenceEvent", job.payload["event"]), date.fromisoformat(str(job.payload["day"]))
    async with job.databases.control_read() as read:
        held = await find_subscription(read, company_id=company.id)
        news = await news_of(read, held, event=event, day=day)
    async with job.finish() as write:
        await tell_licence(write, await system_viewer(write, company=company), news=news, clock=job.clock)
