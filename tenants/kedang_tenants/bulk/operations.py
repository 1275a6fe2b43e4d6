"""What people do with bulk operations: ask for an export, ask for an import, call one off."""

from __future__ import annotations

from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.priorities import BULK
from kedang_tenants.bulk.errors import not_flat, not_jsonl
from kedang_tenants.bulk.exporting import as_bulk_exporter
from kedang_tenants.bulk.models import EXPORT, IMPORT
from kedang_tenants.bulk.questions import Level, encode_level
from kedang_tenants.bulk.record_keeping import RECORD
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.files import visible_content
from kedang_tenants.imports.errors import AlreadyFinished
from kedang_tenants.imports.mapping import Mode
from kedang_tenants.imports.models import RUNNING, WAITING
from kedang_tenants.imports.operations import importable_record
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.kept import listing_in_full
from kedang_tenants.reading.planner import plan_listing

RUN_EXPORT = "bulk.export"
RUN_IMPORT = "bulk.import"
_LOCK = "SELECT started_by_id, state FROM bulk_operation WHERE id = $1 FOR UPDATE"


async def start_bulk_export(
    write: TenantWrite, viewer: Viewer, *, question: Level, file_format: str, clock: Clock
) -> UUID:
    """Ask for a file of what ``question`` lists; returns the id of the operation.

    Raises Forbidden for a list that the viewer may not export, MaskedField, NotFound for a segment that
    is not there, and NotFlat for nested lists in a table.
    """
    if file_format == "CSV" and question.below:
        raise not_flat()
    await _plan(write, as_bulk_exporter(viewer, question), question, None)
    values: dict[str, object] = {"kind": EXPORT, "record": question.listing.record, "format": file_format}
    operation_id = await _start(write, viewer, RUN_EXPORT, values, clock=clock)
    stored = orjson.dumps(encode_level(question)).decode()
    await write.fetch("UPDATE bulk_operation SET question = $2::jsonb WHERE id = $1", operation_id, stored)
    return operation_id


async def _plan(read: TenantRead, viewer: Viewer, level: Level, parents: list[object] | None) -> None:
    """Raise now what reading would: masked fields, filters that mean nothing."""
    plan_listing(viewer, await listing_in_full(read, viewer, level.listing), parents)
    for below in level.below:
        await _plan(read, viewer, below, [])


async def start_bulk_import(
    write: TenantWrite, viewer: Viewer, *, file_id: UUID, record: str, mode: Mode, clock: Clock
) -> UUID:
    """Ask for an import of a stored JSONL file; returns the id of the operation.

    It runs with the rights that the viewer has then. Raises NotImportable, Forbidden, NotFound and NotBulkImportable.
    """
    kind = importable_record(viewer, record, mode)
    await _jsonl_file(write, viewer, file_id)
    values = {
        "kind": IMPORT,
        "record": kind.name,
        "format": "JSONL",
        "mode": mode,
        "source_file_id": file_id,
    }
    return await _start(write, viewer, RUN_IMPORT, values, clock=clock)


async def cancel_bulk_operation(
    write: TenantWrite, viewer: Viewer, *, operation_id: UUID, clock: Clock
) -> None:
    """Call an operation off: it ends after the part it is at; what an import accepted so far stays.

    Raises NotFound, also for an operation of someone out of reach, and AlreadyFinished.
    """
    row = await write.fetchrow(_LOCK, operation_id)
    scope = viewer.on(RECORD).read
    if row is None or not viewer.reaches(scope, row["started_by_id"]):
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    if row["state"] not in {WAITING, RUNNING}:
        raise AlreadyFinished(msg("This has already come to its end."))
    change = Change(RECORD, "update", operation_id, values={"cancel_requested": True})
    await change_internally(write, viewer, [change], clock=clock)


async def _start(
    write: TenantWrite, viewer: Viewer, job_kind: str, values: dict[str, object], *, clock: Clock
) -> UUID:
    operation_id = new_id()
    given = {**values, "started_by_id": viewer.member_id}
    await change_internally(
        write, viewer, [Change(RECORD, "create", operation_id, values=given)], clock=clock
    )
    payload = {"operation_id": str(operation_id)}
    job = NewJob(job_kind, payload, key=f"{job_kind}:{operation_id}", priority=BULK)
    (job_id,) = await enqueue(write, job)
    await write.fetch("UPDATE bulk_operation SET job_id = $2 WHERE id = $1", operation_id, job_id)
    return operation_id


async def _jsonl_file(read: TenantRead, viewer: Viewer, file_id: UUID) -> None:
    try:
        content = await visible_content(read, viewer, file_id=file_id)
    except NotFound as error:
        raise NotFound(error.message, path=("input", "fileId")) from None
    if content.kind != "JSONL":
        raise not_jsonl()
