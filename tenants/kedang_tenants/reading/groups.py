"""Rows counted, summed and compared in groups: under the scope and the masks that hold for a list of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import asyncpg

from kedang_platform.database import TenantRead
from kedang_tenants.catalogue import (
    ChoiceKind,
    DayKind,
    DecimalKind,
    Field,
    FlagKind,
    InstantKind,
    IntegerKind,
    MoneyKind,
    RecordType,
    ReferenceKind,
    TextKind,
    catalogue,
)
from kedang_tenants.reading.filters import condition
from kedang_tenants.reading.kept import in_full
from kedang_tenants.reading.masks import usable_column, visible
from kedang_tenants.reading.planner import ARCHIVED
from kedang_tenants.reading.request import EVERYTHING, Archived, Filter
from kedang_tenants.reading.statement import Statement, quoted
from kedang_tenants.reading.viewer import Viewer

MOST_GROUPS = 1000
AVERAGE_DIGITS = 6
Part = Literal["day", "month", "year"]
Measure = Literal["sum", "avg", "min", "max"]
PARTS: tuple[Part, ...] = ("day", "month", "year")
# How often a row was changed is nobody's figure.
_BOOKKEEPING = frozenset({"version"})


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What rows of a group have in common: a field, or the day, month or year in which its time lies.

    A month and a year are told by their first day. A moment lies in the day that it is in the company's zone.
    """

    field: str
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure over a field of a group's rows; rows without a value, and masked ones, do not count.

    ``avg`` is rounded to six digits after the point, halves away from zero.
    """

    measure: Measure
    field: str


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which rows are put into groups by which keys, and what is told of each group.

    Figures of amounts of money part each group by currency, as ``by_currency`` does without them: amounts of
    different currencies, or of one that the viewer may not see, never meet in a figure.
    """

    record: str
    where: Filter = EVERYTHING
    archived: Archived = "EXCLUDE"
    keys: tuple[GroupKey, ...] = ()
    figures: tuple[Figure, ...] = ()
    by_currency: bool = False


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups in the order of their keys, empty keys last, at most MOST_GROUPS of them.

    A row has ``k0, k1, …`` for the keys, ``f0, f1, …`` for the figures, ``count``, and ``currency`` where groups are
    parted by it. ``more`` tells that groups are missing.
    """

    rows: list[asyncpg.Record]
    more: bool


def is_groupable(field: Field) -> bool:
    """Whether rows can be grouped by a field as it stands."""
    kind = field.kind
    if not field.spec.filter or field.name in _BOOKKEEPING:
        return False
    if isinstance(kind, TextKind):
        return not kind.multiline
    return isinstance(kind, ChoiceKind | FlagKind | IntegerKind | ReferenceKind) and not isinstance(
        kind, MoneyKind
    )


def has_parts(field: Field) -> bool:
    """Whether rows can be grouped by the days, months and years of a field."""
    return field.spec.filter and isinstance(field.kind, DayKind | InstantKind)


def is_summable(field: Field) -> bool:
    return (
        field.spec.filter
        and field.name not in _BOOKKEEPING
        and isinstance(field.kind, IntegerKind | DecimalKind)
    )


def is_comparable(field: Field) -> bool:
    """Whether a group has a smallest and a largest value of a field."""
    return is_summable(field) or has_parts(field)


def currency_path(record: RecordType) -> tuple[str, ...]:
    """Where the currency of a record's amounts stands; empty for a record without amounts."""
    paths = {field.spec.currency for field in record.visible_fields} - {()}
    assert len(paths) <= 1, record.name
    return next(iter(paths), ())


async def read_groups(tx: TenantRead, viewer: Viewer, grouping: Grouping) -> Groups:
    """The groups that are asked for; raises MaskedField, BadUserInput and NotFound as a list does."""
    where = await in_full(tx, viewer, grouping.where)
    sql, values = plan_groups(viewer, replace(grouping, where=where))
    rows = await tx.fetch(sql, *values)
    return Groups(rows[:MOST_GROUPS], more=len(rows) > MOST_GROUPS)


def plan_groups(viewer: Viewer, grouping: Grouping) -> tuple[str, tuple[object, ...]]:
    """The statement: inside, the rows that are seen with the values that may be used; outside, their groups."""
    statement = Statement()
    record = catalogue().record(grouping.record)
    alias = statement.alias()
    names = [f"k{n}" for n in range(len(grouping.keys))]
    inside = [
        f"{_key(statement, viewer, record, alias, key)} AS {name}"
        for key, name in zip(grouping.keys, names, strict=True)
    ]
    if _is_parted(record, grouping):
        inside.append(f"{_currency(statement, viewer, record, alias)} AS currency")
        names.append("currency")
    fields = list(dict.fromkeys(figure.field for figure in grouping.figures))
    for n, name in enumerate(fields):
        inside.append(f"{usable_column(statement, viewer, record, alias, record.fields[name])} AS v{n}")
    figures = [
        f"{_figure(record.fields[figure.field], figure, fields)} AS f{n}"
        for n, figure in enumerate(grouping.figures)
    ]
    source = f"SELECT {', '.join(inside)} FROM {quoted(record.table.name)} {alias}"
    source += _where(statement, viewer, record, alias, grouping)
    outputs = ", ".join([*names, "count(*) AS count", *figures])
    grouped = f" GROUP BY {', '.join(names)} ORDER BY {', '.join(names)}" if names else ""
    return f"SELECT {outputs} FROM ({source}) g{grouped} LIMIT {MOST_GROUPS + 1}", tuple(statement.values)


def _is_parted(record: RecordType, grouping: Grouping) -> bool:
    return grouping.by_currency or any(record.fields[f.field].spec.currency for f in grouping.figures)


def _where(statement: Statement, viewer: Viewer, record: RecordType, alias: str, grouping: Grouping) -> str:
    parts = [
        visible(statement, viewer, record, alias),
        condition(statement, viewer, record, alias, grouping.where),
        ARCHIVED[grouping.archived].format(alias=alias),
    ]
    conditions = [part for part in parts if part]
    return " WHERE " + " AND ".join(conditions) if conditions else ""


def _key(statement: Statement, viewer: Viewer, record: RecordType, alias: str, key: GroupKey) -> str:
    field = record.fields[key.field]
    value = usable_column(statement, viewer, record, alias, field)
    if key.part is None:
        return value
    if isinstance(field.kind, InstantKind):
        local = f"({value}) AT TIME ZONE {statement.bind(viewer.time_zone)}::text"
    else:
        local = f"({value})::timestamp"  # a plain date would be truncated in the session's zone
    return f"date_trunc('{key.part}', {local})::date"


def _currency(statement: Statement, viewer: Viewer, record: RecordType, alias: str) -> str:
    """The currency of a row's amounts; NULL where the viewer does not see it."""
    *way, name = currency_path(record)
    if not way:
        return usable_column(statement, viewer, record, alias, record.fields[name])
    relation = record.relations[way[0]]
    target = catalogue().record(relation.target)
    inner = statement.alias()
    link = usable_column(statement, viewer, record, alias, record.fields[relation.column], link=True)
    seen = visible(statement, viewer, target, inner)
    told = usable_column(statement, viewer, target, inner, target.fields[name])
    scope = f" AND {seen}" if seen else ""
    return f"(SELECT {told} FROM {quoted(target.table.name)} {inner} WHERE {inner}.id = {link}{scope})"


def _figure(field: Field, figure: Figure, fields: list[str]) -> str:
    value = f"v{fields.index(figure.field)}"
    within = " FILTER (WHERE currency IS NOT NULL)" if field.spec.currency else ""
    if figure.measure == "avg":  # of large numbers PostgreSQL keeps no more digits than they had
        return f"round(avg({value}::numeric(40, {2 * AVERAGE_DIGITS})){within}, {AVERAGE_DIGITS})"
    measured = f"{figure.measure}({value}){within}"
    return f"({measured})::numeric" if figure.measure == "sum" else measured
