"""Telling the features, and who watches, what a transaction has done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_platform.live import LiveEvent, LiveUnavailable
from kedang_platform.work import NewJob, RunningJob, enqueue, handler
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import EVENTS, Event, events_of, fan_out
from kedang_tenants.people.viewers import company_of, system_viewer

LIVE: Final = "events.tell_live"


@handler(EVENTS)
async def tell_of_changes(job: RunningJob) -> None:
    """Hand the transaction's events to their subscribers; what these do commits with the job's end.

    Who watches is told just before that end, so a worker that dies around it tells twice rather than
    not at all. What happened is committed long since; a Valkey that is away holds nothing up.
    """
    catalogue()  # the features subscribe when their records become known
    company = await company_of(job)
    async with job.finish() as write:
        viewer = await system_viewer(write, company=company)
        events = await fan_out(write, viewer, _transaction(job), clock=job.clock)
        try:
            await _publish(job, company.id, events)
        except LiveUnavailable:
            await _publish_later(write, job)


@handler(LIVE)
async def tell_live(job: RunningJob) -> None:
    """Tell those who watch, after Valkey was away; LiveUnavailable has it tried again."""
    company = await company_of(job)
    async with job.finish() as write:
        await _publish(job, company.id, await events_of(write, _transaction(job)))


def _transaction(job: RunningJob) -> UUID:
    return UUID(str(job.payload["transaction"]))


async def _publish(job: RunningJob, company_id: UUID, events: Sequence[Event]) -> None:
    if job.services.live is not None and events:
        await job.services.live.publish(company_id, [_told(event) for event in events])


async def _publish_later(write: TenantWrite, job: RunningJob) -> None:
    transaction = _transaction(job).hex
    await enqueue(write, NewJob(LIVE, {"transaction": transaction}, key=f"{LIVE}:{transaction}"))


def _told(event: Event) -> LiveEvent:
    record, _, action = event.name.partition(".")
    return LiveEvent(record, event.record_id, action, event.sequence, event.at, tuple(event.changes))
