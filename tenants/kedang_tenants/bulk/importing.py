"""The job of a bulk import: chunk after chunk, each in one transaction with its results and its checkpoint.

A worker that is killed loses the chunk in its hands and nothing else: the next one goes on behind
the last line whose chunk was committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from kedang_platform.database import TenantWrite
from kedang_platform.database.statistics import refresh_statistics
from kedang_platform.errors import KedangError, Refused, UserError
from kedang_platform.work import JSON, JobCancelled, JobInterrupted, JobLost, Progress, RunningJob
from kedang_tenants.bulk import record_keeping, results
from kedang_tenants.bulk.accepting import accept_lines
from kedang_tenants.bulk.inputs import read_line
from kedang_tenants.bulk.models import IMPORT
from kedang_tenants.bulk.record_keeping import Order
from kedang_tenants.bulk.source import Chunk, Place, count_lines, read_chunk
from kedang_tenants.catalogue import catalogue
from kedang_tenants.files import stored_content
from kedang_tenants.imports.models import CANCELLED, DONE, FAILED
from kedang_tenants.imports.record_keeping import told
from kedang_tenants.imports.running import LOST_RACES
from kedang_tenants.people.viewers import company_of
from kedang_tenants.reading import Viewer

_GROWN = (1_000, 10_000, 100_000)


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far an import is: the place behind the last line dealt with, and the counts up to it."""

    total: int
    offset: int = 0
    line: int = 0
    done: int = 0
    rejected: int = 0

    @classmethod
    def of(cls, checkpoint: JSON) -> _Progress | None:
        return None if checkpoint is None else cls(**cast("dict[str, Any]", checkpoint))


async def run_bulk_import(job: RunningJob) -> None:
    """Carry out the import that the job's payload names, and tell in its record how it ended."""
    try:
        order = await record_keeping.begin(job, IMPORT)
        if order is not None:
            stopped = order.called_off or await _run(job, order)
            state = CANCELLED if stopped else DONE
            await _conclude(job, job.finish(result={"state": state}), {"state": state})
    except JobCancelled:
        assert job.company is not None
        await _conclude(job, job.databases.tenant_write(job.company), {"state": CANCELLED})
        raise
    except (JobLost, JobInterrupted):
        raise
    except Exception as error:
        if isinstance(error, KedangError) and not error.passing:
            reason = record_keeping.reason_of(error)
            finish = job.finish(result={"state": FAILED, "code": reason.code})
            await _conclude(job, finish, {"state": FAILED, **told(reason)})
            return
        raise


async def conclude_broken(job: RunningJob, error: UserError) -> None:
    """Tell that the import will not be tried again; the job is settled by whoever ran it."""
    await _conclude(job, job.step(), {"state": FAILED, **told(error)})


async def _conclude(
    job: RunningJob, opened: AbstractAsyncContextManager[TenantWrite], values: dict[str, object]
) -> None:
    """The last write of an import: its state, and the file of what became of its lines."""
    company = await company_of(job)
    operation_id = record_keeping.operation_of(job)
    files = job.services.files
    stored = await files.put(company.ref, results.pieces(job.databases, company.ref, operation_id))
    file_id = None
    try:
        async with opened as write:
            file_id = await record_keeping.keep_result(write, job, company, stored)
            if file_id is not None:
                await results.forget(write, operation_id)
                ended = {**values, "file_id": file_id, "finished_at": job.clock.now()}
                await record_keeping.note(write, job, company, ended)
    except (JobLost, JobCancelled, Refused):
        file_id = None
        raise
    finally:
        if file_id is None:  # nothing names it
            await files.delete(company.ref, stored.content_id)


async def _run(job: RunningJob, order: Order) -> bool:
    """Go through the file; True when the import was called off on the way."""
    assert order.source_file_id is not None
    async with job.databases.tenant_read(order.company.ref) as read:
        content = await stored_content(read, file_id=order.source_file_id)
    async with job.services.files.local_path(order.company.ref, content.content_id) as path:
        progress = _Progress.of(job.checkpoint)
        if progress is None:
            progress = _Progress(await asyncio.to_thread(count_lines, path))
            async with job.step(progress=Progress(0, progress.total), checkpoint=asdict(progress)) as write:
                await record_keeping.note_counts(write, order, total=progress.total, done=0, lines=0)
        return await _ImportRun(job, order, progress).through(path)


class _ImportRun:
    """One import in the hands of one worker."""

    def __init__(self, job: RunningJob, order: Order, progress: _Progress) -> None:
        self._job = job
        self._order = order
        self._record = catalogue().record(order.record)
        self._progress = progress

    async def through(self, path: Path) -> bool:
        """Deal with all lines behind the checkpoint; True when the import was called off on the way."""
        while True:
            place = Place(self._progress.offset, self._progress.line)
            chunk = await asyncio.to_thread(read_chunk, path, place)
            if chunk.behind == place:
                return False
            before = self._progress.done
            called_off = await self._deal_with(chunk)
            await self._tell_planner(before)
            if called_off:
                return True

    async def _tell_planner(self, before: int) -> None:
        """Have the table analysed each time it has grown to the next size, so that lists stay quick meanwhile."""
        if any(before < size <= self._progress.done for size in _GROWN):
            with suppress(KedangError):  # it is an aid: autovacuum comes to it later
                company = self._order.company.ref
                await refresh_statistics(self._job.databases, company, self._record.table.name)

    async def _deal_with(self, chunk: Chunk) -> bool:
        for race in range(1, LOST_RACES + 1):
            try:
                return await self._try(chunk)
            except Refused:  # another writer took a key in between
                if race == LOST_RACES:
                    raise
        raise AssertionError("unreachable")

    async def _try(self, chunk: Chunk) -> bool:
        async with self._job.step() as write:
            viewer = await record_keeping.asker(write, self._order.company, self._order.viewer.member_id)
            made = await self._accept(write, viewer, chunk)
            await results.keep(write, self._order.id, made)
            after = replace(
                self._progress,
                offset=chunk.behind.offset,
                line=chunk.behind.line,
                done=self._progress.done + len(made),
                rejected=self._progress.rejected + sum("userErrors" in one for one in made),
            )
            called_off = await record_keeping.note_counts(
                write, self._order, done=after.done, lines=after.done, rejected=after.rejected
            )
            progress = Progress(after.done, after.total)
            await self._job.store(write, progress=progress, checkpoint=asdict(after))
        self._progress = after
        return called_off

    async def _accept(self, write: TenantWrite, viewer: Viewer, chunk: Chunk) -> Sequence[dict[str, Any]]:
        record, mode = self._record, self._order.mode
        lines = await asyncio.to_thread(
            lambda: [read_line(viewer, record, mode, number, raw) for number, raw in chunk.lines]
        )
        changed = await accept_lines(write, viewer, record, mode, lines, clock=self._job.clock)
        return [
            results.told_of(record, line, one, viewer.language)
            for line, one in zip(lines, changed, strict=True)
        ]
