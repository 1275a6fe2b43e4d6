"""A customer's timeline (客户画像, A21): everything that happened with it, the latest first.

Each source brings its own latest rows behind the cursor, all in one statement; they are merged here, and
only what stands on the page is read in full. So any page costs what the first one does. Scope and masks
are those of ``reading``: a source that the viewer may not read is simply not there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.i18n import Language, msg
from kedang_tenants.portrait.branches import OWNER_CHANGES, Wanted, branch, owner_branch
from kedang_tenants.portrait.moments import Calendar, Position, checked_day, read_position, write_position
from kedang_tenants.portrait.sources import SOURCES
from kedang_tenants.portrait.wording import Shown, Told, owner_changed, shortened
from kedang_tenants.reading import Lookup, Select, Viewer, read_lookup
from kedang_tenants.reading.statement import Statement

MOST_ENTRIES: Final = 100
_BY_NAME: Final = {source.name: source for source in SOURCES}


@dataclass(frozen=True, slots=True)
class TimelineRequest:
    """Which part of a timeline is asked for: kinds (all when None), whose doing, and days, ``until`` not included."""

    customer_id: UUID
    limit: int = 50
    after: str | None = None
    kinds: frozenset[str] | None = None
    member_id: UUID | None = None
    first_day: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. ``at`` is None where only the day is known; days are the company's."""

    kind: str
    at: datetime | None
    day: date
    title: str
    summary: str | None
    member_id: UUID | None
    record: str
    record_id: UUID
    position: Position = field(repr=False)

    @property
    def cursor(self) -> str:
        return write_position(self.position)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of entries, the latest first."""

    entries: tuple[Entry, ...]
    has_next: bool


async def read_timeline(
    read: TenantRead, viewer: Viewer, request: TimelineRequest, *, language: Language
) -> Timeline | None:
    """A page of a customer's timeline in a language; None where the customer is not there for the viewer.

    Raises BadCursor; NotFound for a member that does not exist; BadUserInput for a page of more than 100
    entries and for days in which time zones end.
    """
    if not 0 <= request.limit <= MOST_ENTRIES:
        raise BadUserInput(
            msg("A page holds between 0 and {limit} records."), path=("first",), limit=MOST_ENTRIES
        )
    calendar = Calendar(ZoneInfo(viewer.time_zone))
    wanted = Wanted(
        viewer=viewer,
        calendar=calendar,
        customer_id=request.customer_id,
        limit=request.limit + 1,
        after=None if request.after is None else read_position(request.after),
        kinds=request.kinds,
        member_id=request.member_id,
        first_day=checked_day(request.first_day, "from"),
        until=checked_day(request.until, "to"),
    )
    if not await _exists(read, viewer, "customer", request.customer_id):
        return None
    if request.member_id is not None and not await _exists(read, viewer, "member", request.member_id):
        raise NotFound(msg("There is no such record."), path=("memberId",))
    placed = _merged(await _fetch(read, wanted), calendar)
    page = placed[: request.limit]
    told = await _told(read, viewer, page, language=language)
    entries = (_entry(position, row, told, wanted) for position, row in page)
    return Timeline(tuple(entry for entry in entries if entry is not None), len(placed) > request.limit)


async def _exists(read: TenantRead, viewer: Viewer, record: str, record_id: UUID) -> bool:
    return bool((await read_lookup(read, viewer, Lookup(record, (record_id,)))).page.rows)


async def _fetch(read: TenantRead, wanted: Wanted) -> list[asyncpg.Record]:
    statement = Statement()
    parts = [branch(statement, wanted, source) for source in SOURCES]
    parts.append(owner_branch(statement, wanted))
    sql = " UNION ALL ".join(part for part in parts if part is not None)
    return await read.fetch(sql, *statement.values) if sql else []


Placed = tuple[Position, asyncpg.Record]


def _merged(rows: Iterable[asyncpg.Record], calendar: Calendar) -> list[Placed]:
    placed = [
        (Position(row["at"] or calendar.begin(row["day"]), row["source"], row["id"]), row) for row in rows
    ]
    return sorted(placed, key=lambda one: one[0], reverse=True)


Tellings = Mapping[tuple[str, UUID], Told]


async def _told(read: TenantRead, viewer: Viewer, page: Sequence[Placed], *, language: Language) -> Tellings:
    """What is said of the entries of a page; what has vanished in the meantime is missing."""
    ids: dict[str, list[UUID]] = defaultdict(list)
    for position, _ in page:
        ids[position.source].append(position.id)
    told: dict[tuple[str, UUID], Told] = {}
    for name, found in ids.items():
        if name == OWNER_CHANGES:
            told |= await _owners_told(read, viewer, [row for p, row in page if p.source == name], language)
            continue
        source = _BY_NAME[name]
        shown = await read_lookup(read, viewer, Lookup(source.record, tuple(found), source.select))
        for row in shown.page.rows:
            told[name, row[shown.layout.id]] = source.tell(Shown(row, shown.layout, language))
    return told


async def _owners_told(
    read: TenantRead, viewer: Viewer, rows: Sequence[asyncpg.Record], language: Language
) -> Tellings:
    ids = {UUID(hex=owner) for row in rows for owner in (row["old"], row["new"]) if owner}
    found = await read_lookup(read, viewer, Lookup("member", tuple(ids), Select(("name",))))
    at, name = found.layout.id, found.layout.fields["name"]
    names = {row[at].hex: row[name] for row in found.page.rows}
    return {
        (OWNER_CHANGES, row["id"]): owner_changed(names.get(row["old"]), names.get(row["new"]), language)
        for row in rows
    }


def _entry(position: Position, row: asyncpg.Record, told: Tellings, wanted: Wanted) -> Entry | None:
    said = told.get((position.source, position.id))
    if said is None:
        return None
    source = _BY_NAME.get(position.source)
    return Entry(
        kind=row["kind"],
        at=row["at"],
        day=row["day"] or wanted.calendar.day_of(row["at"]),
        title=said.title,
        summary=shortened(said.summary),
        member_id=row["member"],
        record=source.record if source else "customer",
        record_id=position.id if source else wanted.customer_id,
        position=position,
    )
