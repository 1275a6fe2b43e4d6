"""How an import ends: its last state, and the files of what was wrong with its rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import KedangError, Refused, UserError
from kedang_platform.files import StoredFile
from kedang_platform.i18n import msg, translate
from kedang_platform.registry import Company
from kedang_platform.work import JobLost, RunningJob
from kedang_tenants.catalogue.languages import language_of
from kedang_tenants.files import AttachedTo, keep_file
from kedang_tenants.imports import remarks
from kedang_tenants.imports.local_files import pieces_of
from kedang_tenants.imports.models import CANCELLED, FAILED, RUNNING, WAITING
from kedang_tenants.imports.record_keeping import note, told
from kedang_tenants.people.viewers import company_of, system_viewer

_LOCK = "SELECT state FROM import WHERE id = $1 FOR UPDATE"
_REPORTED = """
SELECT i.columns, i.started_by_id, f.name, m.language
FROM import i JOIN file f ON f.id = i.file_id JOIN member m ON m.id = i.started_by_id WHERE i.id = $1
"""


async def conclude(job: RunningJob, import_id: UUID, state: str) -> None:
    """End the job and the import together, with the files of what was wrong."""
    company = await company_of(job)
    async with _report(job, company, import_id) as report, job.finish(result={"state": state}) as write:
        await _end(write, job, company, import_id, report, {"state": state})


async def conclude_failed(job: RunningJob, import_id: UUID, error: KedangError) -> None:
    """End the job and the import with the reason why nothing more can be done."""
    company = await company_of(job)
    reason = error.errors[0] if isinstance(error, Refused) else UserError.of(error)
    result = {"state": FAILED, "code": reason.code}
    async with _report(job, company, import_id) as report, job.finish(result=result) as write:
        await _end(write, job, company, import_id, report, {"state": FAILED, **told(reason)})


async def conclude_broken(job: RunningJob, error: UserError) -> None:
    """Tell the import's people that it will not be tried again; the job is settled by whoever ran it."""
    await _conclude_beside(job, job.step(), import_of(job), {"state": FAILED, **told(error)})


async def conclude_cancelled(job: RunningJob, import_id: UUID) -> None:
    """Tell the import's people that its job was called off; the job is settled by whoever ran it."""
    assert job.company is not None
    opened = job.databases.tenant_write(job.company)
    await _conclude_beside(job, opened, import_id, {"state": CANCELLED})


def import_of(job: RunningJob) -> UUID:
    """The import that the job's payload names."""
    return UUID(str(job.payload["import_id"]))


async def _conclude_beside(
    job: RunningJob,
    opened: AbstractAsyncContextManager[TenantWrite],
    import_id: UUID,
    values: Mapping[str, object],
) -> None:
    company = await company_of(job)
    async with _report(job, company, import_id) as report, opened as write:
        row = await write.fetchrow(_LOCK, import_id)
        if row is not None and row["state"] in {WAITING, RUNNING}:
            await _end(write, job, company, import_id, report, values)


@dataclass(frozen=True, slots=True)
class _Report:
    """The files of what was wrong, stored but not yet named by any record; a verdict without rows has none."""

    name: str = ""
    language: str = "en"
    member_id: UUID | None = None
    files: Mapping[remarks.Verdict, StoredFile] = field(default_factory=dict)


@asynccontextmanager
async def _report(job: RunningJob, company: Company, import_id: UUID) -> AsyncIterator[_Report]:
    """The files of what was wrong with rows, stored; deleted again when the block surely did not name them.

    After a failure whose outcome is unknown they stay: rubbish is better than a record without content.
    """
    files: dict[remarks.Verdict, StoredFile] = {}
    try:
        async with job.databases.tenant_read(company.ref) as read:
            row = await read.fetchrow(_REPORTED, import_id)
            if row is not None and row["columns"] is not None:
                await _store_files(read, job, import_id, row, files)
        yield (
            _Report(row["name"], language_of(row["language"]), row["started_by_id"], files)
            if row is not None
            else _Report()
        )
    except (JobLost, Refused):
        for stored in files.values():
            await job.services.files.delete(company.ref, stored.content_id)
        raise


async def _store_files(
    read: TenantRead,
    job: RunningJob,
    import_id: UUID,
    row: asyncpg.Record,
    files: dict[remarks.Verdict, StoredFile],
) -> None:
    with TemporaryDirectory(prefix="kedang-report-") as folder:
        for verdict in remarks.VERDICTS:
            path = Path(folder) / verdict
            count = await remarks.write_file(
                read,
                path,
                import_id=import_id,
                verdict=verdict,
                columns=orjson.loads(row["columns"]),
                language=language_of(row["language"]),
            )
            if count:
                files[verdict] = await job.services.files.put(read.company, pieces_of(path))


async def _end(
    write: TenantWrite,
    job: RunningJob,
    company: Company,
    import_id: UUID,
    report: _Report,
    values: Mapping[str, object],
) -> None:
    """The last write of an import: its state, and the records of its files."""
    viewer = await system_viewer(write, company=company, via="import")
    ids: dict[str, object] = {}
    for verdict, stored in report.files.items():
        ids[_FILE_FIELDS[verdict]] = await keep_file(
            write,
            viewer,
            name=translate(_FILE_NAMES[verdict], report.language, {"name": report.name.rpartition(".")[0]}),
            stored=stored,
            member_id=report.member_id,
            attached_to=AttachedTo("import", import_id),
            clock=job.clock,
        )
    await remarks.forget(write, import_id)
    await note(write, job, company, import_id, {**values, **ids, "finished_at": job.clock.now()})


_FILE_NAMES: Mapping[remarks.Verdict, str] = {
    "REJECTED": msg("{name} - rejected.csv"),
    "WARNING": msg("{name} - warning.csv"),
}
_FILE_FIELDS: Mapping[remarks.Verdict, str] = {
    "REJECTED": "rejected_file_id",
    "WARNING": "warnings_file_id",
}
