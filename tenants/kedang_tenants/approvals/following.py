"""What time and people do to open requests: turns that pass on, reminders, superiors who step in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.work.parts import Part
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.approvals.deciders import Staff, deciders, load_staff
from kedang_tenants.approvals.models import ESCALATED
from kedang_tenants.approvals.requests import Happening, Held, hold_open, note, update
from kedang_tenants.approvals.turns import remind, set_turns
from kedang_tenants.changing.events import Event, subscribe
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Viewer

FOLLOW: Final = "approvals.follow"
"""The kind of job that looks at all open requests once a day."""
CHUNK: Final = 100
_DECIDES: Final = frozenset({"roles", "state", "seat", "superior_id", "archived_at"})


async def follow_people(write: TenantWrite, viewer: Viewer, *, clock: Clock) -> int:
    """Bring whose turn it is to what people are now, in all open requests; how many turns differ."""
    staff = await load_staff(write, today=viewer.today(clock))
    changed, after, more = 0, None, True
    while more:
        requests = await hold_open(write, after=after, limit=CHUNK)
        changed += await set_turns(write, viewer, requests, staff=staff, clock=clock)
        more = len(requests) == CHUNK
        after = requests[-1].id if requests else None
    return changed


@subscribe("member.updated", "member.archived", "member.restored")
async def follow_changed_members(
    write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock
) -> None:
    """Whoever has lost a role, a seat or their place decides no more; the step is the turn of others."""
    if any(_DECIDES & event.changes.keys() for event in events):
        await follow_people(write, viewer, clock=clock)


async def follow_part(write: TenantWrite, viewer: Viewer, *, after: UUID | None, clock: Clock) -> Part:
    """The next ``CHUNK`` open requests on a working day: turns set right, overdue ones passed on, others reminded of."""
    today = viewer.today(clock)
    calendar = await load_calendar(write, country=viewer.country)
    staff = await load_staff(write, today=today)
    requests = await hold_open(write, after=after, limit=CHUNK)
    passed = 0
    moved: list[Held] = []
    for held in requests:
        if _has_passed(held, held.question().step.escalate_after, calendar, today) and _goes_up(staff, held):
            moved.append(await _escalate(write, viewer, held, clock=clock))
            passed += 1
        else:
            moved.append(held)
    await set_turns(write, viewer, moved, staff=staff, clock=clock)
    if calendar.is_working(today):
        late = [h for h in moved if _has_passed(h, h.question().step.remind_after, calendar, today)]
        await remind(write, viewer, late, day=today.isoformat(), clock=clock)
    last = requests[-1].id if len(requests) == CHUNK else None
    return Part(last=last, seen=len(requests), changed=passed)


def _has_passed(held: Held, days: int | None, calendar: WorkingCalendar, today: date) -> bool:
    if days is None or held.waiting_since is None:
        return False
    return today >= working_day_after(calendar, held.waiting_since, days)


def working_day_after(calendar: WorkingCalendar, day: date, days: int) -> date:
    """The ``days``-th working day after a day; raises ``NoWorkingDay``."""
    found = day
    for _ in range(days):
        found = calendar.next_working(found + timedelta(days=1))
    return found


def _goes_up(staff: Staff, held: Held) -> bool:
    """Whether there is anybody above those who should have decided."""
    now, then = (deciders(staff, held.question(None, n)) for n in (held.escalation, held.escalation + 1))
    return then > now


async def _escalate(write: TenantWrite, viewer: Viewer, held: Held, *, clock: Clock) -> Held:
    await note(write, viewer, held, [Happening(kind=ESCALATED, step=held.step)], clock=clock)
    values = {"escalation": held.escalation + 1, "waiting_since": viewer.today(clock)}
    return await update(write, viewer, held, values, clock=clock)
