"""Everything about one person as a ZIP: a readable index, JSON lines for each kind of record, and the files (T7)."""

from __future__ import annotations

import asyncio
import zipfile
from datetime import timedelta
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, KedangError, UserError
from kedang_platform.i18n import msg, translate
from kedang_platform.ids import new_id
from kedang_platform.registry import Company
from kedang_platform.work import JobCancelled, JobInterrupted, JobLost, NewJob, Progress, RunningJob, enqueue
from kedang_tenants.catalogue import EmailKind, InvalidValue, RecordType, catalogue
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.changing import Change, audit, change_internally
from kedang_tenants.files import AttachedTo, keep_file
from kedang_tenants.imports.local_files import pieces_of
from kedang_tenants.imports.models import DONE, FAILED, RUNNING, WAITING
from kedang_tenants.people.viewers import company_of, load_viewer, system_viewer
from kedang_tenants.protection.gathering import (
    AT_ONCE,
    Whom,
    accounts_of,
    files_of,
    mails_to,
    rows_about,
    trail_about,
    whom,
)
from kedang_tenants.protection.models import EXPORT
from kedang_tenants.protection.subjects import Person, ensure_keeper, find_person
from kedang_tenants.reading import Viewer

RUN: Final = "protection.export"
TIMEOUT: Final = timedelta(hours=2)
_FIND: Final = "SELECT id, subject, email, state, started_by_id FROM person_request WHERE id = $1 FOR UPDATE"


async def start_person_export(
    write: TenantWrite, viewer: Viewer, *, person: Person | None, email: str | None, clock: Clock
) -> UUID:
    """Ask for everything about a contact, a customer or a member, or about whoever has an e-mail address.

    Returns the id of the request. Raises Forbidden, NotFound, BadUserInput unless one of the two is given.
    """
    ensure_keeper(viewer)
    if (person is None) == (email is None):
        raise BadUserInput(msg("Name a record or an e-mail address."), path=("input",))
    values: dict[str, object] = {"kind": EXPORT, "started_by_id": viewer.member_id}
    if person is not None:
        values["subject"] = (await find_person(write, person)).public_id
    else:
        try:
            values["email"] = EmailKind().check(email)
        except InvalidValue as error:
            raise BadUserInput(error.message, path=("input", "email"), **error.params) from error
    request_id = new_id()
    await change_internally(
        write, viewer, [Change("person_request", "create", request_id, values=values)], clock=clock
    )
    (job_id,) = await enqueue(write, NewJob(RUN, {"request": str(request_id)}, key=f"{RUN}:{request_id}"))
    await write.fetch("UPDATE person_request SET job_id = $2 WHERE id = $1", request_id, job_id)
    return request_id


async def run_export(job: RunningJob) -> None:
    """Carry out the export that the job's payload names, and tell in its record how it ended."""
    request_id = UUID(str(job.payload["request"]))
    company = await company_of(job)
    try:
        begun = await _begin(job, company, request_id)
        if begun is None:
            async with job.finish():
                return
        await _run(job, company, request_id, *begun)
    except (JobLost, JobInterrupted, JobCancelled):
        raise
    except KedangError as error:
        if error.passing:
            raise
        async with job.finish(result={"state": FAILED, "code": error.code}) as write:
            await _note_failure(write, job.clock, company, request_id, UserError.of(error))


async def conclude_broken(job: RunningJob, error: UserError) -> None:
    """Tell in the request that it will not be tried again."""
    company = await company_of(job)
    async with job.step() as write:
        await _note_failure(write, job.clock, company, UUID(str(job.payload["request"])), error)


async def _begin(job: RunningJob, company: Company, request_id: UUID) -> tuple[Viewer, Whom] | None:
    async with job.step() as write:
        row = await write.fetchrow(_FIND, request_id)
        if row is None or row["state"] not in {WAITING, RUNNING}:
            return None
        viewer = await load_viewer(write, company=company, member_id=row["started_by_id"], via="export")
        if viewer is None:
            raise Forbidden(msg("Whoever started this is no longer an active member."))
        ensure_keeper(viewer)
        person = await find_person(write, Person.read(row["subject"])) if row["subject"] else None
        await _note(write, job.clock, company, request_id, {"state": RUNNING})
        return viewer, await whom(write, person, row["email"])


async def _run(job: RunningJob, company: Company, request_id: UUID, viewer: Viewer, meant: Whom) -> None:
    with TemporaryDirectory(prefix="kedang-person-") as folder:
        path = Path(folder) / "person.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
            counts = await _write(job, company, viewer, meant, package)
        stored = await job.services.files.put(company.ref, pieces_of(path))
    name = f"{translate(msg('Personal data'), viewer.language)} {viewer.today(job.clock).isoformat()}.zip"
    async with job.finish(result={"state": DONE}) as write:
        file_id = await keep_file(
            write,
            await system_viewer(write, company=company, via="export"),
            name=name,
            stored=stored,
            member_id=viewer.member_id,
            attached_to=AttachedTo("person_request", request_id),
            clock=job.clock,
        )
        values = {
            "state": DONE,
            "file_id": file_id,
            "done": sum(counts.values()),
            "report": {"records": counts},
            "finished_at": job.clock.now(),
        }
        await _note(write, job.clock, company, request_id, values)
        entries: list[tuple[str, str, UUID, dict[str, object]]] = [
            (person.record, "person_exported", person.id, {}) for person in meant.persons
        ]
        await audit(write, viewer, entries, clock=job.clock)


async def _write(
    job: RunningJob, company: Company, viewer: Viewer, meant: Whom, package: zipfile.ZipFile
) -> dict[str, int]:
    """Write the parts, each read in steps of the job; returns how many rows of which kind there are."""
    kinds = list(catalogue())
    counts: dict[str, int] = {}
    for place, record in enumerate(kinds):
        count = await _write_rows(job, viewer, record, meant, package, Progress(place, len(kinds)))
        if count:
            counts[record.name] = count
    counts |= await _write_trail(job, company.ref, meant, package)
    async with job.databases.control_read() as control:
        outside = {
            "mails": await mails_to(control, company.ref.schema, meant),
            "account": await accounts_of(control, company.id, meant),
        }
    for name, found in outside.items():
        if found:
            package.writestr(f"{name}.jsonl", b"".join(orjson.dumps(each) + b"\n" for each in found))
            counts[name] = len(found)
    counts |= await _write_files(job, company, meant, package)
    package.writestr("index.html", _index(company, viewer, meant, counts))
    return counts


async def _write_rows(
    job: RunningJob,
    viewer: Viewer,
    record: RecordType,
    meant: Whom,
    package: zipfile.ZipFile,
    progress: Progress,
) -> int:
    count, after = 0, None
    parts: list[bytes] = []
    while True:
        async with job.step(progress=progress) as read:
            rows = await rows_about(read, viewer, record, meant, after=after)
        parts += [orjson.dumps(row) + b"\n" for row in rows]
        count += len(rows)
        if len(rows) < AT_ONCE:
            break
        after = UUID(hex=str(rows[-1]["id"]).partition("_")[2])
    if parts:
        await asyncio.to_thread(package.writestr, f"{record.name}.jsonl", b"".join(parts))
    return count


async def _write_trail(
    job: RunningJob, company: CompanyRef, meant: Whom, package: zipfile.ZipFile
) -> dict[str, int]:
    parts: list[bytes] = []
    after = 0
    while True:
        async with job.databases.tenant_read(company) as read:
            entries = await trail_about(read, meant, after=after)
        parts += [orjson.dumps(entry) + b"\n" for entry in entries]
        if len(entries) < AT_ONCE:
            break
        after = entries[-1]["sequence"]
    if parts:
        package.writestr("audit.jsonl", b"".join(parts))
    return {"audit": len(parts)} if parts else {}


async def _write_files(
    job: RunningJob, company: Company, meant: Whom, package: zipfile.ZipFile
) -> dict[str, int]:
    count = 0
    async with job.databases.tenant_read(company.ref) as read:
        files = [row async for row in files_of(read, meant)]
    for row in files:
        count += 1
        with package.open(f"files/{count:03d} {row['name']}", "w") as target:
            async for piece in job.services.files.open(company.ref, row["content_id"]):
                target.write(piece)
    return {"files": count} if count else {}


_PAGE: Final = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title></head>
<body style="max-width:42rem;margin:2rem auto;padding:0 1rem;font:1rem/1.6 system-ui,'Microsoft YaHei',sans-serif">
<h1>{title}</h1>
<p>{said}</p>
<table>
{rows}
</table>
</body></html>
"""


def _index(company: Company, viewer: Viewer, meant: Whom, counts: dict[str, int]) -> str:
    """What there is in the package, in the language of whoever asked for it."""

    def say(msgid: str, **params: Any) -> str:
        return escape(translate(msgid, viewer.language, params))

    rows = []
    for name, count in counts.items():
        label = catalogue().record(name).labels[1] if name in catalogue() else _OTHERS[name]
        where = "files/" if name == "files" else f"{name}.jsonl"
        rows.append(f'<tr><td>{say(label)}</td><td>{count}</td><td><a href="{where}">{where}</a></td></tr>')
    named = ", ".join(person.public_id for person in meant.persons) or ", ".join(meant.emails)
    said = say(msg("This is all that {company} keeps about {whom}."), company=company.name, whom=named)
    title = say(msg("Personal data"))
    return _PAGE.format(language=viewer.language, title=title, said=said, rows="\n".join(rows))


_OTHERS: Final = {
    "audit": msg("What was changed, when and by whom"),
    "mails": msg("Mails of the last 30 days"),
    "account": msg("Sessions and API keys"),
    "files": msg("Files"),
}


async def _note(
    write: TenantWrite, clock: Clock, company: Company, request_id: UUID, values: dict[str, Any]
) -> None:
    viewer = await system_viewer(write, company=company, via="export")
    await change_internally(
        write, viewer, [Change("person_request", "update", request_id, values=values)], clock=clock
    )


async def _note_failure(
    write: TenantWrite, clock: Clock, company: Company, request_id: UUID, error: UserError
) -> None:
    values: dict[str, Any] = {
        "state": FAILED,
        "error_code": error.code,
        "error": translated(error.message, error.params),
        "finished_at": clock.now(),
    }
    await _note(write, clock, company, request_id, values)
