"""Planning the clocks of open requests anew: a new calendar, or another grade of the customer (S1, T6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.work.parts import Part
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.working_days import load_hours
from kedang_tenants.reading import Viewer
from kedang_tenants.service.clocks import Values, planned
from kedang_tenants.service.models import OPEN_STATES
from kedang_tenants.service.requests import RECORD
from kedang_tenants.service.standards import allowed_minutes, load_standards, most_exact

CHUNK: Final = 500
"""Requests that one step of a re-planning takes."""

_OPEN: Final = f"""
FROM service_request r WHERE r.state IN ({", ".join(f"'{state}'" for state in OPEN_STATES)})
AND r.archived_at IS NULL
"""
_NEXT: Final = f"SELECT r.id {_OPEN} AND ($1::uuid IS NULL OR r.id > $1) ORDER BY r.id LIMIT $2"
_OF_CUSTOMERS: Final = f"SELECT r.id {_OPEN} AND r.customer_id = ANY($1::uuid[]) ORDER BY r.id LIMIT $2"
_HELD: Final = f"""
SELECT r.*, (SELECT c.grade_level_id FROM customer c WHERE c.id = r.customer_id) AS grade_level_id
{_OPEN} AND r.id = ANY($1::uuid[]) ORDER BY r.id FOR UPDATE
"""


async def open_requests_of(read: TenantRead, customer_ids: Sequence[UUID], *, limit: int) -> list[UUID]:
    """The open requests of customers, at most ``limit``."""
    return [row["id"] for row in await read.fetch(_OF_CUSTOMERS, list(customer_ids), limit)]


async def count_open(read: TenantRead) -> int:
    """How many requests are open."""
    return int(await read.fetchval(f"SELECT count(*) {_OPEN}"))


async def replan(
    write: TenantWrite, viewer: Viewer, request_ids: Sequence[UUID], *, by_grade: bool, clock: Clock
) -> int:
    """Plan the unfinished clocks of those of these requests that are open; returns how many changed.

    By the calendar as it is now; ``by_grade`` also by the standard that holds for the customer's grade
    now. The time for which a clock stood still stays as it was measured. Repeating changes nothing.
    """
    rows = await write.fetch(_HELD, list(request_ids))
    hours = await load_hours(write, country=viewer.country, time_zone=viewer.time_zone)
    standards = await load_standards(write) if by_grade else []
    changes = []
    for row in rows:
        values: Values = {}
        if by_grade:
            found = most_exact(standards, grade_level_id=row["grade_level_id"], priority=row["priority"])
            values |= allowed_minutes(found, at_most=row["solution_minutes_at_most"])
        values |= planned(hours, {**row, **values})
        if any(row[name] != value for name, value in values.items()):
            changes.append(Change(RECORD, "update", row["id"], values=values))
    await change_internally(write, viewer, changes, clock=clock)
    return len(changes)


async def replan_part(
    write: TenantWrite, viewer: Viewer, *, by_grade: bool, after: UUID | None, clock: Clock
) -> Part:
    """Plan for the next ``CHUNK`` open requests behind the id ``after``."""
    ids = [row["id"] for row in await write.fetch(_NEXT, after, CHUNK)]
    changed = await replan(write, viewer, ids, by_grade=by_grade, clock=clock) if ids else 0
    return Part(last=ids[-1] if len(ids) == CHUNK else None, seen=len(ids), changed=changed)
