"""Exports: a list of records becomes a file, by a job, with the rights that its asker has then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Forbidden, KedangError, NotFound, UserError
from kedang_platform.i18n import msg, translate
from kedang_platform.ids import new_id
from kedang_platform.registry import Company
from kedang_platform.work import (
    JobCancelled,
    JobInterrupted,
    JobLost,
    NewJob,
    Progress,
    RunningJob,
    enqueue,
)
from kedang_platform.work.priorities import BULK
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.files import AttachedTo, keep_file
from kedang_tenants.imports.errors import NotExportable
from kedang_tenants.imports.exported_columns import RowWriter, exported_columns, headings, selection
from kedang_tenants.imports.local_files import pieces_of
from kedang_tenants.imports.models import CANCELLED, DONE, FAILED, RUNNING, WAITING
from kedang_tenants.imports.record_keeping import told
from kedang_tenants.imports.source import Format
from kedang_tenants.imports.writers import TableWriter, open_writer
from kedang_tenants.people.viewers import company_of, load_viewer, system_viewer
from kedang_tenants.reading import EVERYTHING, Filter, Listing, Page, Scope, Viewer, read_listing
from kedang_tenants.reading.ordering import sort_signature, write_cursor
from kedang_tenants.reading.stored import decode_filter, encode_filter

RUN = "exports.run"
PAGE_ROWS = 1_000

_FIND = "SELECT record, format, filter, state, started_by_id FROM export WHERE id = $1 FOR UPDATE"


@dataclass(frozen=True, slots=True)
class _Order:
    id: UUID
    record: RecordType
    format: Format
    where: Filter
    viewer: Viewer


async def start_export(
    write: TenantWrite, viewer: Viewer, *, record: str, file_format: Format, where: Filter, clock: Clock
) -> UUID:
    """Ask for a file of the records that ``where`` names; returns the id of the export's record.

    Raises NotExportable for a kind that is not one of the archive's, Forbidden.
    """
    if record not in catalogue():
        raise NotExportable(msg("Records of this kind cannot be exported."), path=("input", "record"))
    if viewer.on(record).export is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    export_id = new_id()
    values = {
        "record": record,
        "format": file_format,
        "filter": encode_filter(where),
        "started_by_id": viewer.member_id,
    }
    await change_internally(
        write, viewer, [Change("export", "create", export_id, values=values)], clock=clock
    )
    job = NewJob(RUN, {"export_id": str(export_id)}, key=f"{RUN}:{export_id}", priority=BULK)
    (job_id,) = await enqueue(write, job)
    await write.fetch("UPDATE export SET job_id = $2 WHERE id = $1", export_id, job_id)
    return export_id


async def run_export(job: RunningJob) -> None:
    """Carry out the export that the job's payload names, and tell in its record how it ended."""
    export_id = _export_of(job)
    company = await company_of(job)
    try:
        order = await _begin(job, company, export_id)
        if order is not None:
            await _run(job, company, order)
    except JobCancelled:
        opened = job.databases.tenant_write(company.ref)
        await _end_beside(job, opened, company, export_id, {"state": CANCELLED})
        raise
    except (JobLost, JobInterrupted):
        raise
    except Exception as error:
        if isinstance(error, KedangError) and not error.passing:
            values = {"state": FAILED, **told(UserError.of(error))}
            async with job.finish(result={"state": FAILED, "code": error.code}) as write:
                await _note(write, job, company, export_id, {**values, "finished_at": job.clock.now()})
            return
        raise


async def conclude_broken(job: RunningJob, error: UserError) -> None:
    """Tell the export's people that it will not be tried again; the job is settled by whoever ran it."""
    company = await company_of(job)
    values = {"state": FAILED, **told(error)}
    await _end_beside(job, job.step(), company, _export_of(job), values)


def _export_of(job: RunningJob) -> UUID:
    return UUID(str(job.payload["export_id"]))


async def _begin(job: RunningJob, company: Company, export_id: UUID) -> _Order | None:
    async with job.step() as write:
        row = await write.fetchrow(_FIND, export_id)
        if row is None:
            raise NotFound(msg("There is no such record."))
        if row["state"] not in {WAITING, RUNNING}:
            return None
        viewer = await load_viewer(write, company=company, member_id=row["started_by_id"], via="export")
        if viewer is None:
            raise Forbidden(msg("Whoever started this is no longer an active member."))
        if row["state"] == WAITING:
            await _note(write, job, company, export_id, {"state": RUNNING})
    record = catalogue().record(row["record"])
    where = decode_filter(orjson.loads(row["filter"])) if row["filter"] else EVERYTHING
    return _Order(export_id, record, row["format"], where, as_exporter(viewer, record))


def as_exporter(viewer: Viewer, record: RecordType) -> Viewer:
    """The viewer, seeing no more of a kind of record than they may take away; raises Forbidden for nothing."""
    access = viewer.on(record.name)
    if access.export is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    limited = replace(access, names=min(access.names, access.export), read=min(access.read, access.export))
    # What was found out about masks held for the wider rights.
    return replace(viewer, access={**viewer.access, record.name: limited}, known_masks={})


async def _run(job: RunningJob, company: Company, order: _Order) -> None:
    with TemporaryDirectory(prefix="kedang-export-") as folder:
        path = Path(folder) / "file"
        writer = open_writer(path, file_format=order.format)
        try:
            count = await _write_rows(job, order, writer)
        finally:
            await asyncio.to_thread(writer.close)
        stored = await job.services.files.put(company.ref, pieces_of(path))
    name = f"{translate(order.record.labels[1], order.viewer.language)}.{order.format.lower()}"
    async with job.finish(result={"state": DONE}) as write:
        file_id = await keep_file(
            write,
            await system_viewer(write, company=company, via="export"),
            name=name,
            stored=stored,
            member_id=order.viewer.member_id,
            attached_to=AttachedTo("export", order.id),
            clock=job.clock,
        )
        values = {"state": DONE, "rows_done": count, "file_id": file_id, "finished_at": job.clock.now()}
        await _note(write, job, company, order.id, values)


async def _write_rows(job: RunningJob, order: _Order, writer: TableWriter) -> int:
    """Write page after page, each read in a step of the job, so that it can be called off."""
    columns = exported_columns(order.viewer, order.record)
    writer.write(headings(columns))
    rows = RowWriter(order.viewer, columns)
    select = selection(order.record, columns)
    count = 0
    cursor: str | None = None
    while True:
        listing = Listing(
            order.record.name, select, Page(PAGE_ROWS, after=cursor), where=order.where, cursors=True
        )
        async with job.step() as read:
            found = await read_listing(read, order.viewer, listing)
            count += len(found.page.rows)
            await read.fetch("UPDATE export SET rows_done = $2 WHERE id = $1", order.id, count)
            await job.store(read, progress=Progress(count))
        for row in found.page.rows:
            writer.write(rows.cells(row, found.layout))
        if not found.page.has_next:
            return count
        last = found.page.rows[-1]
        cursor = write_cursor(sort_signature(order.record, ()), [last[place] for place in found.layout.keys])


async def _end_beside(
    job: RunningJob,
    opened: AbstractAsyncContextManager[TenantWrite],
    company: Company,
    export_id: UUID,
    values: Mapping[str, object],
) -> None:
    async with opened as write:
        row = await write.fetchrow(_FIND, export_id)
        if row is not None and row["state"] in {WAITING, RUNNING}:
            await _note(write, job, company, export_id, {**values, "finished_at": job.clock.now()})


async def _note(
    write: TenantWrite, job: RunningJob, company: Company, export_id: UUID, values: Mapping[str, object]
) -> None:
    viewer = await system_viewer(write, company=company, via="export")
    change = Change("export", "update", export_id, values=values)
    await change_internally(write, viewer, [change], clock=job.clock)
