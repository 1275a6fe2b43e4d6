"""The record of a bulk operation while its job runs: what was asked, how far it is, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, KedangError, NotFound, Refused, UserError
from kedang_platform.files import StoredFile
from kedang_platform.i18n import msg, translate
from kedang_platform.registry import Company
from kedang_platform.work import RunningJob
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.languages import language_of
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.files import AttachedTo, keep_file
from kedang_tenants.imports.models import RUNNING, WAITING
from kedang_tenants.imports.record_keeping import told
from kedang_tenants.people.viewers import company_of, load_viewer, system_viewer
from kedang_tenants.reading import Viewer

RECORD = "bulk_operation"

_FIND = """
SELECT kind, record, format, mode, source_file_id, question, state, started_by_id, cancel_requested
FROM bulk_operation WHERE id = $1 FOR UPDATE
"""
_NOTE_COUNTS = """
UPDATE bulk_operation SET total = coalesce($2, total), done = $3, lines = $4, rejected = $5
WHERE id = $1 RETURNING cancel_requested
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for, and the person who asked with the rights they have now."""

    id: UUID
    company: Company
    record: str
    format: str
    mode: Any
    source_file_id: UUID | None
    question: Mapping[str, Any] | None
    viewer: Viewer
    called_off: bool


def operation_of(job: RunningJob) -> UUID:
    """The operation that the job's payload names."""
    return UUID(str(job.payload["operation_id"]))


async def begin(job: RunningJob, kind: str) -> Order | None:
    """What is to be done; None when the operation has come to its end already.

    Raises NotFound, and Forbidden when the person is no longer an active member.
    """
    company = await company_of(job)
    operation_id = operation_of(job)
    async with job.step() as write:
        row = await write.fetchrow(_FIND, operation_id)
        if row is None or row["kind"] != kind:
            raise NotFound(msg("There is no such record."))
        if row["state"] not in {WAITING, RUNNING}:
            return None
        viewer = await asker(write, company, row["started_by_id"])
        if row["state"] == WAITING:
            await note(write, job, company, {"state": RUNNING, "started_at": job.clock.now()})
    return Order(
        id=operation_id,
        company=company,
        record=row["record"],
        format=row["format"],
        mode=row["mode"],
        source_file_id=row["source_file_id"],
        question=orjson.loads(row["question"]) if row["question"] else None,
        viewer=viewer,
        called_off=row["cancel_requested"],
    )


async def asker(read: TenantRead, company: Company, member_id: UUID | None) -> Viewer:
    """Whoever asked, with the rights of this moment; raises Forbidden when they are gone."""
    viewer = None
    if member_id is not None:
        viewer = await load_viewer(read, company=company, member_id=member_id, via="bulk")
    if viewer is None:
        raise Forbidden(msg("Whoever started this is no longer an active member."))
    return viewer


async def note_counts(
    write: TenantWrite, order: Order, *, total: int | None = None, done: int, lines: int, rejected: int = 0
) -> bool:
    """Note how far the operation is; True when it was called off in the meantime."""
    return bool(await write.fetchval(_NOTE_COUNTS, order.id, total, done, lines, rejected))


async def note(write: TenantWrite, job: RunningJob, company: Company, values: Mapping[str, object]) -> None:
    viewer = await system_viewer(write, company=company, via="bulk")
    change = Change(RECORD, "update", operation_of(job), values=values)
    await change_internally(write, viewer, [change], clock=job.clock)


async def keep_result(
    write: TenantWrite, job: RunningJob, company: Company, stored: StoredFile
) -> UUID | None:
    """The record of the resulting file, named after what is in it; None where the operation has ended already."""
    row = await write.fetchrow(_FIND, operation_of(job))
    if row is None or row["state"] not in {WAITING, RUNNING}:
        return None
    language = await write.fetchval("SELECT language FROM member WHERE id = $1", row["started_by_id"])
    label = translate(catalogue().record(row["record"]).labels[1], language_of(language))
    return await keep_file(
        write,
        await system_viewer(write, company=company, via="bulk"),
        name=f"{label}.{row['format'].lower()}",
        stored=stored,
        member_id=row["started_by_id"],
        attached_to=AttachedTo(RECORD, operation_of(job)),
        clock=job.clock,
    )


def reason_of(error: KedangError) -> UserError:
    return error.errors[0] if isinstance(error, Refused) else UserError.of(error)


async def end_beside(
    job: RunningJob,
    opened: AbstractAsyncContextManager[TenantWrite],
    values: Mapping[str, object],
) -> None:
    """End the operation where its job is settled by somebody else; nothing where it has ended."""
    company = await company_of(job)
    async with opened as write:
        row = await write.fetchrow(_FIND, operation_of(job))
        if row is not None and row["state"] in {WAITING, RUNNING}:
            await note(write, job, company, {**values, "finished_at": job.clock.now()})


async def conclude_broken(job: RunningJob, error: UserError) -> None:
    """Tell that it will not be tried again; the job is settled by whoever ran it."""
    await end_beside(job, job.step(), {"state": "FAILED", **told(error)})
