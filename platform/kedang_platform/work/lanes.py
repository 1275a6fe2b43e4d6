"""Whose turn it is: each company has a lane, and the lane that was served longest ago goes first.

Only few jobs are handed out at a time, so that the order is decided here, where everybody's work is
seen, and not by a queue in which one company's ten thousand jobs stand before another's first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from uuid import UUID

from kedang_platform.database import ControlTransaction


@dataclass(frozen=True, slots=True)
class Limits:
    """``queued``: jobs handed out that no worker has begun; ``company``: of one company, begun or not."""

    queued: int = 64
    company: int = 16


@dataclass(frozen=True, slots=True)
class Lane:
    """A company (its schema; empty for the installation) that has work due, and how much it has out."""

    tenant: str
    in_flight: int


@dataclass(frozen=True, slots=True)
class Handed:
    """A job handed out: whoever claims it names this attempt."""

    id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that a round took, and what decides its place in the round."""

    id: UUID
    attempt: int
    tenant: str
    priority: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Round:
    """``jobs`` in the order to be run; ``more`` when due work may have had to stay behind."""

    jobs: tuple[Handed, ...]
    more: bool


NOTHING = Round((), more=False)
_LOCK = 0x6B65_6461_6E68  # one relay hands out at a time, so that the limits hold; others wait for their next round

# A loose scan of job_waiting: one probe for each company and priority that has work waiting, however much.
_DUE = """
WITH RECURSIVE head AS (
    (SELECT tenant, priority, due_at FROM work.job WHERE state = 'waiting'
     ORDER BY tenant, priority, due_at, id LIMIT 1)
    UNION ALL
    SELECT next.tenant, next.priority, next.due_at FROM head CROSS JOIN LATERAL (
        SELECT tenant, priority, due_at FROM work.job
        WHERE state = 'waiting' AND (tenant, priority) > (head.tenant, head.priority)
        ORDER BY tenant, priority, due_at, id LIMIT 1
    ) AS next
), due AS (
    SELECT DISTINCT tenant FROM head WHERE due_at <= $1 AND NOT EXISTS (
        SELECT FROM platform.company WHERE schema_name = head.tenant AND status = 'suspended'
    )
)
SELECT due.tenant,
    (SELECT count(*) FROM work.job WHERE job.tenant = due.tenant AND state IN ('queued', 'running')) AS in_flight,
    (SELECT count(*) FROM work.job WHERE state = 'queued') AS queued
FROM due LEFT JOIN work.lane USING (tenant)
ORDER BY lane.served_at NULLS FIRST, due.tenant
"""
# "At once" is -infinity, which the driver tells as a time without a zone: nothing it could be compared with.
_TAKE = """
WITH turn AS (
    SELECT next.id FROM unnest($1::text[], $2::int[]) AS lane (tenant, room) CROSS JOIN LATERAL (
        SELECT id FROM work.job WHERE job.tenant = lane.tenant AND state = 'waiting' AND due_at <= $3
        ORDER BY priority, due_at, id LIMIT lane.room FOR UPDATE SKIP LOCKED
    ) AS next
)
UPDATE work.job SET state = 'queued', attempt = attempt + 1, queued_at = now()
FROM turn WHERE job.id = turn.id
RETURNING job.id, job.attempt, job.tenant, job.priority, greatest(job.due_at, 'epoch') AS due_at
"""
_SERVED = """
INSERT INTO work.lane (tenant, served_at) SELECT tenant, clock_timestamp() FROM unnest($1::text[]) AS served (tenant)
ON CONFLICT (tenant) DO UPDATE SET served_at = excluded.served_at
"""
_UNSENT = """
UPDATE work.job SET state = 'waiting', queued_at = NULL
FROM unnest($1::uuid[], $2::int[]) AS unsent (id, attempt)
WHERE job.id = unsent.id AND job.attempt = unsent.attempt AND job.state = 'queued'
"""


async def hand_out(tx: ControlTransaction, *, now: datetime, limits: Limits) -> Round:
    """Mark the next due jobs as queued, fairly among the companies; send their messages after the commit."""
    if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
        return Round((), more=True)
    due = await tx.fetch(_DUE, now)
    if not due:
        return NOTHING
    lanes = [Lane(row["tenant"], row["in_flight"]) for row in due]
    rooms = share(lanes, room=limits.queued - due[0]["queued"], per_lane=limits.company)
    if not rooms:
        return Round((), more=True)
    taken = [Taken(**row) for row in await tx.fetch(_TAKE, list(rooms), list(rooms.values()), now)]
    await tx.fetch(_SERVED, list(rooms))
    got = Counter(job.tenant for job in taken)
    left_behind = any(got[lane.tenant] == rooms.get(lane.tenant, 0) for lane in lanes)
    return Round(tuple(in_turn(taken, lanes)), more=left_behind)


async def take_back(tx: ControlTransaction, jobs: Sequence[Handed]) -> None:
    """Undo the handing out of jobs whose messages could not be sent."""
    await tx.fetch(_UNSENT, [job.id for job in jobs], [job.attempt for job in jobs])


def share(lanes: Sequence[Lane], *, room: int, per_lane: int) -> dict[str, int]:
    """How many jobs each lane may hand out now: evenly, first lanes first, none beyond ``per_lane`` in flight."""
    free = {lane.tenant: per_lane - lane.in_flight for lane in lanes if lane.in_flight < per_lane}
    rooms: dict[str, int] = {}
    while room > 0 and free:
        for tenant in list(free)[:room]:
            rooms[tenant] = rooms.get(tenant, 0) + 1
            free[tenant] -= 1
            room -= 1
        free = {tenant: left for tenant, left in free.items() if left > 0}
    return rooms


def in_turn(taken: Sequence[Taken], lanes: Sequence[Lane]) -> list[Handed]:
    """The jobs as they are to be run: one of each lane, then the second of each, and so on."""
    place = {lane.tenant: number for number, lane in enumerate(lanes)}
    turns = {lane.tenant: count() for lane in lanes}
    by_urgency = sorted(taken, key=lambda job: (job.priority, job.due_at, job.id))
    numbered = [(next(turns[job.tenant]), place[job.tenant], job) for job in by_urgency]
    return [Handed(job.id, job.attempt) for _, _, job in sorted(numbered, key=lambda each: each[:2])]
