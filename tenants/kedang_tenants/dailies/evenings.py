"""The drafts that make themselves in the evening of a working day, for whoever met customers (F5)."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.parts import Part
from kedang_platform.work.recurrence import Daily
from kedang_tenants.dailies.handing_on import hand_on
from kedang_tenants.dailies.making import REPORT, kind_of, make_reports
from kedang_tenants.dailies.rule import load_habits
from kedang_tenants.people.everybody import Everybody, load_everybody
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import NO_ACCESS, Scope, Viewer

BEGIN: Final = "dailies.day"
MAKE: Final = "dailies.make"
CHUNK: Final = 100
"""Members that one step of making takes."""


async def begin_day(write: TenantWrite, viewer: Viewer, *, day: date, clock: Clock) -> None:
    """Ask for the drafts of a day at the company's time of it, and for those of the day before once more: whoever met
    customers after that time, or noted it in the morning only, has one of that day, too.

    What waits for somebody who has left is handed on.
    """
    await hand_on(write, viewer, clock=clock)
    habits = await load_habits(write)
    at = Daily(time.fromisoformat(habits.draft_at)).on(day, ZoneInfo(viewer.time_zone))
    before = day - timedelta(days=1)
    await enqueue(
        write,
        NewJob(MAKE, {"date": before.isoformat(), "again": True}, due_at=at),
        NewJob(MAKE, {"date": day.isoformat()}, due_at=at),
    )


async def make_part(
    write: TenantWrite, viewer: Viewer, *, day: date, after: UUID | None, clock: Clock, again: bool = False
) -> Part:
    """Make the drafts of the next members behind ``after``; those who met nobody get one only where the company says so.

    On a day off only who met somebody gets one, and so it is where they are made ``again``.
    """
    habits = await load_habits(write)
    everybody = await load_everybody(write, day=day)
    working = (await load_calendar(write, country=viewer.country)).is_working(day)
    writers = [member for member in _writers(everybody) if after is None or member > after][:CHUNK]
    kinds = {member: kind_of(everybody.people[member].roles) for member in writers}
    empty = habits.empty_days and working and not again
    made = await make_reports(write, viewer, kinds, day=day, empty=empty, clock=clock)
    last = writers[-1] if len(writers) == CHUNK else None
    return Part(last=last, seen=len(writers), changed=len(made))


async def count_writers(read: TenantRead, *, day: date) -> int:
    """How many members write daily reports."""
    return len(_writers(await load_everybody(read, day=day)))


def _writers(everybody: Everybody) -> list[UUID]:
    """Who writes reports and is there, in the order of their ids."""
    return sorted(
        person.id
        for person in everybody.people.values()
        if person.present and person.access.get(REPORT, NO_ACCESS).create is not Scope.NONE
    )
