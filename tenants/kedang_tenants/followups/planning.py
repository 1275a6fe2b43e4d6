"""Planning the next contact: last real contact plus the cycle of the grade, on a working day (F1).

A customer that was never contacted counts from the day it was assigned to its owner, one without
that day from the day its archive was opened. The day follows from these alone, so that planning
twice gives the same plan, and a contact that is late stays late.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.work.parts import Part
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.followups.models import CANCELLED, CYCLE, PLANNED
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Viewer

CHUNK = 1_000
"""Customers that one step of a re-planning takes."""

_AFTER_CONTACT = msg(
    "The first working day at least {days} days after the last contact on {day}, as level {level} asks."
)
_AFTER_ASSIGNMENT = msg(
    "The first working day at least {days} days after {day}, when the customer was assigned, as level {level}"
    " asks."
)
_ESTIMATED = msg("The calendar of {year} is not known yet, so the day is an estimate.")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What the next contact follows from."""

    level: str
    cycle_days: int
    last_contact: date | None
    assigned: date

    @property
    def anchor(self) -> date:
        return self.last_contact or self.assigned


def next_due(calendar: WorkingCalendar, rhythm: Rhythm) -> date:
    """The day of the next contact, never a day off; raises NoWorkingDay for a calendar without work."""
    return calendar.next_working(rhythm.anchor + timedelta(days=rhythm.cycle_days))


def why(calendar: WorkingCalendar, rhythm: Rhythm) -> dict[str, str]:
    """Why the contact falls on its day, in the words of each of our languages; whether the day is an estimate."""
    text = _AFTER_CONTACT if rhythm.last_contact else _AFTER_ASSIGNMENT
    params = {"days": rhythm.cycle_days, "day": rhythm.anchor.isoformat(), "level": rhythm.level}
    said = translated(text, params)
    year = next_due(calendar, rhythm).year
    if not calendar.is_estimate(year):
        return said
    estimated = translated(_ESTIMATED, {"year": year})
    return {language: f"{text} {estimated[language]}" for language, text in said.items()}


async def plan_next(write: TenantWrite, viewer: Viewer, customer_ids: Sequence[UUID], *, clock: Clock) -> int:
    """Give each of these customers the one open plan that its cycle asks for; returns how many plans changed.

    An open plan is moved, not replaced; it is cancelled where there is no cycle, no owner or no
    living customer any more. Plans made by hand are never touched.
    """
    if not customer_ids:
        return 0
    await lock_customers(write, customer_ids)
    situations = await write.fetch(_SITUATIONS, list(customer_ids))
    if not situations:
        return 0
    calendar = await load_calendar(write, country=viewer.country)
    zone = ZoneInfo(viewer.time_zone)
    changes = [
        found
        for row in situations
        if (found := _planned(calendar, row, zone, viewer.today(clock))) is not None
    ]
    changes.sort(key=lambda one: one.action)
    await change_internally(write, viewer, changes, clock=clock)
    return len(changes)


_SITUATIONS = """
SELECT c.id, c.owner_id, c.last_contact_at, c.assigned_on, c.created_at, c.archived_at,
       l.code AS level, l.cycle_days,
       p.id AS plan_id, p.due_on AS plan_due_on, p.owner_id AS plan_owner_id, p.rule AS plan_rule
FROM customer c
LEFT JOIN grade_level l ON l.id = c.grade_level_id
LEFT JOIN follow_up_plan p ON p.customer_id = c.id AND p.state = 'PLANNED' AND p.origin = 'CYCLE'
    AND p.archived_at IS NULL
WHERE c.id = ANY($1::uuid[]) AND (p.id IS NOT NULL OR l.cycle_days IS NOT NULL)
ORDER BY c.id
"""


async def lock_customers(write: TenantWrite, customer_ids: Iterable[UUID]) -> None:
    """Hold customers, so that one transaction at a time plans for them; taken before their plans are."""
    await write.fetch(
        "SELECT id FROM customer WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", list(customer_ids)
    )


def _planned(calendar: WorkingCalendar, row: asyncpg.Record, zone: ZoneInfo, today: date) -> Change | None:
    """What has to happen to the open plan of one customer; None when it is right as it is."""
    if row["cycle_days"] is None or row["owner_id"] is None or row["archived_at"] is not None:
        return _cancelled(row, today)
    rhythm = _rhythm(row, zone)
    values: dict[str, object] = {
        "due_on": next_due(calendar, rhythm),
        "owner_id": row["owner_id"],
        "rule": why(calendar, rhythm),
    }
    if row["plan_id"] is None:
        values |= {"customer_id": row["id"], "state": PLANNED, "origin": CYCLE}
        return Change("follow_up_plan", "create", values=values)
    if _as_it_is(row) == values:
        return None
    return Change("follow_up_plan", "update", row["plan_id"], values=values)


def _cancelled(row: asyncpg.Record, today: date) -> Change | None:
    if row["plan_id"] is None:
        return None
    return Change("follow_up_plan", "update", row["plan_id"], values={"state": CANCELLED, "done_on": today})


def _rhythm(row: asyncpg.Record, zone: ZoneInfo) -> Rhythm:
    contact, opened = row["last_contact_at"], row["created_at"].astimezone(zone).date()
    return Rhythm(
        level=row["level"],
        cycle_days=row["cycle_days"],
        last_contact=contact.astimezone(zone).date() if contact else None,
        assigned=row["assigned_on"] or opened,
    )


def _as_it_is(row: asyncpg.Record) -> dict[str, Any]:
    rule = row["plan_rule"]
    return {
        "due_on": row["plan_due_on"],
        "owner_id": row["plan_owner_id"],
        "rule": orjson.loads(rule) if rule else None,
    }


async def count_graded(read: TenantRead, *, level_id: UUID | None) -> int:
    """How many customers have a grade, or this one."""
    return int(
        await read.fetchval(
            "SELECT count(*) FROM customer WHERE grade_level_id IS NOT NULL"
            " AND ($1::uuid IS NULL OR grade_level_id = $1)",
            level_id,
        )
    )


async def replan_part(
    write: TenantWrite, viewer: Viewer, *, level_id: UUID | None, after: UUID | None, clock: Clock
) -> Part:
    """Plan for the next ``CHUNK`` customers behind the id ``after``, of one level or all; repeating changes nothing."""
    rows = await write.fetch(
        "SELECT id FROM customer WHERE ($1::uuid IS NULL OR grade_level_id = $1)"
        " AND grade_level_id IS NOT NULL AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        level_id,
        after,
        CHUNK,
    )
    ids = [row["id"] for row in rows]
    changed = await plan_next(write, viewer, ids, clock=clock)
    return Part(last=ids[-1] if len(ids) == CHUNK else None, seen=len(ids), changed=changed)
