"""What an owner asks for: an archive of everything, the end of the company, and taking that back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import ControlRead, ControlTransaction, Databases
from kedang_platform.errors import BadUserInput, Forbidden, NotFound, UserError
from kedang_platform.i18n import msg
from kedang_platform.identity.announcing import announce_ended
from kedang_platform.ids import new_id
from kedang_platform.registry import Company, Deletion, ask_to_delete, find_company, take_back
from kedang_platform.work import NewJob, Progress, RunningJob, enqueue
from kedang_tenants.changing.trail import note_action
from kedang_tenants.leaving import exporting
from kedang_tenants.leaving.exporting import collect, forget_pieces, pack
from kedang_tenants.reading import Viewer

EXPORT: Final = "leaving.export_company"
OWNER: Final = "OWNER"
LINK_MINUTES: Final = 15
_KEPT: Final = 3
"""Finished archives of a company that are kept; older ones are thrown away."""

_FIND = """
SELECT id, company_id, requested_by, job_id, state, created_at, finished_at, rows, content_id, size, sha256
FROM platform.company_export"""


class NameNotConfirmed(BadUserInput):
    """What was typed is not the company's name."""

    def __init__(self) -> None:
        super().__init__(
            msg("Please type the company's name as it stands here."), path=("input", "confirmName")
        )


@dataclass(frozen=True, slots=True)
class CompanyExport:
    """An archive of everything a company has; ``state`` is running, done or failed, ``size`` bytes."""

    id: UUID
    company_id: UUID
    requested_by: UUID | None
    job_id: UUID
    state: str
    created_at: datetime
    finished_at: datetime | None
    rows: int | None
    content_id: UUID | None
    size: int | None
    sha256: str | None


def require_owner(viewer: Viewer) -> None:
    """Raises Forbidden for everybody but the company's owners."""
    if OWNER not in viewer.roles:
        raise Forbidden(msg("Only the owner of the company may do this."))


async def ask_for_export(databases: Databases, viewer: Viewer, *, clock: Clock) -> CompanyExport:
    """Have an archive of everything made; one that is being made already is that one. Raises Forbidden."""
    require_owner(viewer)
    company = viewer.company
    export_id = new_id()
    async with databases.control() as control:
        await control.fetch("SELECT FROM platform.company WHERE id = $1 FOR UPDATE", company.id)
        running = await control.fetchrow(f"{_FIND} WHERE company_id = $1 AND state = 'running'", company.id)
        if running is not None:
            return CompanyExport(**dict(running))
        # A job of the installation: it runs whatever the status of the company is.
        payload = {"export": str(export_id), "company": str(company.id)}
        (job_id,) = await enqueue(control, NewJob(EXPORT, payload))
        await control.fetch(
            "INSERT INTO platform.company_export (id, company_id, requested_by, job_id, state, created_at)"
            " VALUES ($1, $2, $3, $4, 'running', $5)",
            export_id,
            company.id,
            viewer.member_id,
            job_id,
            clock.now(),
        )
        made = await find_export(control, company_id=company.id, export_id=export_id)
    async with databases.tenant_write(company) as write:
        await note_action(write, viewer, "company_export", "requested", export_id, {}, clock=clock)
    return made


async def find_export(read: ControlRead, *, company_id: UUID, export_id: UUID) -> CompanyExport:
    """Raises NotFound, also for another company's."""
    row = await read.fetchrow(f"{_FIND} WHERE id = $1 AND company_id = $2", export_id, company_id)
    if row is None:
        raise NotFound(msg("There is no such record."))
    return CompanyExport(**dict(row))


async def latest_exports(read: ControlRead, *, company_id: UUID) -> list[CompanyExport]:
    """The company's archives, the latest first."""
    rows = await read.fetch(
        f"{_FIND} WHERE company_id = $1 ORDER BY created_at DESC, id DESC LIMIT {_KEPT}", company_id
    )
    return [CompanyExport(**dict(row)) for row in rows]


async def run_export(job: RunningJob) -> None:
    """Collect, pack, store; a worker that was killed goes on behind the last piece that was stored."""
    export_id = UUID(str(job.payload["export"]))
    async with job.databases.control_read() as read:
        company = await find_company(read, company_id=UUID(str(job.payload["company"])))
        export = await find_export(read, company_id=company.id, export_id=export_id)
    progress = exporting.Progress.of(job.checkpoint)

    async def keep(kept: exporting.Progress) -> None:
        async with job.step_control(progress=Progress(kept.rows), checkpoint=kept.as_json()):
            pass

    files = job.services.files
    await collect(job.databases, company.ref, pieces=files, progress=progress, keep=keep)
    stream = pack(
        job.databases,
        company,
        pieces=files,
        files=files,
        progress=progress,
        product=product(),
        clock=job.clock,
    )
    stored = await files.put(company.ref, stream)
    async with job.step_control() as control:
        outdated = await _note_done(
            control, export, stored.content_id, stored.size, stored.sha256, progress, job.clock
        )
    for content_id in outdated:
        await files.delete(company.ref, content_id)
    await forget_pieces(files, company.ref, progress)
    async with job.finish_control():
        pass


async def _note_done(
    control: ControlTransaction,
    export: CompanyExport,
    content_id: UUID,
    size: int,
    sha256: str,
    progress: exporting.Progress,
    clock: Clock,
) -> list[UUID]:
    """Note the archive; returns the contents that are kept no longer."""
    await control.fetch(
        "UPDATE platform.company_export"
        " SET state = 'done', finished_at = $2, rows = $3, content_id = $4, size = $5, sha256 = $6 WHERE id = $1",
        export.id,
        clock.now(),
        progress.rows,
        content_id,
        size,
        sha256,
    )
    gone = await control.fetch(
        "DELETE FROM platform.company_export WHERE id IN ("
        " SELECT id FROM platform.company_export WHERE company_id = $1 AND state <> 'running'"
        f" ORDER BY created_at DESC, id DESC OFFSET {_KEPT}) RETURNING content_id",
        export.company_id,
    )
    outdated = [row["content_id"] for row in gone]
    return [each for each in (*outdated, export.content_id) if each is not None]


async def conclude_broken(job: RunningJob, _error: UserError) -> None:
    """Note that there will be no archive, so that the owner can ask again."""
    async with job.step_control() as control:
        await control.fetch(
            "UPDATE platform.company_export SET state = 'failed', finished_at = $2 WHERE id = $1 AND state = 'running'",
            UUID(str(job.payload["export"])),
            job.clock.now(),
        )


async def delete_company(
    databases: Databases, viewer: Viewer, *, confirm_name: str, grace: timedelta, clock: Clock
) -> Deletion:
    """Close the company and let it go when ``grace`` is over. Raises Forbidden, NameNotConfirmed."""
    require_owner(viewer)
    async with databases.control_read() as read:
        company = await find_company(read, company_id=viewer.company.id)
    if confirm_name.strip() != company.name:
        raise NameNotConfirmed
    async with databases.tenant_write(viewer.company) as write:
        await note_action(write, viewer, "company", "deletion_requested", company.id, {}, clock=clock)
    async with databases.control() as control:
        await announce_ended(control, company.id)  # other processes look anew who may still come in
        return await ask_to_delete(
            control, company_id=company.id, requested_by=viewer.member_id, grace=grace, now=clock.now()
        )


async def keep_company(databases: Databases, viewer: Viewer, *, clock: Clock) -> Company:
    """Take a deletion back. Raises Forbidden, CompanyNotDeleting."""
    require_owner(viewer)
    async with databases.control() as control:
        await take_back(control, company_id=viewer.company.id, now=clock.now())
        await announce_ended(control, viewer.company.id)
        company = await find_company(control, company_id=viewer.company.id)
    async with databases.tenant_write(viewer.company) as write:
        await note_action(write, viewer, "company", "deletion_taken_back", company.id, {}, clock=clock)
    return company


def product() -> str:
    """The release that runs, as archives tell it."""
    try:
        return version("kedang")
    except PackageNotFoundError:
        return ""
