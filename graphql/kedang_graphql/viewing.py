"""Keeping account of views: what requests read is remembered in passing and written down beside (T7).

A request only adds to sets in memory. What is too much between two writings is counted and told in the log.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, Databases
from kedang_tenants.catalogue import RecordType
from kedang_tenants.changing.viewing import ReadByKey, Viewed, note_views
from kedang_tenants.reading import Viewer

MOST: Final = 50_000
"""Rows of all companies that are remembered between two writings."""
_LAST_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)
_Seen = dict[tuple[UUID, str, str], dict[UUID, set[str]]]


@dataclass(slots=True)
class _Company:
    ref: CompanyRef
    seen: _Seen = field(default_factory=dict)
    read: dict[UUID, set[str]] = field(default_factory=dict)


class Views:
    """What the process's requests have seen since the last writing. Used on one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._companies: dict[UUID, _Company] = {}
        self._rows = 0
        self._missed = 0

    def saw(self, viewer: Viewer, record: RecordType, fields: frozenset[str], ids: list[UUID]) -> None:
        """Remember what was read; called by the reading of every request."""
        assert viewer.member_id is not None  # the product itself is nobody who looks
        company = self._companies.get(viewer.company.id)
        if company is None:
            company = self._companies[viewer.company.id] = _Company(viewer.company)
        if viewer.via == "api_key":
            company.read.setdefault(viewer.member_id, set()).add(record.api_name)
        if not ids:
            return
        if self._rows >= MOST:
            self._missed += len(ids)
            return
        rows = company.seen.setdefault((viewer.member_id, viewer.via, record.name), {})
        before = len(rows)
        for row_id in ids:
            rows.setdefault(row_id, set()).update(fields)
        self._rows += len(rows) - before

    async def flush(self, databases: Databases) -> None:
        """Write down what was seen. What cannot be written now is lost and told in the log; no request waits for it."""
        companies, self._companies, self._rows = list(self._companies.values()), {}, 0
        if self._missed:
            log.error("views.too_many", count=self._missed)
            self._missed = 0
        for company in companies:
            views = [
                Viewed(member, via, record, rows) for (member, via, record), rows in company.seen.items()
            ]
            reads = [ReadByKey(member, records) for member, records in company.read.items()]
            try:
                async with databases.tenant_write(company.ref) as write:
                    await note_views(write, views, reads, clock=self._clock)
            except Exception:
                log.exception("views.not_noted")


async def keep_views(views: Views, databases: Databases, *, interval: float) -> None:
    """Until cancelled: write down every ``interval`` seconds what was seen, and at the end what is left."""
    writing: asyncio.Future[None] | None = None
    try:
        while True:
            await asyncio.sleep(interval)
            writing = asyncio.ensure_future(views.flush(databases))
            await asyncio.shield(writing)  # broken off, it would lose what it has in its hands
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                if writing is not None:
                    await writing
                await views.flush(databases)
