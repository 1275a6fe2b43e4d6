"""The worklist: one ranked queue of a person over everything that is due, a page at a time (F12).

The order is that of the morning's digest (``followups.ranking``). Follow-ups are by far the most of what is due, so they
are not all looked at: of the plans of one urgency the longest overdue come first, in the order of an index. A page takes
the first ones of each urgency, joins them with what the other sources have, and orders these few. So the first page
costs the same whether a hundred things wait or a hundred thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.followups.due_lines import reason_in, subject_in, why_in
from kedang_tenants.followups.planning_rules import planning_rule
from kedang_tenants.followups.ranking import everything_due, points_of
from kedang_tenants.followups.reminders import FOLLOW_UP, FOLLOW_UP_WEIGHT
from kedang_tenants.people.dues import due_sources
from kedang_tenants.reading import BadCursor, Scope, Viewer
from kedang_tenants.reading.ordering import SortKey, read_cursor, write_cursor

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
_BY_HAND: Final = msg("Planned by hand")
_PER_DAY: Final = "SELECT contacts_per_day FROM member WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Line:
    """Something that waits for a person. ``place`` counts from 1; days overdue are negative before it is due.

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
    cursor: str


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


async def read_worklist(
    read: TenantRead,
    viewer: Viewer,
    *,
    limit: int = 50,
    after: str | None = None,
    language: Language,
    clock: Clock,
) -> Worklist:
    """A page of what waits for the viewer, the most urgent first, in a language.

    A page behind a cursor is of the same day as that before it. Raises BadCursor, and BadUserInput for a page of
    more than ``LONGEST_PAGE`` lines.
    """
    if not 0 <= limit <= LONGEST_PAGE:
        raise BadUserInput(
            msg("A page holds between 0 and {limit} records."), path=("first",), limit=LONGEST_PAGE
        )
    begin = None if after is None else _read_cursor(after)
    day = begin.day if begin else viewer.today(clock)
    capacity = await _capacity(read, viewer)
    sql = _page(*_case(viewer), continued=begin is not None)
    rows = await read.fetch(sql, *_bound(viewer, day, clock), limit + 1, *(_position(begin) if begin else ()))
    first = begin.place + 1 if begin else 1
    lines = tuple(
        _line(row, first + number, day, capacity, language) for number, row in enumerate(rows[:limit])
    )
    return Worklist(day, capacity, lines, len(rows) > limit)


async def count_worklist(read: TenantRead, viewer: Viewer, *, clock: Clock) -> int:
    """How much waits for the viewer today."""
    sql = _count(*_case(viewer))
    return int(await read.fetchval(sql, *_bound(viewer, viewer.today(clock), clock)))


async def _capacity(read: TenantRead, viewer: Viewer) -> int | None:
    own: int | None = await read.fetchval(_PER_DAY, viewer.member_id)
    return own or (await planning_rule(read, viewer)).contacts_per_day


def _bound(viewer: Viewer, day: date, clock: Clock) -> tuple[object, ...]:
    """$1 to $5: the day, the instant, the zone, the member, the restricted archives that are open to them."""
    return day, clock.now(), viewer.time_zone, viewer.member_id, list(viewer.opened)


def _position(after: _After) -> tuple[object, ...]:
    """$7 to $12."""
    return after.cool, after.points, after.due_on, after.customer_id, after.source, after.record_id


def _case(viewer: Viewer) -> tuple[frozenset[str], bool]:
    """The sources whose records the viewer may not know of, and whether restricted archives are closed to them."""
    shut = frozenset(
        source.name
        for source in due_sources()
        if max(viewer.on(source.record).names, viewer.on(source.record).read) is Scope.NONE
    )
    return shut, viewer.closed


# The statements. Plans are looked at by urgency: 1 to 5 is the share of the grade, ten more say hot.
_URGENCIES: Final = "(VALUES (1), (2), (3), (4), (5), (11), (12), (13), (14), (15)) AS u (urgency)"
_SHARE: Final = "(u.urgency - CASE WHEN u.urgency > 10 THEN 10 ELSE 0 END)"
_PLAN_POINTS: Final = f"((GREATEST($1::date - p.due_on, 0) + 1)::bigint * {FOLLOW_UP_WEIGHT} * {_SHARE})"
_OF_PLAN: Final = f"'{FOLLOW_UP.name}'::text"
_OPEN: Final = "p.owner_id = $4 AND p.state = 'PLANNED' AND p.archived_at IS NULL AND p.due_on <= $1"


def _place(*, cool: str, points: str, due_on: str, name: str, source: str, record_id: str) -> str:
    """The place in the queue as a row to be compared: the smaller one stands first."""
    return f"ROW({cool}, -({points}), {due_on}, {name} IS NULL, COALESCE({name}, ''), {source}, {record_id})"


_NAME_AFTER: Final = "(SELECT n.name_sort FROM customer n WHERE n.id = $10::uuid)"
_PLACE_AFTER: Final = _place(
    cool="$7::int",
    points="$8::bigint",
    due_on="$9::date",
    name=_NAME_AFTER,
    source="$11::text",
    record_id="$12::uuid",
)
# Where the cursor stands among the hot ones or among the others, what counts more than it is passed over by the index.
_PLANS_AFTER: Final = f"""
AND NOT (u.urgency > 10 AND $7 = 1)
AND p.due_on >= CASE WHEN (u.urgency > 10) = ($7 = 0)
    THEN $1::date - (LEAST($8::bigint / ({FOLLOW_UP_WEIGHT} * {
    _SHARE
}), 1000000)::int - 1) ELSE '-infinity'::date END
AND {
    _place(
        cool="CASE WHEN u.urgency > 10 THEN 0 ELSE 1 END",
        points=_PLAN_POINTS,
        due_on="p.due_on",
        name="c.name_sort",
        source=_OF_PLAN,
        record_id="p.id",
    )
} > {_PLACE_AFTER}
"""
_OTHERS_AFTER: Final = f"""
AND {
    _place(
        cool="CASE WHEN c.hot_since IS NULL THEN 1 ELSE 0 END",
        points=points_of(due="d", customer="c"),
        due_on="d.due_on",
        name="c.name_sort",
        source="d.source",
        record_id="d.record_id",
    )
} > {_PLACE_AFTER}
"""


@lru_cache(maxsize=256)
def _page(shut: frozenset[str], closed: bool, *, continued: bool) -> str:
    """$6 is how many rows are wanted; where the page is ``continued``, $7 to $12 say behind which."""
    plans = f"""
SELECT {_OF_PLAN} AS source, '{FOLLOW_UP.record}'::text AS record, l.* FROM {_URGENCIES}
CROSS JOIN LATERAL (
    SELECT p.id AS record_id, p.customer_id, p.due_on, to_jsonb(NULLIF(p.purpose, '')) AS subject, p.rule AS why,
           {FOLLOW_UP_WEIGHT} AS weight, u.urgency > 10 AS hot, {_PLAN_POINTS} AS points, c.name_sort AS name
    FROM follow_up_plan p JOIN customer c ON c.id = p.customer_id
    WHERE {_OPEN} AND p.urgency = u.urgency AND {_living(closed)} {_PLANS_AFTER if continued else ""}
    ORDER BY p.due_on FETCH FIRST ($6::int) ROWS WITH TIES
) l
"""
    others = f"""
SELECT d.source, d.record, d.record_id, d.customer_id, d.due_on, d.subject, d.why, d.weight,
       c.hot_since IS NOT NULL AS hot, {points_of(due="d", customer="c")} AS points, c.name_sort AS name
{_others(shut, closed)} {_OTHERS_AFTER if continued else ""}
"""
    arms = [others] if FOLLOW_UP.name in shut else [plans, others]
    return f"""
SELECT * FROM ({" UNION ALL ".join(arms)}) q
ORDER BY q.hot DESC, q.points DESC, q.due_on, q.name NULLS LAST, q.source, q.record_id LIMIT $6::int
"""


@lru_cache(maxsize=64)
def _count(shut: frozenset[str], closed: bool) -> str:
    plans = f"""
SELECT count(*) AS number FROM follow_up_plan p JOIN customer c ON c.id = p.customer_id
WHERE {_OPEN} AND {_living(closed)}
"""
    others = f"SELECT count(*) AS number {_others(shut, closed)}"
    arms = [others] if FOLLOW_UP.name in shut else [plans, others]
    return f"SELECT sum(q.number) FROM ({' UNION ALL '.join(arms)}) q"


def _living(closed: bool) -> str:
    """The condition on the customer ``c``: it is not archived, nor is its archive closed to the member."""
    open_ = "(c.restricted IS NOT TRUE OR c.id = ANY($5::uuid[]))" if closed else "$5::uuid[] IS NOT NULL"
    return f"c.archived_at IS NULL AND {open_}"


def _others(shut: frozenset[str], closed: bool) -> str:
    """What the other sources have for the member."""
    return f"""
FROM {everything_due(without=shut | {FOLLOW_UP.name})} d LEFT JOIN customer c ON c.id = d.customer_id
WHERE d.member_id = $4 AND (d.customer_id IS NULL OR {_living(closed)})
"""


# What is told


def _line(row: asyncpg.Record, place: int, day: date, capacity: int | None, language: Language) -> Line:
    what, why = reason_in(row, language), why_in(row, language)
    if row["source"] == FOLLOW_UP.name:
        why = why or translate(_BY_HAND, language)
        purpose = subject_in(row, language)
        what = f"{what}: {purpose}" if purpose else what
    return Line(
        place=place,
        source=row["source"],
        record=row["record"],
        record_id=row["record_id"],
        customer_id=row["customer_id"],
        what=what,
        rule=why or what,
        due_on=row["due_on"],
        days_overdue=(day - row["due_on"]).days,
        hot=row["hot"],
        weight=row["weight"],
        points=row["points"],
        within=capacity is None or place <= capacity,
        cursor=_write_cursor(row, place, day),
    )


def _write_cursor(row: asyncpg.Record, place: int, day: date) -> str:
    # The customer's name, by which equals are ordered, may be out of reach for the member: its id stands for it.
    cool = 0 if row["hot"] else 1
    values = [
        day,
        place,
        cool,
        row["points"],
        row["due_on"],
        row["customer_id"],
        row["source"],
        row["record_id"],
    ]
    return write_cursor(_SIGNATURE, values)


def _read_cursor(cursor: str) -> _After:
    found: list[Any] = read_cursor(cursor, _SIGNATURE, _CURSOR)
    after = _After(*found)
    if not (_DAYS[0] <= after.day <= _DAYS[1] and 0 <= after.points <= _MOST_POINTS and after.cool in (0, 1)):
        raise BadCursor(msg("This cursor does not belong to this list."))
    return after
