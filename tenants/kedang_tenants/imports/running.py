"""The job of an import: chunk after chunk, each in one transaction with its checkpoint.

A worker that is killed loses the chunk in its hands and nothing else: the next one goes on behind
the last row whose chunk was committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from itertools import islice
from typing import Any, cast

from kedang_platform.database import TenantWrite
from kedang_platform.database.statistics import refresh_statistics
from kedang_platform.errors import KedangError, Refused
from kedang_platform.work import JSON, JobCancelled, JobInterrupted, JobLost, Progress, RunningJob
from kedang_tenants.catalogue import catalogue
from kedang_tenants.imports import concluding, record_keeping, remarks
from kedang_tenants.imports.chunks import Counts, import_chunk
from kedang_tenants.imports.errors import MAX_ROWS, too_many_rows
from kedang_tenants.imports.mapping import Layout, lay_out
from kedang_tenants.imports.models import CANCELLED, DONE
from kedang_tenants.imports.record_keeping import Order
from kedang_tenants.imports.rows import ImportRow, RowReader
from kedang_tenants.imports.source import Source, SourceRow, open_source

CHUNK_ROWS = 500
_GROWN = (1_000, 10_000, 100_000)
LOST_RACES = 3
"""How often a chunk is tried again when another writer took a key in between."""


class _Trial(Exception):
    """Ends the savepoint of a dry run."""


async def run_import(job: RunningJob) -> None:
    """Carry out the import that the job's payload names, and tell in its record how it ended."""
    import_id = concluding.import_of(job)
    try:
        order = await record_keeping.begin(job, import_id)
        if order is not None:
            stopped = order.called_off or await _run(job, order)
            await concluding.conclude(job, order.id, CANCELLED if stopped else DONE)
    except JobCancelled:
        await concluding.conclude_cancelled(job, import_id)
        raise
    except (JobLost, JobInterrupted):
        raise
    except Exception as error:
        if isinstance(error, KedangError) and not error.passing:
            await concluding.conclude_failed(job, import_id, error)
            return
        raise


async def _run(job: RunningJob, order: Order) -> bool:
    """Go through the file; True when the import was called off on the way."""
    async with _opened(job, order) as source:
        layout = lay_out(
            order.viewer, catalogue().record(order.record), order.mode, source.columns, order.mapping
        )
        progress = _Progress.of(job.checkpoint)
        if progress.total is None:
            progress.total = await asyncio.to_thread(_count, source)
            async with job.step(progress=Progress(0, progress.total)) as write:
                await record_keeping.note_source(write, order, source, progress.total)
        run = _ImportRun(job, order, layout, progress)
        return await run.through(source.rows())


@asynccontextmanager
async def _opened(job: RunningJob, order: Order) -> AsyncIterator[Source]:
    """The file of the import, opened; closed when the block ends."""
    async with record_keeping.local_file(job, order) as path:
        source = await asyncio.to_thread(open_source, path)
        try:
            yield source
        finally:
            source.close()


def _count(source: Source) -> int:
    """How many rows there are; raises TooManyRows, and what is wrong with the whole file, before any is taken."""
    count = 0
    for count, _ in enumerate(source.rows(), 1):
        if count > MAX_ROWS:
            raise too_many_rows()
    return count


class _Progress:
    """How far an import is: the last line dealt with, and the counts up to it. Stored as checkpoint."""

    def __init__(self, *, total: int | None = None, line: int = 0, counts: Counts | None = None) -> None:
        self.total = total
        self.line = line
        self.counts = counts or Counts()

    @classmethod
    def of(cls, checkpoint: JSON) -> _Progress:
        if checkpoint is None:
            return cls()
        kept = cast("dict[str, Any]", checkpoint)
        return cls(total=kept["total"], line=kept["line"], counts=Counts(**kept["counts"]))

    def after(self, line: int, counts: Counts) -> _Progress:
        return _Progress(total=self.total, line=line, counts=self.counts + counts)

    def as_json(self) -> JSON:
        return {"total": self.total, "line": self.line, "counts": asdict(self.counts)}


class _ImportRun:
    """One import in the hands of one worker."""

    def __init__(self, job: RunningJob, order: Order, layout: Layout, progress: _Progress) -> None:
        self._job = job
        self._order = order
        self._layout = layout
        self._progress = progress
        self._reader = RowReader(order.viewer, layout)

    async def through(self, rows: Iterator[SourceRow]) -> bool:
        """Deal with all rows behind the checkpoint; True when the import was called off on the way."""
        remaining = await asyncio.to_thread(self._behind_checkpoint, rows)
        while chunk := await asyncio.to_thread(list, islice(remaining, CHUNK_ROWS)):
            before = self._progress.counts.created
            called_off = await self._deal_with(chunk)
            await self._tell_planner(before)
            if called_off:
                return True
        return False

    async def _tell_planner(self, before: int) -> None:
        """Have the table analysed each time it has grown to the next size, so that lists stay quick meanwhile."""
        created = self._progress.counts.created
        if self._order.dry_run or not any(before < size <= created for size in _GROWN):
            return
        with suppress(KedangError):  # it is an aid: autovacuum comes to it later
            company = self._order.viewer.company
            await refresh_statistics(self._job.databases, company, self._layout.record.table.name)

    def _behind_checkpoint(self, rows: Iterator[SourceRow]) -> Iterator[SourceRow]:
        """Pass over what an earlier try has dealt with, keeping its keys in mind."""
        for row in rows:
            if row.line > self._progress.line:
                return _with_first(row, rows)
            self._reader.read(row)
        return iter(())

    async def _deal_with(self, chunk: Sequence[SourceRow]) -> bool:
        for race in range(1, LOST_RACES + 1):
            try:
                return await self._try(chunk)
            except Refused:
                if race == LOST_RACES:
                    raise
        raise AssertionError("unreachable")

    async def _try(self, chunk: Sequence[SourceRow]) -> bool:
        rows = await asyncio.to_thread(lambda: [self._reader.read(source) for source in chunk])
        async with self._job.step() as write:
            counts = await self._import(write, rows)
            after = self._progress.after(chunk[-1].line, counts)
            await remarks.keep(write, self._order.id, self._layout, rows)
            called_off = await record_keeping.note_counts(write, self._order, after.counts)
            done = Progress(after.counts.rows, after.total)
            await self._job.store(write, progress=done, checkpoint=after.as_json())
        self._progress = after
        return called_off

    async def _import(self, write: TenantWrite, rows: Sequence[ImportRow]) -> Counts:
        if not self._order.dry_run:
            return await import_chunk(write, self._order.viewer, self._layout, rows, clock=self._job.clock)
        counts = Counts()
        with suppress(_Trial):
            async with write.savepoint():
                counts = await import_chunk(
                    write,
                    self._order.viewer,
                    self._layout,
                    rows,
                    clock=self._job.clock,
                    assume=self._reader.has_read,
                )
                raise _Trial
        return counts


def _with_first(first: SourceRow, rest: Iterator[SourceRow]) -> Iterator[SourceRow]:
    yield first
    yield from rest
