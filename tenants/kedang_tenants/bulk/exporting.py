"""The job of a bulk export: page after page by keyset, kept in parts, so that a killed worker goes on.

Whatever stands in a stored part is named by the checkpoint of the same step, together with the
cursor behind it: the next worker writes neither a line twice nor leaves one out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_platform.errors import Forbidden, KedangError, UserError
from kedang_platform.i18n import msg
from kedang_platform.work import JSON, JobCancelled, JobInterrupted, JobLost, Progress, RunningJob
from kedang_tenants.bulk import record_keeping
from kedang_tenants.bulk.lines import PARENT, as_csv, as_json, csv_heading
from kedang_tenants.bulk.models import EXPORT
from kedang_tenants.bulk.parts import forget_parts, join_parts, store_part
from kedang_tenants.bulk.questions import Level, decode_level
from kedang_tenants.bulk.record_keeping import Order
from kedang_tenants.catalogue import catalogue
from kedang_tenants.imports.models import CANCELLED, DONE, FAILED
from kedang_tenants.imports.record_keeping import told
from kedang_tenants.people.viewers import company_of
from kedang_tenants.reading import (
    Access,
    Listing,
    Lookup,
    Page,
    PageOfRows,
    Read,
    Scope,
    Select,
    Viewer,
    read_listing,
    read_lookup,
)
from kedang_tenants.reading.kept import listing_in_full
from kedang_tenants.reading.ordering import sort_signature, write_cursor
from kedang_tenants.reading.planner import plan_total
from kedang_tenants.reading.showing import RowShower
from kedang_tenants.reading.shown import Shown

PAGE_ROWS = 1_000
PARENTS = 100
"""Parents whose lists are read together, and records of each list that are read at once."""
PART_PAGES = 5
PART_BYTES = 4 * 1024 * 1024
_MOST = 2**31
_BELOW = "below"


def as_bulk_exporter(viewer: Viewer, level: Level) -> Viewer:
    """The viewer, seeing no more than they may take away.

    Of what is listed they need the right to export, or Forbidden is raised. Of records that are only
    named beside a listed one they see what everybody who knows them does, unless they may export these, too.
    """
    access = dict(viewer.access)
    listed = set(level.listed())
    for name in listed:
        found = viewer.on(name)
        if found.export is Scope.NONE:
            raise Forbidden(msg("You may not do this."))
        access[name] = replace(_exported(found), names=min(found.names, found.export))
    for name in set(_related(level)) - listed:
        access[name] = _exported(viewer.on(name))
    # What was found out about masks held for the wider rights.
    return replace(viewer, access=access, known_masks={})


def _exported(access: Access) -> Access:
    sensitive = {name: min(scope, access.export) for name, scope in access.sensitive.items()}
    return replace(access, read=min(access.read, access.export), sensitive=MappingProxyType(sensitive))


def _related(level: Level) -> Iterator[str]:
    yield from _related_of(level.listing.record, level.shown)
    for inner in level.below:
        yield from _related(inner)


def _related_of(record: str, shown: Sequence[Shown]) -> Iterator[str]:
    for one in shown:
        if one.what == "one":
            target = catalogue().record(record).relations[one.name].target
            yield target
            yield from _related_of(target, one.inner)


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far an export is. Stored as checkpoint."""

    total: int
    cursor: str | None = None
    done: int = 0
    lines: int = 0
    parts: tuple[UUID, ...] = ()
    ended: bool = False

    @classmethod
    def of(cls, checkpoint: JSON) -> _Progress | None:
        if checkpoint is None:
            return None
        kept = dict(cast("dict[str, Any]", checkpoint))
        return cls(**kept | {"parts": tuple(UUID(hex=part) for part in kept["parts"])})

    def as_json(self) -> JSON:
        return {
            "total": self.total,
            "cursor": self.cursor,
            "done": self.done,
            "lines": self.lines,
            "parts": [part.hex for part in self.parts],
            "ended": self.ended,
        }


async def run_bulk_export(job: RunningJob) -> None:
    """Carry out the export that the job's payload names, and tell in its record how it ended."""
    try:
        order = await record_keeping.begin(job, EXPORT)
        if order is not None:
            await _run(job, order)
    except JobCancelled:
        assert job.company is not None
        opened = job.databases.tenant_write(job.company)
        await record_keeping.end_beside(job, opened, {"state": CANCELLED})
        await _forget(job)
        raise
    except (JobLost, JobInterrupted):
        raise
    except Exception as error:
        if isinstance(error, KedangError) and not error.passing:
            reason = record_keeping.reason_of(error)
            await _end(job, {"state": FAILED, **told(reason)}, {"state": FAILED, "code": reason.code})
            return
        raise


async def conclude_broken(job: RunningJob, error: UserError) -> None:
    """Tell that the export will not be tried again; the job is settled by whoever ran it."""
    await record_keeping.conclude_broken(job, error)
    await _forget(job)


async def _run(job: RunningJob, order: Order) -> None:
    assert order.question is not None
    if order.called_off:
        await _end(job, {"state": CANCELLED}, {"state": CANCELLED})
        return
    run = _ExportRun(job, order, decode_level(order.question))
    if await run.through():
        await _end(job, {"state": CANCELLED}, {"state": CANCELLED})
        return
    await _conclude(job, order, run.progress)


async def _conclude(job: RunningJob, order: Order, progress: _Progress) -> None:
    files = job.services.files
    stored = await join_parts(files, order.company.ref, progress.parts)
    try:
        async with job.finish(result={"state": DONE}) as write:
            file_id = await record_keeping.keep_result(write, job, order.company, stored)
            values = {"state": DONE, "file_id": file_id, "finished_at": job.clock.now()}
            await record_keeping.note(write, job, order.company, values)
    except JobLost:
        await files.delete(order.company.ref, stored.content_id)
        raise
    await _forget(job)


async def _end(job: RunningJob, values: Mapping[str, object], result: JSON) -> None:
    company = await company_of(job)
    async with job.finish(result=result) as write:
        await record_keeping.note(write, job, company, {**values, "finished_at": job.clock.now()})
    await _forget(job)


async def _forget(job: RunningJob) -> None:
    progress = _Progress.of(job.checkpoint)
    if progress is not None and job.company is not None:
        await forget_parts(job.services.files, job.company, progress.parts)


@dataclass(slots=True)
class _Buffer:
    """Lines that wait to be stored; ``parts`` are those of them that no checkpoint names yet."""

    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    count: int = 0
    parts: list[UUID] = field(default_factory=list)

    def add(self, lines: Sequence[bytes], *, counted: bool = True) -> None:
        self.lines += lines
        self.size += sum(map(len, lines))
        self.count += len(lines) if counted else 0


class _ExportRun:
    """One export in the hands of one worker."""

    def __init__(self, job: RunningJob, order: Order, level: Level) -> None:
        self._job = job
        self._order = order
        self._level = level
        self._viewer = as_bulk_exporter(order.viewer, level)
        self._buffer = _Buffer()
        self.progress = _Progress(0)

    async def through(self) -> bool:
        """Write everything behind the checkpoint; True when the export was called off on the way."""
        kept = _Progress.of(self._job.checkpoint)
        self.progress = kept if kept is not None else _Progress(await self._count())
        while not self.progress.ended:
            if await self._write_part():
                return True
        return False

    async def _count(self) -> int:
        async with self._job.databases.tenant_read(self._order.company.ref) as read:
            listing = await listing_in_full(read, self._viewer, self._level.listing)
            plan = plan_total(self._viewer, listing, most=_MOST)
            total: int = await read.fetchval(plan.sql, *plan.values)
        return total

    async def _write_part(self) -> bool:
        """Read some pages and keep their lines with how far we are."""
        self._buffer = _Buffer()
        if self._order.format == "CSV" and self.progress.cursor is None:
            self._buffer.add([csv_heading(self._level)], counted=False)
        cursor, done, ended = self.progress.cursor, self.progress.done, False
        for _ in range(PART_PAGES):
            cursor, rows = await self._write_page(cursor)
            done += rows
            ended = cursor is None
            if ended or self._buffer.size >= PART_BYTES or self._buffer.parts:
                break
        await self._spill()
        return await self._keep(
            replace(
                self.progress,
                cursor=cursor,
                done=done,
                ended=ended,
                lines=self.progress.lines + self._buffer.count,
                parts=(*self.progress.parts, *self._buffer.parts),
            )
        )

    async def _keep(self, after: _Progress) -> bool:
        async with self._job.step() as write:
            called_off = await record_keeping.note_counts(
                write, self._order, total=after.total, done=after.done, lines=after.lines
            )
            done = Progress(after.done, max(after.total, after.done))
            await self._job.store(write, progress=done, checkpoint=after.as_json())
            asker = await record_keeping.asker(write, self._order.company, self._order.viewer.member_id)
            self._viewer = as_bulk_exporter(asker, self._level)
        self.progress = after
        return called_off

    async def _spill(self) -> None:
        """Store the lines that wait."""
        if self._buffer.lines:
            files, company = self._job.services.files, self._order.company.ref
            self._buffer.parts.append(await store_part(files, company, self._buffer.lines))
            self._buffer.lines, self._buffer.size = [], 0

    async def _write_page(self, cursor: str | None) -> tuple[str | None, int]:
        """Write a page with everything below it; returns the cursor behind it, None at the end, and its rows."""
        rows = PARENTS if self._level.below else PAGE_ROWS
        listing = replace(self._level.listing, page=Page(rows, after=cursor))
        async with self._job.databases.tenant_read(self._order.company.ref) as read:
            found = await read_listing(read, self._viewer, listing)
            await self._write_rows(self._level, found, found.page, None)
            await self._write_below(read, self._level, _ids(found, found.page))
        behind = _cursor_behind(listing, found, found.page) if found.page.has_next else None
        return behind, len(found.page.rows)

    async def _write_rows(self, level: Level, found: Read, page: PageOfRows, parent: str | None) -> None:
        shower = RowShower(self._viewer, level.shown, found.layout)
        lines = await asyncio.to_thread(self._lines, level, shower, page, parent)
        self._buffer.add(lines)

    def _lines(self, level: Level, shower: RowShower, page: PageOfRows, parent: str | None) -> list[bytes]:
        made = (shower.show(row) for row in page.rows)
        if parent is not None:
            made = (line | {PARENT: parent} for line in made)
        if self._order.format == "CSV":
            return [as_csv(level, line) for line in made]
        return [as_json(line) for line in made]

    async def _write_below(self, read: TenantRead, level: Level, parents: Sequence[UUID]) -> None:
        for below in level.below:
            for start in range(0, len(parents), PARENTS):
                await self._write_lists(read, level, below, parents[start : start + PARENTS])

    async def _write_lists(
        self, read: TenantRead, level: Level, below: Level, parents: Sequence[UUID], after: str | None = None
    ) -> None:
        """Write the first page of each parent's list, and what is left of the long ones parent by parent."""
        record = catalogue().record(level.listing.record)
        listing = replace(below.listing, page=Page(PARENTS, after=after))
        lookup = Lookup(record.name, tuple(parents), Select(many=((_BELOW, listing),)))
        found = (await read_lookup(read, self._viewer, lookup)).children[(), _BELOW]
        for parent, page in found.pages.items():
            await self._write_rows(below, found, page, f"{record.prefix}_{parent.hex}")
        await self._write_below(read, below, [i for page in found.pages.values() for i in _ids(found, page)])
        if self._buffer.size >= PART_BYTES:
            await self._spill()
            async with self._job.step():  # to hold the job, and to hear when it was called off
                pass
        for parent, page in found.pages.items():
            if page.has_next:
                cursor = _cursor_behind(listing, found, page)
                await self._write_lists(read, level, below, (parent,), cursor)


def _ids(found: Read, page: PageOfRows) -> list[UUID]:
    return [row[found.layout.id] for row in page.rows]


def _cursor_behind(listing: Listing, found: Read, page: PageOfRows) -> str:
    signature = sort_signature(catalogue().record(listing.record), listing.order_by)
    return write_cursor(signature, [page.rows[-1][place] for place in found.layout.keys])
