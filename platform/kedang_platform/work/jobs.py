"""Asking for work, seeing how it goes, calling it off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import CompanyRef, ControlRead, ControlTransaction, TenantRead, TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.observing.tracing import asked_from
from kedang_platform.work.tables import INSTALLATION

JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be done by the handler of ``kind``, at once or not before ``due_at``.

    Of jobs with the same ``key`` in the same company only the first is made; the key is free again
    about a week after that job's end. Lower ``priority`` runs first within the company (``priorities``).
    ``company`` is only for transactions on ``platform`` that ask for work in a company; a company's
    own transaction fills it in. ``turn_of`` is for work of the installation (``handler(installation=True)``) that is
    done for a company, such as its mails: it takes its turns among that company's jobs, which can neither see it
    nor ask for it, so that one company's many hold up nobody else's. It waits while the company is suspended.
    """

    kind: str
    payload: Mapping[str, JSON] = field(default_factory=dict)
    key: str | None = None
    due_at: datetime | None = None
    priority: int = 0
    company: CompanyRef | None = None
    turn_of: CompanyRef | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is, in units of its own (rows, mails); ``total`` is None while it is not known."""

    done: int
    total: int | None = None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What can be told of a job. ``error_message`` is a msgid to be filled with ``error_params``.

    The error is that of a job that failed for good; tries that are made again are nobody's concern.
    """

    id: UUID
    kind: str
    state: str
    progress: Progress
    cancel_requested: bool
    result: JSON
    error_code: str | None
    error_message: str | None
    error_params: Mapping[str, JSON]
    created_at: datetime
    finished_at: datetime | None
    tries: int
    due_at: datetime

    @property
    def finished(self) -> bool:
        return self.finished_at is not None


# Unnested arrays make one statement text for any number of jobs, so that it stays prepared.
_INSERT = """
INSERT INTO work.job (id, company, tenant, kind, key, priority, due_at, payload, trace, installation)
SELECT id, company, tenant, kind, key, priority, coalesce(due_at, '-infinity'), payload, trace, installation
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::timestamptz[],
            $8::jsonb[], $9::text[], $10::bool[])
    AS asked (id, company, tenant, kind, key, priority, due_at, payload, trace, installation)
ON CONFLICT (tenant, key) WHERE key IS NOT NULL DO NOTHING
RETURNING id
"""
_INSERT_ONE = """
INSERT INTO work.job (id, company, tenant, kind, key, priority, due_at, payload, trace, installation)
VALUES ($1, $2, $3, $4, $5, $6, coalesce($7::timestamptz, '-infinity'), $8, $9, $10)
ON CONFLICT (tenant, key) WHERE key IS NOT NULL DO NOTHING
""".strip()
_BY_KEY = """
SELECT job.tenant, job.key, job.id
FROM unnest($1::text[], $2::text[]) AS asked (tenant, key)
JOIN work.job ON job.tenant = asked.tenant AND job.key = asked.key
"""
STATUS_COLUMNS = (
    "id, kind, state, progress_done, progress_total, cancel_requested, result, error_code, error_message,"
    " error_params, created_at, finished_at, tries, greatest(due_at, created_at) AS due_at"
)
"""What ``status_of`` reads."""
_STATUS = f"SELECT {STATUS_COLUMNS} FROM work.job WHERE id = $1"
# Work that no worker holds ends here; a running job is asked to end and does so at its next step.
_CANCEL = """
UPDATE work.job SET
    cancel_requested = true,
    finished_at = CASE WHEN state = 'running' THEN NULL ELSE now() END,
    state = CASE WHEN state = 'running' THEN 'running' ELSE 'cancelled' END
WHERE id = $1 AND state IN ('waiting', 'queued', 'running')
RETURNING id
"""


async def enqueue(tx: TenantWrite | ControlTransaction, *jobs: NewJob) -> list[UUID]:
    """Ask for ``jobs`` in this transaction: they exist when it commits and never did when it does not.

    Returns an id for each, in order; where a job with the same key exists, that job's id, unchanged.
    """
    if not jobs:
        return []
    tx.asks_for_work = True
    rows = [_row(tx, job) for job in jobs]
    made = {
        record["id"]
        for record in await tx.fetch(_INSERT, *(list(column) for column in zip(*rows, strict=True)))
    }
    if len(made) == len(rows):
        return [row[0] for row in rows]
    earlier = await _ids_by_key(tx, [row for row in rows if row[0] not in made])
    return [row[0] if row[0] in made else earlier[row[2], row[4]] for row in rows]


def asking_for(tx: TenantWrite | ControlTransaction, job: NewJob) -> tuple[str, Sequence[object]]:
    """The statement that asks for a job as ``enqueue`` does, and its values, to be sent with another one."""
    tx.asks_for_work = True
    return _INSERT_ONE, _row(tx, job)


_Row: TypeAlias = tuple[UUID, UUID | None, str, str, str | None, int, datetime | None, str, str | None, bool]


def _row(tx: TenantWrite | ControlTransaction, job: NewJob) -> _Row:
    company = _company(tx, job)
    return (
        new_id(),
        company.id if company else None,
        company.schema if company else INSTALLATION,
        job.kind,
        job.key,
        job.priority,
        job.due_at,
        encode(job.payload),
        asked_from(),
        job.turn_of is not None,
    )


def _company(tx: TenantWrite | ControlTransaction, job: NewJob) -> CompanyRef | None:
    if isinstance(tx, ControlTransaction):
        return job.turn_of or job.company
    if job.turn_of is not None:
        raise ValueError(f"a transaction of {tx.company.schema} asks for work of the installation")
    if job.company is not None and job.company != tx.company:
        raise ValueError(f"a transaction of {tx.company.schema} asks for work in {job.company.schema}")
    return tx.company


async def _ids_by_key(
    tx: TenantRead | ControlRead, rows: Sequence[_Row]
) -> dict[tuple[str, str | None], UUID]:
    found = await tx.fetch(_BY_KEY, [row[2] for row in rows], [row[4] for row in rows])
    return {(record["tenant"], record["key"]): record["id"] for record in found}


async def job_status(read: TenantRead | ControlRead, job_id: UUID) -> JobStatus:
    """How the job stands; raises NotFound for a job that is another company's, unknown or long ended."""
    record = await read.fetchrow(_STATUS, job_id)
    if record is None:
        raise _not_found()
    return status_of(record)


async def request_cancel(write: TenantWrite | ControlTransaction, job_id: UUID) -> bool:
    """Call the job off: at once where nobody works on it, else at its next step.

    True when there was something to call off, False when the job had ended; NotFound as in ``job_status``.
    """
    if await write.fetchval(_CANCEL, job_id) is not None:
        return True
    if await write.fetchval("SELECT 1 FROM work.job WHERE id = $1", job_id) is None:
        raise _not_found()
    return False


def status_of(record: asyncpg.Record) -> JobStatus:
    """A row with ``STATUS_COLUMNS``."""
    failed = record["state"] == "failed"
    return JobStatus(
        id=record["id"],
        kind=record["kind"],
        state=record["state"],
        progress=Progress(record["progress_done"] or 0, record["progress_total"]),
        cancel_requested=record["cancel_requested"],
        result=decode(record["result"]),
        error_code=record["error_code"] if failed else None,
        error_message=record["error_message"] if failed else None,
        error_params=orjson.loads(record["error_params"]) if failed else {},
        created_at=record["created_at"],
        finished_at=record["finished_at"],
        tries=record["tries"],
        due_at=record["due_at"],
    )


def _not_found() -> NotFound:
    return NotFound(msg("There is no such job."))


def encode(value: JSON) -> str:
    """JSON text of ``value``; dates, times and UUIDs become strings."""
    return orjson.dumps(value).decode()


def decode(text: str | None) -> JSON:
    value: JSON = orjson.loads(text) if text is not None else None
    return value
