"""Telling that a clock has run out: the owner at once, their superior when it has not helped (S1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.working_calendar import WorkingHours
from kedang_tenants.people.notices import REQUEST_OVERDUE
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.people.working_days import load_hours
from kedang_tenants.reading import Viewer
from kedang_tenants.service.assignment import HEADS
from kedang_tenants.service.clocks import CLOCKS, ESCALATION, TOLD_ALL, Row, next_telling, runs

ESCALATE: Final = "service.escalate"
CHUNK: Final = 200
"""Requests that one step of telling takes."""

# Cheap while nothing is overdue: the index holds only requests whose clocks run, by when they run out.
_RUN_OUT: Final = """
SELECT r.*, c.name AS customer, o.superior_id,
       CASE WHEN o.state <> 'SUSPENDED' AND o.archived_at IS NULL THEN r.owner_id END AS responsible_id
FROM service_request r
JOIN customer c ON c.id = r.customer_id
LEFT JOIN member o ON o.id = r.owner_id
WHERE r.escalate_at < $1 ORDER BY r.escalate_at, r.id LIMIT $2 FOR UPDATE OF r SKIP LOCKED
"""
_HEADS: Final = """
SELECT id, department_id, roles FROM member
WHERE state = 'ACTIVE' AND archived_at IS NULL
  AND (roles && $2::text[] AND department_id = ANY($1::uuid[]) OR roles && ARRAY['OWNER'])
ORDER BY id
"""
_TOLD: Final = """
UPDATE service_request r SET first_answer_told = g.first, solution_told = g.solution, escalate_at = g.at
FROM unnest($1::uuid[], $2::int[], $3::int[], $4::timestamptz[]) AS g (id, first, solution, at) WHERE r.id = g.id
"""
_TITLES: Final[Mapping[str, str]] = {
    "first_answer": msg("Service request {number} has not been answered in time"),
    "solution": msg("Service request {number} has not been solved in time"),
}
_Told: TypeAlias = tuple[UUID, int, int, datetime | None]


async def escalate_part(write: TenantWrite, viewer: Viewer, *, clock: Clock) -> int:
    """Tell of the next ``CHUNK`` requests of which a clock has run out; returns how many there were.

    The owner is told once of each clock, then, an hour of business time later, the owner's superior.
    Of a request without an owner, or whose owner has left, the heads of its department hear, else the
    company's owners.
    """
    now = clock.now()
    rows = [dict(row) for row in await write.fetch(_RUN_OUT, now, CHUNK)]
    if not rows:
        return 0
    hours = await load_hours(write, country=viewer.country, time_zone=viewer.time_zone)
    heads = await _heads(write, [row["department_id"] for row in rows if row["responsible_id"] is None])
    tellings: list[Telling] = []
    told: list[_Told] = []
    for row in rows:
        found, known = _tell_of(hours, row, heads, now)
        tellings += found
        told.append((row["id"], *(known[f"{name}_told"] for name in CLOCKS), next_telling(hours, known)))
    await tell(write, viewer, tellings, clock=clock)
    await write.fetch(_TOLD, *(list(column) for column in zip(*told, strict=True)))
    return len(rows)


def _tell_of(
    hours: WorkingHours, row: Row, heads: Mapping[UUID | None, list[UUID]], now: datetime
) -> tuple[list[Telling], dict[str, Any]]:
    """Whom to tell of one request, and the row with what they know then."""
    known = {**row}
    tellings = []
    for clock in CLOCKS:
        if not runs(row, clock) or now <= row[f"{clock}_due_at"]:
            continue
        if known[f"{clock}_told"] == 0:
            known[f"{clock}_told"] = 1
            responsible = [row["responsible_id"]] if row["responsible_id"] else _heads_of(row, heads)
            tellings += [_telling(hours, row, clock, member) for member in responsible]
        if known[f"{clock}_told"] < TOLD_ALL and now > hours.after(row[f"{clock}_due_at"], ESCALATION):
            known[f"{clock}_told"] = TOLD_ALL
            tellings += [_telling(hours, row, clock, row["superior_id"])] if row["superior_id"] else []
    return tellings, known


def _heads_of(row: Row, heads: Mapping[UUID | None, list[UUID]]) -> list[UUID]:
    return heads.get(row["department_id"]) or heads[None]


async def _heads(write: TenantWrite, departments: Sequence[UUID | None]) -> dict[UUID | None, list[UUID]]:
    """The heads of departments; under None the company's owners."""
    found: dict[UUID | None, list[UUID]] = {None: []}
    if not departments:
        return found
    wanted = [department for department in departments if department is not None]
    for row in await write.fetch(_HEADS, wanted, list(HEADS)):
        if "OWNER" in row["roles"]:
            found[None].append(row["id"])
        if HEADS & set(row["roles"]) and row["department_id"] is not None:
            found.setdefault(row["department_id"], []).append(row["id"])
    return found


def _telling(hours: WorkingHours, row: Row, clock: str, member_id: UUID) -> Telling:
    due = row[f"{clock}_due_at"].astimezone(hours.zone)
    occasion = f"overdue:{row['id'].hex}:{clock}:{row['reopened_count']}:{due.timestamp():.0f}"
    return Telling(
        kind=REQUEST_OVERDUE,
        member_id=member_id,
        occasion=occasion,
        title=_TITLES[clock],
        body=msg("{customer} asks: {title}. It was due on {due}."),
        params={
            "number": row["number"],
            "customer": row["customer"],
            "title": row["title"],
            "due": due.strftime("%Y-%m-%d %H:%M"),
        },
        about=("service_request", row["id"]),
    )
