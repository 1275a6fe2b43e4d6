"""Erasing a person: figures stay, the person goes (T7). A job, because a person's values are everywhere.

The order matters. First the values are kept beside the request and the person's own records are
emptied, so that no new copy can arise; then every place is gone through for what was kept; at last that goes, too.
Killed anywhere and begun again it goes on behind its last step, and repeating a step changes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, cast
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import KedangError, UserError
from kedang_platform.i18n import msg, translate
from kedang_platform.ids import new_id
from kedang_platform.registry import Company
from kedang_platform.work import JobCancelled, JobInterrupted, JobLost, NewJob, Progress, RunningJob, enqueue
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.erasing import forget
from kedang_tenants.imports.models import DONE, FAILED, RUNNING, WAITING
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.protection import filing, outside, trailing
from kedang_tenants.protection.emptying import empty_persons
from kedang_tenants.protection.models import ERASURE
from kedang_tenants.protection.places import PERSONAL, places
from kedang_tenants.protection.scrubbing import Scrubber, Sought, pattern_of
from kedang_tenants.protection.subjects import (
    Person,
    all_of,
    ensure_erasable,
    ensure_keeper,
    find_person,
    values_of,
)
from kedang_tenants.protection.sweeping import Task, sweep
from kedang_tenants.reading import Viewer

RUN: Final = "protection.erase"
TIMEOUT: Final = timedelta(hours=2)
_FILES_AT_ONCE: Final = 20
_OPEN: Final = """
SELECT id FROM person_request WHERE kind = 'ERASURE' AND subject = $1 AND state IN ('WAITING', 'RUNNING')
"""
_FIND: Final = "SELECT id, subject, state, sought, started_by_id FROM person_request WHERE id = $1 FOR UPDATE"
_KEEP: Final = "UPDATE person_request SET sought = $2::text::jsonb WHERE id = $1"


@dataclass(frozen=True, slots=True)
class _Walked:
    """The checkpoint: which part is being gone through, how far, and what has been replaced so far."""

    part: str = "tables"
    table: int = 0
    row: str | None = None
    file: str | None = None
    entry: int = 0
    done: dict[str, int] = field(default_factory=dict)

    def with_more(self, name: str, count: int, **changes: Any) -> _Walked:
        done = dict(Counter(self.done) + Counter({name: count})) if count else self.done
        return replace(self, done=done, **changes)


async def start_erasure(write: TenantWrite, viewer: Viewer, *, person: Person, clock: Clock) -> UUID:
    """Have a person erased; returns the id of the request. One that is under way already is returned again.

    Raises Forbidden, NotFound, OnLegalHold, NoIndividual, NotLeftYet.
    """
    ensure_keeper(viewer)
    found = await find_person(write, person)
    await ensure_erasable(write, found)
    under_way = await write.fetchval(_OPEN, found.public_id)
    if under_way is not None:
        return cast("UUID", under_way)
    request_id = new_id()
    values = {"kind": ERASURE, "subject": found.public_id, "started_by_id": viewer.member_id}
    await change_internally(
        write, viewer, [Change("person_request", "create", request_id, values=values)], clock=clock
    )
    (job_id,) = await enqueue(write, NewJob(RUN, {"request": str(request_id)}, key=f"{RUN}:{request_id}"))
    await write.fetch("UPDATE person_request SET job_id = $2 WHERE id = $1", request_id, job_id)
    return request_id


async def run_erasure(job: RunningJob) -> None:
    """Carry out the erasure that the job's payload names, and tell in its record how it ended."""
    request_id = UUID(str(job.payload["request"]))
    company = await company_of(job)
    try:
        task = await _begin(job, company, request_id)
        if task is not None:
            await _run(job, company, request_id, task)
        else:
            async with job.finish():
                pass
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


async def _begin(job: RunningJob, company: Company, request_id: UUID) -> Task | None:
    """Keep what is looked for and empty the person's own records, once; None when there is nothing to do."""
    async with job.step() as write:
        row = await write.fetchrow(_FIND, request_id)
        if row is None or row["state"] not in {WAITING, RUNNING} or row["subject"] is None:
            return None
        person = await find_person(write, Person.read(row["subject"]))
        persons = await all_of(write, person)
        if row["sought"] is not None:
            return Task(persons, Sought.read(orjson.loads(row["sought"])))
        await ensure_erasable(write, person)
        known = await values_of(write, persons)
        await write.fetch(_KEEP, request_id, orjson.dumps(known.plain()).decode())
        viewer = replace(
            await system_viewer(write, company=company, via="erasure"), member_id=row["started_by_id"]
        )
        await empty_persons(write, viewer, persons, clock=job.clock)
        await _note(write, job.clock, company, request_id, {"state": RUNNING})
        return Task(persons, known)


async def _run(job: RunningJob, company: Company, request_id: UUID, task: Task) -> None:
    walked = _Walked(**cast("dict[str, Any]", job.checkpoint or {}))
    while walked.part == "tables":
        walked = await _sweep_next(job, company, task, walked)
    while walked.part == "files":
        walked = await _check_files(job, company, task, walked)
    if walked.part == "outside":
        walked = await _clean_outside(job, company, task, walked)
    while walked.part == "trail":
        walked = await _forget_next(job, company, task, walked)
    report = {"replaced": walked.done, "places": len(places())}
    async with job.finish(result={"state": DONE}) as write:
        await write.fetch("UPDATE person_request SET sought = NULL WHERE id = $1", request_id)
        values = {
            "state": DONE,
            "report": report,
            "finished_at": job.clock.now(),
            "done": sum(walked.done.values()),
        }
        await _note(write, job.clock, company, request_id, values)


async def _sweep_next(job: RunningJob, company: Company, task: Task, walked: _Walked) -> _Walked:
    ordered = places()
    place = ordered[walked.table]
    async with job.step() as write:
        viewer = await system_viewer(write, company=company, via="erasure")
        after = UUID(walked.row) if walked.row else None
        swept = await sweep(write, viewer, place, task, after=after, clock=job.clock)
        table = walked.table + 1 if swept.last is None else walked.table
        walked = walked.with_more(
            place.name,
            swept.rows,
            table=table,
            row=str(swept.last) if swept.last else None,
            part="files" if table == len(ordered) else "tables",
        )
        await job.store(write, progress=Progress(walked.table, len(ordered)), checkpoint=asdict(walked))
    return walked


async def _check_files(job: RunningJob, company: Company, task: Task, walked: _Walked) -> _Walked:
    scrubber = Scrubber([*task.sought.reaches, *task.sought.names])
    pattern = pattern_of([*task.sought.reaches, *task.sought.names])
    after = UUID(walked.file) if walked.file else None
    async with job.databases.tenant_read(company.ref) as read:
        files = await filing.files_to_check(read, task, pattern=pattern, after=after, limit=_FILES_AT_ONCE)
    store = job.services.files
    going = [file for file in files if await filing.mentions(store, company.ref, file, scrubber)]
    for file in going:
        await filing.remove_content(store, company.ref, file)
    async with job.step() as write:
        for file in files:
            if file in going:
                await filing.note_removed(write, file, clock=job.clock)
            else:
                await filing.rename(write, file, scrubber, clock=job.clock)
        more = len(files) == _FILES_AT_ONCE
        walked = walked.with_more(
            "files",
            len(going),
            file=str(files[-1].id) if files else walked.file,
            part="files" if more else "outside",
        )
        await job.store(write, checkpoint=asdict(walked))
    return walked


async def _clean_outside(job: RunningJob, company: Company, task: Task, walked: _Walked) -> _Walked:
    async with job.step_control() as control:
        alone: list[str] = []
        for person in task.persons:
            if person.record == "member":
                address = await outside.account_of(control, company.ref, person.id)
                alone += [address] if address else []
        mails = await outside.clean_mails(control, job.services.mail, company.ref, task, alone=alone)
        jobs = await outside.clean_jobs(control, company.ref, task, but=job.id)
        for person in task.persons:
            if person.record == "member":
                name = translate(msg("Former member"), company.language)
                await outside.empty_account(control, company.ref, person.id, name=name, clock=job.clock)
        walked = walked.with_more("mails", mails).with_more("jobs", jobs, part="trail")
        await job.store(control, checkpoint=asdict(walked))
    return walked


async def _forget_next(job: RunningJob, company: Company, task: Task, walked: _Walked) -> _Walked:
    """The trail is last: what was swept before has left no entry with values in it."""
    async with job.databases.tenant_read(company.ref) as read:
        last = await trailing.last_entry(read)
        found = await trailing.entries_with(read, task, after=walked.entry)
    forgotten = await forget(
        job.databases, company.ref, records=found.ids, fields=found.fields, clock=job.clock
    )
    for person in task.persons:
        forgotten += await forget(
            job.databases,
            company.ref,
            records={person.record: [person.id]},
            fields={person.record: PERSONAL[person.record]},
            clock=job.clock,
        )
    entry = walked.entry + trailing.ENTRIES_AT_ONCE
    walked = walked.with_more("audit", forgotten, entry=entry, part="trail" if entry < last else "end")
    async with job.step(checkpoint=asdict(walked)):
        pass
    return walked


async def _note(
    write: TenantWrite, clock: Clock, company: Company, request_id: UUID, values: dict[str, Any]
) -> None:
    viewer = await system_viewer(write, company=company, via="erasure")
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
