"""The record of an import while its job runs: what was asked, how far it is, how it ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from collections.abc import Mapping as Map
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import orjson

from kedang_platform.database import TenantWrite
from kedang_platform.errors import Forbidden, NotFound, UserError
from kedang_platform.i18n import msg
from kedang_platform.registry import Company
from kedang_platform.work import RunningJob
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.files import stored_content
from kedang_tenants.imports.chunks import Counts
from kedang_tenants.imports.encodings import encoding_name
from kedang_tenants.imports.mapping import Mapping, Mode
from kedang_tenants.imports.models import RUNNING, WAITING
from kedang_tenants.imports.source import Source
from kedang_tenants.people.viewers import company_of, load_viewer, system_viewer
from kedang_tenants.reading import Viewer

RETRIES = 12
"""Tries after the first; then the record says why it failed."""

_FIND = """
SELECT id, file_id, record, mode, dry_run, mapping, state, started_by_id, cancel_requested FROM import WHERE id = $1 FOR UPDATE
"""
_NOTE_COUNTS = """
UPDATE import SET rows_done = $2, created = $3, updated = $4, unchanged = $5, rejected = $6, warnings = $7
WHERE id = $1 RETURNING cancel_requested
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for, and the person who asked with the rights they have now."""

    id: UUID
    file_id: UUID
    record: str
    mode: Mode
    dry_run: bool
    mapping: Mapping
    viewer: Viewer
    called_off: bool


async def begin(job: RunningJob, import_id: UUID) -> Order | None:
    """What is to be done; None when the import has come to its end already.

    Raises Forbidden when the person is no longer an active member.
    """
    company = await company_of(job)
    async with job.step() as write:
        row = await write.fetchrow(_FIND, import_id)
        if row is None:
            raise NotFound(msg("There is no such import."))
        if row["state"] not in {WAITING, RUNNING}:
            return None
        viewer = await load_viewer(write, company=company, member_id=row["started_by_id"], via="import")
        if viewer is None:
            raise Forbidden(msg("Whoever started this is no longer an active member."))
        if row["state"] == WAITING:
            await note(write, job, company, import_id, {"state": RUNNING, "started_at": job.clock.now()})
    return Order(
        id=import_id,
        file_id=row["file_id"],
        record=row["record"],
        mode=row["mode"],
        dry_run=row["dry_run"],
        mapping=Mapping.from_json(orjson.loads(row["mapping"])),
        viewer=viewer,
        called_off=row["cancel_requested"],
    )


@asynccontextmanager
async def local_file(job: RunningJob, order: Order) -> AsyncIterator[Path]:
    """The file of an import as a local one."""
    company = order.viewer.company
    async with job.databases.tenant_read(company) as read:
        content = await stored_content(read, file_id=order.file_id)
    async with job.services.files.local_path(company, content.content_id) as path:
        yield path


async def note_source(write: TenantWrite, order: Order, source: Source, total: int) -> None:
    """Note what was recognised in the file."""
    await write.fetch(
        "UPDATE import SET format = $2, encoding = $3, columns = $4, rows_total = $5 WHERE id = $1",
        order.id,
        source.format,
        encoding_name(source.encoding),
        orjson.dumps(source.columns).decode(),
        total,
    )


async def note_counts(write: TenantWrite, order: Order, counts: Counts) -> bool:
    """Note how far the import is; True when it was called off in the meantime."""
    called_off = await write.fetchval(
        _NOTE_COUNTS,
        order.id,
        counts.rows,
        counts.created,
        counts.updated,
        counts.unchanged,
        counts.rejected,
        counts.warnings,
    )
    return bool(called_off)


async def note(
    write: TenantWrite, job: RunningJob, company: Company, import_id: UUID, values: Map[str, object]
) -> None:
    viewer = await system_viewer(write, company=company, via="import")
    change = Change("import", "update", import_id, values=values)
    await change_internally(write, viewer, [change], clock=job.clock)


def told(error: UserError) -> dict[str, object]:
    """The fields of a record that tell an error in all our languages."""
    return {"error_code": error.code, "error": translated(error.message, error.params)}
