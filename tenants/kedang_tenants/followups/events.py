"""When plans are made and moved by themselves: grade, owner, cycle or calendar change."""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.followups.planning import plan_next
from kedang_tenants.reading import Viewer

REPLAN = "followups.replan"


@subscribe("customer.graded", "customer.archived", "customer.restored")
async def plan_by_grade(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    await plan_next(write, viewer, [event.record_id for event in events], clock=clock)


@subscribe("customer.updated")
async def plan_by_owner(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    handed_over = [event.record_id for event in events if "owner_id" in event.changes]
    await plan_next(write, viewer, handed_over, clock=clock)


@subscribe("grade_level.updated")
async def plan_by_cycle(write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock) -> None:
    """A new cycle moves the open plans of the level's customers."""
    changed = [event for event in events if {"cycle_days", "code"} & event.changes.keys()]
    await enqueue(write, *(NewJob(REPLAN, {"level": str(event.record_id)}) for event in changed))


@subscribe("working_week.updated")
async def plan_by_week(write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock) -> None:
    """Other days of rest move what is not yet done."""
    if any("weekend" in event.changes for event in events):
        await enqueue(write, NewJob(REPLAN, {"level": None}))


@subscribe(
    "calendar_day.created",
    "calendar_day.updated",
    "calendar_day.archived",
    "calendar_day.restored",
)
async def plan_by_calendar(
    write: TenantWrite, _viewer: Viewer, _events: Sequence[Event], _clock: Clock
) -> None:
    """A new calendar moves what is not yet done."""
    await enqueue(write, NewJob(REPLAN, {"level": None}))
