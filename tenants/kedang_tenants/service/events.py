"""When clocks are planned anew by themselves: the customer's grade or the calendar changes (S1, T6)."""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.reading import Viewer
from kedang_tenants.service.replanning import CHUNK, open_requests_of, replan

REPLAN = "service.replan"


@subscribe("customer.graded")
async def replan_by_grade(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """At once where few requests are concerned; in steps where a regrading moves many."""
    customers = [event.record_id for event in events]
    found = await open_requests_of(write, customers, limit=CHUNK + 1)
    if len(found) > CHUNK:
        await enqueue(write, NewJob(REPLAN, {"by_grade": True}))
    elif found:
        await replan(write, viewer, found, by_grade=True, clock=clock)


@subscribe(
    "working_week.updated",
    "calendar_day.created",
    "calendar_day.updated",
    "calendar_day.archived",
    "calendar_day.restored",
)
async def replan_by_calendar(
    write: TenantWrite, _viewer: Viewer, _events: Sequence[Event], _clock: Clock
) -> None:
    await enqueue(write, NewJob(REPLAN, {"by_grade": False}))
