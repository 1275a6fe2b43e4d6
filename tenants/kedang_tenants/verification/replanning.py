"""Moving the days of all archives when the company changes a cycle (A7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.parts import Part
from kedang_tenants.changing import Event, change_internally, subscribe
from kedang_tenants.changing.requests import Change
from kedang_tenants.reading import Viewer
from kedang_tenants.verification.cycles import load_cycles, verify_day

REPLAN: Final = "verification.replan"
CHUNK: Final = 1_000
"""Customers that one step takes."""

_NEXT: Final = """
SELECT id, state, grade_level_id, verified_on, verify_by, created_at FROM customer
WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2 FOR NO KEY UPDATE
"""


@subscribe(
    "verification_cycle.created",
    "verification_cycle.updated",
    "verification_cycle.archived",
    "verification_cycle.restored",
)
async def replan_by_cycle(
    write: TenantWrite, _viewer: Viewer, _events: Sequence[Event], _clock: Clock
) -> None:
    await enqueue(write, NewJob(REPLAN))


async def count_customers(read: TenantRead) -> int:
    """How many archives there are."""
    return int(await read.fetchval("SELECT count(*) FROM customer"))


async def replan_part(write: TenantWrite, viewer: Viewer, *, after: UUID | None, clock: Clock) -> Part:
    """Move the days of the next ``CHUNK`` archives behind the id ``after``; repeating changes nothing."""
    rows = await write.fetch(_NEXT, after, CHUNK)
    cycles, zone = await load_cycles(write), ZoneInfo(viewer.time_zone)
    changes = [
        Change("customer", "update", row["id"], values={"verify_by": due})
        for row in rows
        if (due := verify_day(cycles, dict(row), row["created_at"].astimezone(zone).date()))
        != row["verify_by"]
    ]
    await change_internally(write, viewer, changes, clock=clock)
    last = rows[-1]["id"] if len(rows) == CHUNK else None
    return Part(last=last, seen=len(rows), changed=len(changes))
