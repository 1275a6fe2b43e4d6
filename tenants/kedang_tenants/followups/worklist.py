"""The worklist: one ranked queue of a person over everything that is due, a page at a time (F12).

The order is that of the morning's digest (``followups.ranking``). A page costs the same whether a hundred follow-ups wait or a
hundred thousand (``followups.worklist_statements``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.followups.due_lines import reason_in, subject_in, why_in
from kedang_tenants.followups.reminders import FOLLOW_UP
from kedang_tenants.followups.worklist_statements import SETTINGS, Reach, count_statement, page_statement
from kedang_tenants.people.dues import due_source_called, due_sources
from kedang_tenants.reading import BadCursor, Lookup, Scope, Viewer, read_lookup
from kedang_tenants.reading.masks import owned, visible, visible_scope
from kedang_tenants.reading.ordering import SortKey, read_cursor, write_cursor
from kedang_tenants.reading.statement import Statement, quoted

LONGEST_PAGE: Final = 100
_SIGNATURE: Final = "worklist"
_CURSOR: Final = [
    SortKey(name, cast, descending=False, nulls_last=True, nullable=name == "customer_id", name=name)
    for name, cast in (
        ("day", "date"),
        ("place", "bigint"),
        ("cool", "bigint"),
        ("points", "bigint"),
        ("due_on", "date"),
        ("customer_id", "uuid"),
        ("source", "text"),
        ("record_id", "uuid"),
    )
]
_MOST_POINTS: Final = 2**53
_DAYS: Final = date(2000, 1, 1), date(2200, 12, 31)
_MORE: Final = 20
_ABOUT: Final = msg("{what}: {purpose}")


@dataclass(frozen=True, slots=True)
class Line:
    """Something that waits for a person on a ``day``. ``place`` counts from 1; days overdue are negative before it is due.

    ``points`` are (days overdue + 1) × ``weight`` × 1 to 5 for the grade. ``within`` says whether it is among the first
    ones, as many as the person does a day.
    """

    place: int
    source: str
    record: str
    record_id: UUID
    customer_id: UUID | None
    what: str
    rule: str
    due_on: date
    days_overdue: int
    hot: bool
    weight: int
    points: int
    within: bool
    day: date

    @property
    def cursor(self) -> str:
        """Where the page behind the line begins."""
        # The customer's name, by which equals are ordered, may be out of reach for the member: its id stands for it.
        cool = 0 if self.hot else 1
        values = [
            self.day,
            self.place,
            cool,
            self.points,
            self.due_on,
            self.customer_id,
            self.source,
            self.record_id,
        ]
        return write_cursor(_SIGNATURE, values)


@dataclass(frozen=True, slots=True)
class Worklist:
    """A page of a person's queue as of ``day``; ``capacity`` contacts a day, None without a limit."""

    day: date
    capacity: int | None
    lines: tuple[Line, ...]
    has_next: bool


@dataclass(frozen=True, slots=True)
class _After:
    """The line behind which a page begins, as its cursor says."""

    day: date
    place: int
    cool: int
    points: int
    due_on: date
    customer_id: UUID | None
    source: str
    record_id: UUID


async def may_look_at(read: TenantRead, viewer: Viewer, member_id: UUID) -> bool:
    """Whether there is such a member, and the viewer may look at their queue: as who may read their plans may."""
    if not viewer.reaches(viewer.on(FOLLOW_UP.record).read, member_id):
        return False
    return bool((await read_lookup(read, viewer, Lookup("member", (member_id,)))).page.rows)


async def read_worklist(
    read: TenantRead,
    viewer: Viewer,
    *,
    of: UUID | None = None,
    limit: int = 50,
    after: str | None = None,
    language: Language,
    clock: Clock,
) -> Worklist:
    """A page of what waits for the viewer, the most urgent first, in a language.

    With ``of`` what waits for that colleague, as far as the viewer may read it. A page behind a cursor is of the same day as that before it.
    Raises BadCursor, and BadUserInput for a page of more than ``LONGEST_PAGE`` lines.
    """
    if not 0 <= limit <= LONGEST_PAGE:
        raise BadUserInput(
            msg("A page holds between 0 and {limit} records."), path=("first",), limit=LONGEST_PAGE
        )
    begin = None if after is None else _read_cursor(after)
    day = begin.day if begin else viewer.today(clock)
    whose = of or viewer.member_id
    settings = await read.fetchrow(SETTINGS, whose)
    capacity: int | None = settings["capacity"] if settings else None
    values = (*_bound(viewer, whose, day, clock), *(_position(begin) if begin else ()))
    reach, values = _reach(viewer, values, own=whose == viewer.member_id)
    rows = await _rows(read, reach, values, limit + 1, continued=begin is not None)
    first = begin.place + 1 if begin else 1
    lines = tuple(
        _line(row, first + number, day, capacity, language) for number, row in enumerate(rows[:limit])
    )
    return Worklist(day, capacity, lines, len(rows) > limit)


async def count_worklist(read: TenantRead, viewer: Viewer, *, of: UUID | None = None, clock: Clock) -> int:
    """How much waits for the viewer today; with ``of`` for that colleague, as far as the viewer may read it."""
    whose = of or viewer.member_id
    values = _bound(viewer, whose, viewer.today(clock), clock)
    reach, values = _reach(viewer, values, own=whose == viewer.member_id)
    return int(await read.fetchval(count_statement(reach), *values))


async def _rows(
    read: TenantRead, reach: Reach, values: tuple[object, ...], wanted: int, *, continued: bool
) -> list[asyncpg.Record]:
    """The rows of a page. Where among the first ones too many drop out (archived, before the cursor), more are looked at."""
    taken = wanted
    while True:
        sql = page_statement(reach, rows=wanted, taken=taken, continued=continued)
        found = await read.fetch(sql, *values)
        rows = [row for row in found if row["record_id"] is not None]
        if len(rows) == wanted or found[0]["picked"] < taken:
            return rows
        taken *= _MORE


def _bound(viewer: Viewer, whose: UUID | None, day: date, clock: Clock) -> tuple[object, ...]:
    """$1 to $5: the day, the instant, the zone, whose queue it is, the restricted archives that are open to the viewer."""
    return day, clock.now(), viewer.time_zone, whose, list(viewer.opened)


def _position(after: _After) -> tuple[object, ...]:
    """$6 to $11."""
    return after.cool, after.points, after.due_on, after.customer_id, after.source, after.record_id


def _reach(viewer: Viewer, values: tuple[object, ...], *, own: bool) -> tuple[Reach, tuple[object, ...]]:
    """What of the queue is told, and all values of the statement.

    A member is told of whatever waits for them but of kinds of which they may know nothing, a colleague of what they may read.
    """
    if own:
        return Reach(_shut(lambda record: visible_scope(viewer, record)), viewer.closed), values
    shut = _shut(lambda record: viewer.on(record.name).read)
    statement = Statement()
    statement.values.extend(values)
    kinds = sorted({source.record for source in due_sources() if source.name not in shut})
    seen = tuple((kind, condition) for kind in kinds if (condition := _seen(statement, viewer, kind)))
    return Reach(shut, viewer.closed, seen), tuple(statement.values)


def _shut(scope_of: Callable[[RecordType], Scope]) -> frozenset[str]:
    """The sources of whose records nothing is within reach."""
    return frozenset(
        source.name for source in due_sources() if scope_of(catalogue().record(source.record)) is Scope.NONE
    )


def _seen(statement: Statement, viewer: Viewer, kind: str) -> str | None:
    """The condition that the viewer may read the record ``{id}``; None where they may read all."""
    record, alias = catalogue().record(kind), statement.alias()
    conditions = [visible(statement, viewer, record, alias)]
    read = viewer.on(kind).read
    if read < visible_scope(viewer, record):
        conditions.append(owned(statement, viewer, record, alias, read))
    where = " AND ".join(condition for condition in conditions if condition)
    if not where:
        return None
    return f"EXISTS (SELECT 1 FROM {quoted(record.table.name)} {alias} WHERE {alias}.id = {{id}} AND {where})"


# What is told


def _line(row: asyncpg.Record, place: int, day: date, capacity: int | None, language: Language) -> Line:
    of_plan = row["source"] == FOLLOW_UP.name
    what, why = reason_in(row, language), why_in(row, language)
    about = subject_in(row, language) if of_plan else why
    source = due_source_called(row["source"])
    assert source is not None
    return Line(
        place=place,
        source=row["source"],
        record=row["record"],
        record_id=row["record_id"],
        customer_id=row["customer_id"],
        what=translate(_ABOUT, language, {"what": what, "purpose": about}) if about else what,
        rule=(why if of_plan else None) or translate(source.rule, language),
        due_on=row["due_on"],
        days_overdue=(day - row["due_on"]).days,
        hot=row["hot"],
        weight=row["weight"],
        points=row["points"],
        within=capacity is None or place <= capacity,
        day=day,
    )


def _read_cursor(cursor: str) -> _After:
    found: list[Any] = read_cursor(cursor, _SIGNATURE, _CURSOR)
    after = _After(*found)
    if not (_DAYS[0] <= after.day <= _DAYS[1] and 0 <= after.points <= _MOST_POINTS and after.cool in (0, 1)):
        raise BadCursor(msg("This cursor does not belong to this list."))
    return after
