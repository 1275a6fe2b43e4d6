"""Making a report: gathered in one look at the data, written by a process of its own, kept as files.

The rows are read in one transaction that sees one moment, and put down in a folder; from there a child
process writes each format, so that neither the memory nor the processor of the worker is taken. A
worker that dies leaves nothing but a folder, which is removed hours later; the next one begins again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from time import monotonic, time
from typing import Any, Final
from uuid import UUID

import asyncpg

from kedang_platform.database import TenantWrite
from kedang_platform.documents import ensure_fonts
from kedang_platform.errors import Forbidden, NotFound, UserError
from kedang_platform.files import StoredFile
from kedang_platform.i18n import Language, choose_language, msg
from kedang_platform.registry import Company
from kedang_platform.work import JobCancelled, JobLost, NewJob, Progress, RunningJob, enqueue
from kedang_tenants.catalogue.languages import language_of
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.files import keep_file
from kedang_tenants.imports.local_files import pieces_of
from kedang_tenants.imports.record_keeping import told
from kedang_tenants.people.notices import REPORT_READY
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.people.viewers import company_of, load_viewer, system_viewer
from kedang_tenants.reading import Viewer
from kedang_tenants.reports.document import Document, save
from kedang_tenants.reports.failing import params_of, tell_failure
from kedang_tenants.reports.gathering import Question, Reader, work_out
from kedang_tenants.reports.keeping import kept_for
from kedang_tenants.reports.mailing import MAIL
from kedang_tenants.reports.models import CANCELLED, DONE, FAILED, PDF, RUNNING, WAITING
from kedang_tenants.reports.spool import Folder
from kedang_tenants.reports.writers.child import write_format

_BEAT: Final = 1.0
"""Seconds between two signs of life to the job while a report is gathered."""
_FOLDER: Final = "kedang-report-"
_LEFT: Final = 3 * 3600.0
"""Seconds after which nobody works in a folder any more: longer than a report may take."""

_FIND: Final = """
SELECT id, kind, starts_on, ends_on, scheme_id, questionnaire_id, only_department_id, only_member_id,
       parameters, tries, formats, language, asked_by_id, scheduled_for, state, definition_id
FROM report_run WHERE id = $1 FOR UPDATE
"""
_PROGRESS: Final = "UPDATE report_run SET rows_done = $2, rows_total = $3 WHERE id = $1"


@dataclass(frozen=True, slots=True)
class _Order:
    """A run, and the person it is made for with the rights they have now."""

    row: asyncpg.Record
    viewer: Viewer
    made_for: str
    company: Company

    @property
    def id(self) -> UUID:
        run_id: UUID = self.row["id"]
        return run_id

    @property
    def language(self) -> Language:
        said = self.row["language"]
        return language_of(said) if said else choose_language(self.viewer.language)


async def make_report(job: RunningJob) -> None:
    """Make the report that the job's payload names. Whatever stops it for good is told by ``conclude_failed``."""
    company = await company_of(job)
    try:
        order = await _begin(job, company)
        if order is not None:
            await _make(job, order)
    except JobCancelled:
        values = {"state": CANCELLED}
        await _end(job, job.databases.tenant_write(company.ref), company, values)
        raise


async def _begin(job: RunningJob, company: Company) -> _Order | None:
    """What is to be done; None when the run has come to its end already. Raises NotFound and Forbidden."""
    async with job.step() as write:
        row = await write.fetchrow(_FIND, _run_of(job))
        if row is None:
            raise NotFound(msg("There is no such record."))
        if row["state"] not in {WAITING, RUNNING}:
            return None
        viewer = await load_viewer(write, company=company, member_id=row["asked_by_id"], via="report")
        if viewer is None:
            raise Forbidden(msg("Whoever this is made for is no longer an active member."))
        if row["state"] == WAITING:
            await _note(write, job, company, {"state": RUNNING, "started_at": job.clock.now()})
        name = await write.fetchval("SELECT name FROM member WHERE id = $1", row["asked_by_id"])
    if PDF in row["formats"]:
        ensure_fonts()  # before the work rather than after it
    return _Order(row, viewer, name, company)


async def _make(job: RunningJob, order: _Order) -> None:
    clear_left(Path(gettempdir()), now=time())
    with TemporaryDirectory(prefix=_FOLDER) as place:
        folder = Path(place)
        document = await _gather(job, order, folder)
        save(document, folder)
        rows = sum(sheet.count for sheet in document.sheets)
        async with job.step(progress=Progress(rows, rows)) as write:
            await write.fetch(_PROGRESS, order.id, rows, rows)
        # All are written before the first is kept: what is called off or fails meanwhile leaves nothing.
        paths = {name: await write_format(job, folder, name) for name in order.row["formats"]}
        files, company = job.services.files, order.company.ref
        stored = {name: await files.put(company, pieces_of(path)) for name, path in paths.items()}
    try:
        await _keep(job, order, document, stored)
    except (JobCancelled, JobLost):  # raised before anything was written
        for file in stored.values():
            await files.delete(company, file.content_id)
        raise


def clear_left(place: Path, *, now: float) -> None:
    """Remove the folders of workers that were killed: what customers are called does not stay in them."""
    for folder in place.glob(f"{_FOLDER}*"):
        with suppress(OSError):  # another worker removes it, or it is another's
            if folder.stat().st_mtime < now - _LEFT:
                rmtree(folder)


async def _gather(job: RunningJob, order: _Order, folder: Path) -> Document:
    reader = Reader(order.viewer, order.language, order.company.name, order.made_for)
    spool = Folder(folder, _Beat(job, order))
    async with job.databases.tenant_read(order.company.ref) as read:
        return await work_out(read, Question.of(dict(order.row)), reader, now=job.clock.now(), spool=spool)


class _Beat:
    """Tells run and job how far the gathering is, at most once a second."""

    def __init__(self, job: RunningJob, order: _Order) -> None:
        self._job = job
        self._order = order
        self._last = monotonic()

    async def __call__(self, done: int, total: int | None) -> None:
        if monotonic() - self._last < _BEAT:
            return
        async with self._job.step(progress=Progress(done, total)) as write:
            await write.fetch(_PROGRESS, self._order.id, done, total)
        self._last = monotonic()


async def _keep(job: RunningJob, order: _Order, document: Document, stored: Mapping[str, StoredFile]) -> None:
    """Files, end of the run and of the job, and what is told of it: all or nothing.

    The files belong to whom the report was made for and to no record: more people see that a report
    was made than may see what it holds.
    """
    now = job.clock.now()
    async with job.finish(result={"state": DONE}) as write:
        kept = await kept_for(write)
        values: dict[str, Any] = {"state": DONE, "finished_at": now, "expires_at": now + kept}
        viewer = await system_viewer(write, company=order.company, via="report")
        for file_format, file in stored.items():
            values[f"{file_format.lower()}_id"] = await keep_file(
                write,
                viewer,
                name=file_name(document, order.row, file_format),
                stored=file,
                member_id=order.row["asked_by_id"],
                clock=job.clock,
            )
        await _note(write, job, order.company, values)
        await _tell_ready(write, viewer, job, order)


def file_name(document: Document, row: asyncpg.Record, file_format: str) -> str:
    """What the file is called: the report and its days."""
    first, last = row["starts_on"].isoformat(), row["ends_on"].isoformat()
    days = first if first == last else f"{first}_{last}"
    return f"{document.title} {days}.{file_format.lower()}"


async def _tell_ready(write: TenantWrite, viewer: Viewer, job: RunningJob, order: _Order) -> None:
    """A scheduled report is mailed with its links; one by hand is told as its reader chose."""
    if order.row["scheduled_for"] is not None:
        await enqueue(write, NewJob(MAIL, {"run": str(order.id)}, key=f"{MAIL}:{order.id}"))
        return
    await tell(
        write,
        viewer,
        [
            Telling(
                kind=REPORT_READY,
                member_id=order.row["asked_by_id"],
                occasion=f"report:{order.id}:ready",
                title=msg("The report “{report}” is ready"),
                body=msg("The report “{report}” for {first} to {last} is ready: its files are in Kedang."),
                params=params_of(order.row),
                about=("report_run", order.id),
            )
        ],
        clock=job.clock,
    )


async def conclude_failed(job: RunningJob, error: UserError) -> None:
    """Note that a report will not be made, and tell whom it was for; the job is settled by whoever ran it."""
    company = await company_of(job)
    await _end(job, job.step(), company, {"state": FAILED, **told(error)}, failed=error)


async def _end(
    job: RunningJob,
    opened: AbstractAsyncContextManager[TenantWrite],
    company: Company,
    values: Mapping[str, object],
    *,
    failed: UserError | None = None,
) -> None:
    async with opened as write:
        row = await write.fetchrow(_FIND, _run_of(job))
        if row is None or row["state"] not in {WAITING, RUNNING}:
            return
        await _note(write, job, company, {**values, "finished_at": job.clock.now()})
        if failed is not None:
            viewer = await system_viewer(write, company=company, via="report")
            await tell_failure(write, viewer, row, failed, clock=job.clock)


async def _note(write: TenantWrite, job: RunningJob, company: Company, values: Mapping[str, object]) -> None:
    viewer = await system_viewer(write, company=company, via="report")
    change = Change("report_run", "update", _run_of(job), values=values)
    await change_internally(write, viewer, [change], clock=job.clock)


def _run_of(job: RunningJob) -> UUID:
    return UUID(str(job.payload["run"]))


# What has expired

_EXPIRED: Final = """
SELECT id, xlsx_id, pdf_id, csv_id FROM report_run
WHERE expires_at <= $1 AND (xlsx_id IS NOT NULL OR pdf_id IS NOT NULL OR csv_id IS NOT NULL)
ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_FORGET: Final = (
    "UPDATE report_run SET xlsx_id = NULL, pdf_id = NULL, csv_id = NULL WHERE id = ANY($1::uuid[])"
)
_CONTENTS: Final = "SELECT id, content_id FROM file WHERE id = ANY($1::uuid[]) AND content_id IS NOT NULL"
_BATCH: Final = 100


async def forget_expired(job: RunningJob, company: Company, *, now: datetime) -> int:
    """Remove the files of a hundred reports that were kept long enough; how many reports they were of."""
    async with job.step() as write:
        runs = await write.fetch(_EXPIRED, now, _BATCH)
        files = [file for run in runs for file in run[1:] if file is not None]
        contents = await write.fetch(_CONTENTS, files)
        viewer = await system_viewer(write, company=company, via="report")
        archived = [Change("file", "archive", file) for file in files]
        await change_internally(write, viewer, archived, clock=job.clock)
        await write.fetch("UPDATE file SET content_id = NULL WHERE id = ANY($1::uuid[])", files)
        await write.fetch(_FORGET, [run["id"] for run in runs])
    for row in contents:
        await job.services.files.delete(company.ref, row["content_id"])
    return len(runs)
