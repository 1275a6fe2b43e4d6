"""Whose turn it is: each company has a lane, and the lane that was served longest ago goes first.

Only few jobs are handed out at a time, so that the order is decided here, where everybody's work is
seen, and not by a queue in which one company's ten thousand jobs stand before another's first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from kedang_platform.database import ControlTransaction
from kedang_platform.work.channels import Channel
from kedang_platform.work.turns import Candidate, Flight, Lane, deal, share


@dataclass(frozen=True, slots=True)
class Limits:
    """``queued``: jobs handed out that no worker has begun; ``company``: of one company, begun or not.

    ``channels`` names the channel of each kind of job that goes by one, with the limits of its own.
    """

    queued: int = 64
    company: int = 48
    channels: Mapping[str, Channel] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Handed:
    """A job handed out: whoever claims it names this attempt."""

    id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class Round:
    """``jobs`` in the order to be run; ``more`` when due work may have had to stay behind."""

    jobs: tuple[Handed, ...]
    more: bool


NOTHING = Round((), more=False)
_LOCK = 0x6B65_6461_6E68  # one relay hands out at a time, so that the limits hold; others wait for their next round

# The probes below read in the order of an index, or they read a whole backlog. What statistics say of a queue is always
# old, and by them sorting a lane may look as cheap: so nothing is sorted here that an index has in order.
_TURN = """
SELECT pg_try_advisory_xact_lock($1) AS ours, now() AS now, set_config('enable_sort', 'off', true),
    set_config('enable_incremental_sort', 'off', true)
"""

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
SELECT due.tenant, coalesce(lane.turns, 0) AS turns
FROM due LEFT JOIN work.lane USING (tenant)
ORDER BY lane.served_at NULLS FIRST, due.tenant
"""
_IN_FLIGHT = """
SELECT tenant, kind, state, count(*) FROM work.job WHERE state IN ('queued', 'running') GROUP BY tenant, kind, state
"""
# The first of each kind and priority that these lanes have waiting: one probe each, however much lies behind. Said as
# spans in the order of job_waiting_kind, so that without statistics, too, no other index seems as good.
# "At once" is -infinity, which the driver tells as a time without a zone: nothing it could be compared with.
# What is tried again keeps the place it had: behind all that was asked for meanwhile it would wait for the whole backlog.
_CANDIDATES = """
WITH RECURSIVE lane AS (
    SELECT tenant, room FROM unnest($1::text[], $2::int[]) AS lane (tenant, room)
), class AS (
    SELECT lane.tenant, head.kind, head.priority FROM lane CROSS JOIN LATERAL (
        SELECT kind, priority FROM work.job WHERE job.tenant = lane.tenant AND state = 'waiting'
        ORDER BY kind, priority, due_at, id LIMIT 1
    ) AS head
    UNION ALL
    SELECT class.tenant, next.kind, next.priority FROM class CROSS JOIN LATERAL (
        SELECT kind, priority FROM work.job
        WHERE job.tenant = class.tenant AND state = 'waiting' AND (kind, priority) > (class.kind, class.priority)
        ORDER BY kind, priority, due_at, id LIMIT 1
    ) AS next
)
SELECT lane.tenant, class.kind, class.priority, first.id,
    CASE WHEN first.attempt > 0 THEN first.created_at ELSE greatest(first.due_at, first.created_at) END AS since
FROM lane JOIN class USING (tenant) CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT id, due_at, created_at, attempt FROM work.job
        WHERE job.tenant = class.tenant AND state = 'waiting'
            AND (kind, job.priority, due_at) >= (class.kind, class.priority, '-infinity')
            AND (kind, job.priority, due_at) <= (class.kind, class.priority, '-infinity')
        ORDER BY kind, job.priority, due_at, id LIMIT lane.room FOR UPDATE SKIP LOCKED
    ) AS at_once
    UNION ALL
    SELECT * FROM (
        SELECT id, due_at, created_at, attempt FROM work.job
        WHERE job.tenant = class.tenant AND state = 'waiting'
            AND (kind, job.priority, due_at) > (class.kind, class.priority, '-infinity')
            AND (kind, job.priority, due_at) <= (class.kind, class.priority, $3)
        ORDER BY kind, job.priority, due_at, id LIMIT lane.room FOR UPDATE SKIP LOCKED
    ) AS timed
) AS first
"""
_TAKE = """
UPDATE work.job SET state = 'queued', attempt = attempt + 1, queued_at = now()
FROM unnest($1::uuid[]) AS taken (id) WHERE job.id = taken.id
RETURNING job.id, job.attempt
"""
_SERVED = """
INSERT INTO work.lane (tenant, served_at, turns)
SELECT tenant, clock_timestamp(), turns FROM unnest($1::text[], $2::int[]) AS served (tenant, turns)
ON CONFLICT (tenant) DO UPDATE SET served_at = excluded.served_at, turns = lane.turns + excluded.turns
"""
_UNSENT = """
UPDATE work.job SET state = 'waiting', queued_at = NULL
FROM unnest($1::uuid[], $2::int[]) AS unsent (id, attempt)
WHERE job.id = unsent.id AND job.attempt = unsent.attempt AND job.state = 'queued'
"""


async def hand_out(tx: ControlTransaction, *, now: datetime | None, limits: Limits) -> Round:
    """Mark the next due jobs as queued, fairly among the companies; send their messages after the commit.

    What is due is told by ``now``; None is the database's clock, which all relays share.
    """
    turn = await tx.fetchrow(_TURN, _LOCK)
    if turn is None or not turn["ours"]:
        return Round((), more=True)
    now = now or turn["now"]
    due = await tx.fetch(_DUE, now)
    if not due:
        return NOTHING
    flight = await _in_flight(tx, limits)
    lanes = [Lane(row["tenant"], flight.of_company(row["tenant"]), row["turns"]) for row in due]
    rooms = share(lanes, room=limits.queued - flight.queued, per_lane=limits.company)
    if not rooms:
        return Round((), more=True)
    waiting = await _candidates(tx, rooms, now)
    dealt = deal(waiting, [lane for lane in lanes if lane.tenant in rooms], rooms=rooms, flight=flight)
    attempts = {row["id"]: row["attempt"] for row in await tx.fetch(_TAKE, [job.id for job in dealt])}
    turns = Counter(job.tenant for job in dealt)
    # Whoever had a turn and could use none (a channel is full) goes to the end, too: others may be able to.
    await tx.fetch(_SERVED, list(rooms), [turns[tenant] for tenant in rooms])
    left_behind = len(waiting) > len(dealt) or any(
        turns[lane.tenant] == rooms.get(lane.tenant, 0) for lane in lanes
    )
    return Round(tuple(Handed(job.id, attempts[job.id]) for job in dealt), more=left_behind)


async def _in_flight(tx: ControlTransaction, limits: Limits) -> Flight:
    rows = await tx.fetch(_IN_FLIGHT)
    flight = Flight(limits.channels)
    for row in rows:
        flight.add(row["tenant"], row["kind"], row["count"])
    flight.queued = sum(row["count"] for row in rows if row["state"] == "queued")
    return flight


async def _candidates(tx: ControlTransaction, rooms: Mapping[str, int], now: datetime) -> list[Candidate]:
    rows = await tx.fetch(_CANDIDATES, list(rooms), list(rooms.values()), now)
    return [Candidate(row["id"], row["tenant"], row["kind"], row["priority"], row["since"]) for row in rows]


async def take_back(tx: ControlTransaction, jobs: Sequence[Handed]) -> None:
    """Undo the handing out of jobs whose messages could not be sent."""
    await tx.fetch(_UNSENT, [job.id for job in jobs], [job.attempt for job in jobs])
