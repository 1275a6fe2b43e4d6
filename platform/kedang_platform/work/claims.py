"""The moves of a job between its states. Each holds a fence: it moves the job only from where it must be.

``attempt`` is the fencing token: it rises each time the job is handed out, so that whoever holds an
older one – a worker that was thought dead, a message delivered twice – moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from kedang_platform.database import CompanyRef, ControlTransaction
from kedang_platform.work.jobs import JSON, decode
from kedang_platform.work.retry import Failure

LEASE = timedelta(seconds=30)
"""How long a worker may be silent before its jobs go to another; it renews three times as often."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this worker, and no other, may work on until the lease ends.

    One that is ``called_off`` was so while an earlier worker had it and died. ``waited`` are the seconds
    between the instant it was due and this claim, ``age`` is how long ago it was asked for, ``trace`` whence
    (``observing.tracing``). ``installation``: work of the installation that takes its turn among the company's.
    """

    id: UUID
    attempt: int
    tries: int
    kind: str
    company: CompanyRef | None
    payload: Mapping[str, JSON]
    checkpoint: JSON
    called_off: bool = False
    trace: str | None = None
    priority: int = 0
    waited: float = 0.0
    age: timedelta = timedelta(0)
    installation: bool = False


@dataclass(frozen=True, slots=True)
class Swept:
    """What was taken back: jobs of silent workers, and jobs whose message nobody answered."""

    expired: int
    unanswered: int


_CLAIM = """
UPDATE work.job SET state = 'running', lease_until = now() + $3, tries = tries + 1
WHERE id = $1 AND attempt = $2 AND state = 'queued' AND NOT EXISTS (
    SELECT FROM platform.company WHERE schema_name = job.tenant AND status = 'suspended'
)
RETURNING tries, kind, company, tenant, payload, checkpoint, cancel_requested, trace, priority, installation,
    now() - created_at AS age,
    extract(epoch FROM now() - greatest(due_at, created_at))::float8 AS waited
"""
_GIVE_BACK = """
UPDATE work.job SET state = 'waiting', queued_at = NULL, due_at = $3
WHERE id = $1 AND attempt = $2 AND state = 'queued' RETURNING id
"""
_HELD = "WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING id"
_DONE = f"UPDATE work.job SET state = 'done', lease_until = NULL, finished_at = now() {_HELD}"
_CANCELLED = f"UPDATE work.job SET state = 'cancelled', lease_until = NULL, finished_at = now() {_HELD}"
_RELEASE = (
    f"UPDATE work.job SET state = 'waiting', lease_until = NULL, tries = tries - 1, due_at = $3 {_HELD}"
)
_AGAIN = f"""
UPDATE work.job SET state = 'waiting', lease_until = NULL, due_at = $3, tries = tries - $8::int,
    error_code = $4, error_message = $5, error_params = $6, error_detail = $7 {_HELD}
"""
_FAILED = f"""
UPDATE work.job SET state = 'failed', lease_until = NULL, finished_at = now(),
    error_code = $3, error_message = $4, error_params = $5, error_detail = $6 {_HELD}
"""
# A row that is locked is in the middle of a step, which renews the lease itself.
_RENEW = """
UPDATE work.job SET lease_until = clock_timestamp() + $3
FROM (
    SELECT job.id FROM unnest($1::uuid[], $2::int[]) AS held (id, attempt)
    JOIN work.job ON job.id = held.id AND job.attempt = held.attempt AND job.state = 'running'
    FOR UPDATE OF job SKIP LOCKED
) AS alive
WHERE job.id = alive.id
RETURNING job.id, job.cancel_requested
"""
# What was called off meanwhile waits, too: its handler ends it, so that whoever waits for it is told.
_SWEEP_EXPIRED = """
UPDATE work.job SET state = 'waiting', lease_until = NULL
WHERE id IN (SELECT id FROM work.job WHERE state = 'running' AND lease_until < now() FOR UPDATE SKIP LOCKED)
RETURNING id
"""
_SWEEP_UNANSWERED = """
UPDATE work.job SET state = 'waiting', queued_at = NULL
WHERE id IN (SELECT id FROM work.job WHERE state = 'queued' AND queued_at < now() - $1::interval
             FOR UPDATE SKIP LOCKED)
RETURNING id
"""


async def claim(
    tx: ControlTransaction, job_id: UUID, attempt: int, *, lease: timedelta = LEASE
) -> Claim | None:
    """Take the job that a message speaks of; None when the message is a duplicate or out of date.

    None, too, while its company is suspended: the job is taken back and waits until it is resumed.
    """
    record = await tx.fetchrow(_CLAIM, job_id, attempt, lease)
    if record is None:
        return None
    company = CompanyRef(record["company"], record["tenant"]) if record["company"] else None
    return Claim(
        id=job_id,
        attempt=attempt,
        tries=record["tries"],
        kind=record["kind"],
        company=company,
        payload=orjson.loads(record["payload"]),
        checkpoint=decode(record["checkpoint"]),
        called_off=record["cancel_requested"],
        trace=record["trace"],
        priority=record["priority"],
        waited=max(record["waited"], 0.0),
        age=record["age"],
        installation=record["installation"],
    )


async def give_back(tx: ControlTransaction, job_id: UUID, attempt: int, *, due_at: datetime) -> bool:
    """Leave the job of a message that cannot be read here to others; False when the message is out of date."""
    return await tx.fetchval(_GIVE_BACK, job_id, attempt, due_at) is not None


async def settle_done(tx: ControlTransaction, job: Claim) -> bool:
    """The job is done; like all settling, False when it was no longer this worker's."""
    return await tx.fetchval(_DONE, job.id, job.attempt) is not None


async def settle_cancelled(tx: ControlTransaction, job: Claim) -> bool:
    return await tx.fetchval(_CANCELLED, job.id, job.attempt) is not None


async def settle_failed(tx: ControlTransaction, job: Claim, failure: Failure) -> bool:
    """The job has failed for good and stays as a dead letter."""
    return await tx.fetchval(_FAILED, job.id, job.attempt, *_columns(failure)) is not None


async def settle_again(
    tx: ControlTransaction, job: Claim, failure: Failure, *, due_at: datetime, counts: bool = True
) -> bool:
    """The try failed; the next is not before ``due_at``. One that does not count costs the job none of its tries."""
    values = (due_at, *_columns(failure), int(not counts))
    return await tx.fetchval(_AGAIN, job.id, job.attempt, *values) is not None


async def release(tx: ControlTransaction, job: Claim, *, due_at: datetime) -> bool:
    """Put the job back without counting a try: it did nothing wrong."""
    return await tx.fetchval(_RELEASE, job.id, job.attempt, due_at) is not None


async def renew(
    tx: ControlTransaction, jobs: Sequence[tuple[UUID, int]], *, lease: timedelta = LEASE
) -> dict[UUID, bool]:
    """Prolong the leases of jobs (id, attempt) that are still held; tells of each whether it is called off."""
    ids, attempts = [job[0] for job in jobs], [job[1] for job in jobs]
    return {row["id"]: row["cancel_requested"] for row in await tx.fetch(_RENEW, ids, attempts, lease)}


async def sweep(tx: ControlTransaction, *, unanswered_after: timedelta | None) -> Swept:
    """Take back what nobody works on any more: it waits again, and older messages of it are void.

    With None, messages that nobody answered are left to be answered yet.
    """
    expired = await tx.fetch(_SWEEP_EXPIRED)
    unanswered = await tx.fetch(_SWEEP_UNANSWERED, unanswered_after) if unanswered_after is not None else []
    return Swept(len(expired), len(unanswered))


def _columns(failure: Failure) -> tuple[str, str, str, str | None]:
    return failure.code, failure.message, failure.params, failure.detail
