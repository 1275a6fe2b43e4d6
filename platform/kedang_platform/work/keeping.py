"""Jobs as their keepers see them: what is open, what has failed for good, and beginning that anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kedang_platform.database import ControlRead, ControlTransaction, TenantRead
from kedang_platform.ids import new_id
from kedang_platform.work.jobs import STATUS_COLUMNS, JobStatus, job_status, status_of
from kedang_platform.work.priorities import URGENT

MOST_REPLAYED: Final = 1_000
"""Dead letters that one transaction begins anew."""
_LAST: Final = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class LaneStanding:
    """How the work of a company (its schema; empty for the installation) stands. ``oldest`` is the wait in seconds
    of what has been due longest.
    """

    tenant: str
    waiting: int
    due: int
    queued: int
    running: int
    failed: int
    oldest: float


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job without anything that it is about: its payload names people and companies."""

    id: UUID
    tenant: str
    kind: str
    state: str
    priority: int
    tries: int
    age: float
    error_code: str | None
    error_detail: str | None
    replays: int


_OWN_FAILED = f"""
SELECT {STATUS_COLUMNS} FROM work.job
WHERE state = 'failed' AND NOT installation AND id < $1 ORDER BY id DESC LIMIT $2
"""
# Apart, so that each finds its index: together they read the ended jobs of everybody, of a whole week.
_OWN_OPEN = f"""
SELECT {STATUS_COLUMNS} FROM (
    SELECT * FROM work.job WHERE state = 'waiting' AND NOT installation AND id < $1
    UNION ALL
    SELECT * FROM work.job WHERE state IN ('queued', 'running') AND NOT installation AND id < $1
) AS open ORDER BY id DESC LIMIT $2
"""
_SOME = f"SELECT {STATUS_COLUMNS} FROM work.job WHERE id = ANY($1)"
_LANES = """
SELECT tenant,
    count(*) FILTER (WHERE state = 'waiting') AS waiting,
    count(*) FILTER (WHERE state = 'waiting' AND due_at <= $1) AS due,
    count(*) FILTER (WHERE state = 'queued') AS queued,
    count(*) FILTER (WHERE state = 'running') AS running,
    count(*) FILTER (WHERE state = 'failed') AS failed,
    coalesce(extract(epoch FROM $1 - min(greatest(due_at, created_at))
        FILTER (WHERE state = 'waiting' AND due_at <= $1)), 0)::float8 AS oldest
FROM work.job WHERE state IN ('waiting', 'queued', 'running', 'failed')
GROUP BY tenant ORDER BY oldest DESC, tenant
"""
_LINES = """
SELECT id, tenant, kind, state, priority, tries, error_code, error_detail,
    extract(epoch FROM now() - coalesce(finished_at, greatest(created_at, due_at)))::float8 AS age,
    (SELECT count(*) FROM work.replay WHERE replay.job_id = job.id) AS replays
FROM work.job
WHERE state = ANY($1) AND ($2::text IS NULL OR tenant = $2) AND ($3::text IS NULL OR kind = $3)
ORDER BY coalesce(finished_at, greatest(created_at, due_at)), id LIMIT $4
"""
_DEAD = """
SELECT id, tenant, tries, finished_at, error_code FROM work.job
WHERE state = 'failed' AND ($1::uuid[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR tenant = $2)
    AND ($3::text IS NULL OR kind = $3) AND ($4 OR NOT installation) AND ($6::uuid IS NULL OR id > $6)
ORDER BY id LIMIT $5 FOR UPDATE SKIP LOCKED
"""
_NOTE = """
INSERT INTO work.replay (id, job_id, tenant, member_id, replayed_at, tries, failed_at, error_code)
SELECT id, job_id, tenant, $3, $4, tries, failed_at, error_code
FROM unnest($1::uuid[], $2::uuid[], $5::text[], $6::int[], $7::timestamptz[], $8::text[])
    AS noted (id, job_id, tenant, tries, failed_at, error_code)
"""
# The checkpoint stays: what was done is not done again.
_AGAIN = """
UPDATE work.job SET state = 'waiting', tries = 0, due_at = $2, cancel_requested = false, queued_at = NULL,
    finished_at = NULL, error_code = NULL, error_message = NULL, error_params = NULL, error_detail = NULL
WHERE id = ANY($1)
"""
# Its next claimant ends it, soon: whoever waits for it (a report that is RUNNING) is then told.
_CALL_OFF = f"""
UPDATE work.job SET cancel_requested = true,
    priority = CASE WHEN state = 'waiting' THEN least(priority, {URGENT}) ELSE priority END,
    due_at = CASE WHEN state = 'waiting' THEN least(due_at, now()) ELSE due_at END
WHERE id = $1 AND state IN ('waiting', 'queued', 'running')
RETURNING id
"""


async def own_jobs(
    read: TenantRead, *, failed: bool, first: int, before: UUID | None = None
) -> list[JobStatus]:
    """The company's jobs, the youngest first: those that are open, or those that failed for good.

    ``before`` begins behind that job. Work that the installation does for the company is not among them.
    """
    rows = await read.fetch(_OWN_FAILED if failed else _OWN_OPEN, before or _LAST, first)
    return [status_of(row) for row in rows]


async def statuses_of(read: TenantRead, ids: Sequence[UUID]) -> dict[UUID, JobStatus]:
    """How these jobs stand; without those that are another company's, unknown or long ended."""
    return {row["id"]: status_of(row) for row in await read.fetch(_SOME, list(ids))}


async def lanes(read: ControlRead, *, now: datetime) -> list[LaneStanding]:
    """Every lane that has anything open or failed, the one whose work waits longest first."""
    return [LaneStanding(**row) for row in await read.fetch(_LANES, now)]


async def lines(
    read: ControlRead,
    *,
    states: Sequence[str],
    tenant: str | None = None,
    kind: str | None = None,
    limit: int = 100,
) -> list[JobLine]:
    """Jobs in these states, the oldest first."""
    return [JobLine(**row) for row in await read.fetch(_LINES, list(states), tenant, kind, limit)]


async def dead_letters(
    read: ControlRead, *, tenant: str | None = None, kind: str | None = None, limit: int = 100
) -> list[JobLine]:
    """Jobs that failed for good, the oldest first."""
    return await lines(read, states=["failed"], tenant=tenant, kind=kind, limit=limit)


async def replay(
    control: ControlTransaction,
    *,
    ids: Sequence[UUID] | None = None,
    tenant: str | None = None,
    kind: str | None = None,
    member_id: UUID | None = None,
    behind: UUID | None = None,
    now: datetime,
) -> list[UUID]:
    """Begin dead letters anew: these ``ids``, or all of a company or a kind, ``MOST_REPLAYED`` at the most.

    Each has its tries afresh and goes on from its checkpoint; who had it done, when, and what it had failed of
    is noted. With ``member_id``, a member of the company, work of the installation is left alone; None is
    the operator. Returns those that were dead letters, in the order of their ids, which may go on ``behind`` one;
    others are passed over.
    """
    wanted = None if ids is None else list(ids)
    dead = await control.fetch(_DEAD, wanted, tenant, kind, member_id is None, MOST_REPLAYED, behind)
    if not dead:
        return []
    found = [row["id"] for row in dead]
    await control.fetch(
        _NOTE,
        [new_id() for _ in dead],
        found,
        member_id,
        now,
        *([row[name] for row in dead] for name in ("tenant", "tries", "finished_at", "error_code")),
    )
    await control.fetch(_AGAIN, found, now)
    control.asks_for_work = True
    return found


async def call_off(control: ControlTransaction, job_id: UUID) -> bool:
    """Have the job ended by its handler, which alone knows what has to be told of that: at its next step, or soon.

    It waits no longer for its next try. True when there was something to call off, False when the job had ended;
    raises NotFound for one that is unknown or long ended. A feature that tells its own record ends what nobody
    works on at once (``request_cancel``).
    """
    if await control.fetchval(_CALL_OFF, job_id) is None:
        await job_status(control, job_id)
        return False
    control.asks_for_work = True
    return True
