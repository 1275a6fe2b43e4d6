"""The rows that each source brings to a page of a timeline, as parts of one statement.

Every part has the columns ``source, kind, at, day, id, member, old, new``; the last two are a former and
a new owner, where one changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from kedang_tenants.catalogue import DayKind, catalogue
from kedang_tenants.portrait.moments import Calendar, Position
from kedang_tenants.portrait.sources import Source
from kedang_tenants.reading import All, Compare, Filter, MaskedField, Scope, Viewer
from kedang_tenants.reading.filters import condition
from kedang_tenants.reading.masks import Mask, column, mask_of, usable_column, visible, visible_scope
from kedang_tenants.reading.statement import Statement, quoted

OWNER_CHANGED: Final = "OWNER_CHANGED"
OWNER_CHANGES: Final = "audit.at.OWNER_CHANGED"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of every source: at most ``limit`` rows behind a position."""

    viewer: Viewer
    calendar: Calendar
    customer_id: UUID
    limit: int
    after: Position | None
    kinds: frozenset[str] | None
    member_id: UUID | None
    first_day: date | None
    until: date | None


def branch(statement: Statement, wanted: Wanted, source: Source) -> str | None:
    """The latest rows of a source; None where none are wanted, or the viewer may not read what it takes."""
    kinds = [kind for kind in source.kinds if wanted.kinds is None or kind in wanted.kinds]
    by_nobody = wanted.member_id is not None and source.member is None
    record = catalogue().record(source.record)
    if not kinds or by_nobody or visible_scope(wanted.viewer, record) is Scope.NONE:
        return None
    try:
        _branch(Statement(), wanted, source, kinds)
    except MaskedField:
        return None
    return _branch(statement, wanted, source, kinds)


def _branch(statement: Statement, wanted: Wanted, source: Source, kinds: list[str]) -> str:
    viewer, record = wanted.viewer, catalogue().record(source.record)
    alias = statement.alias()
    days = isinstance(record.fields[source.at].kind, DayKind)
    when = usable_column(statement, viewer, record, alias, record.fields[source.at])
    kind, member = f"'{source.kinds[0]}'::text", "NULL::uuid"
    if source.kind_field is not None:
        kind = usable_column(statement, viewer, record, alias, record.fields[source.kind_field])
    if source.member is not None:
        member = column(statement, viewer, record, alias, record.fields[source.member])
    at, day = ("NULL::timestamptz", when) if days else (when, "NULL::date")
    conditions = [
        condition(statement, viewer, record, alias, _asked_for(wanted, source, kinds)),
        visible(statement, viewer, record, alias),
        f"{alias}.archived_at IS NULL",
        f"{when} IS NOT NULL",
        *_bounds(statement, wanted, source.name, when, f"{alias}.id", days=days),
    ]
    if source.record == "customer":  # the archive itself, also after it was put away
        conditions.remove(f"{alias}.archived_at IS NULL")
    return (
        f"(SELECT '{source.name}'::text AS source, {kind} AS kind, {at} AS at, {day} AS day, {alias}.id AS id,"
        f" {member} AS member, NULL::text AS old, NULL::text AS new FROM {quoted(record.table.name)} {alias}"
        f" WHERE {' AND '.join(filter(None, conditions))}"
        f" ORDER BY {when} DESC, {alias}.id DESC LIMIT {wanted.limit})"
    )


def _asked_for(wanted: Wanted, source: Source, kinds: list[str]) -> Filter:
    parts = [source.of(wanted.customer_id), source.only]
    if source.kind_field is not None and len(kinds) < len(source.kinds):
        parts.append(Compare(source.kind_field, "in", kinds))
    if wanted.member_id is not None and source.member is not None:
        parts.append(Compare(source.member, "eq", wanted.member_id))
    return All(tuple(parts))


def owner_branch(statement: Statement, wanted: Wanted) -> str | None:
    """When the customer was handed to another owner, from the audit trail; for whoever may read its owner."""
    customer = catalogue().record("customer")
    if wanted.kinds is not None and OWNER_CHANGED not in wanted.kinds:
        return None
    if mask_of(wanted.viewer, customer, customer.fields["owner_id"]) is not Mask.OPEN:
        return None
    row_id = "lpad(to_hex(a.sequence), 32, '0')::uuid"
    conditions = [
        "a.record = 'customer'",
        f"a.record_id = {statement.bind(wanted.customer_id)}::uuid",
        # A customer that comes into being with its owner changes none.
        "a.action <> 'customer.created'",
        "a.changes ? 'owner_id'",
        *_bounds(statement, wanted, OWNER_CHANGES, "a.at", row_id, days=False),
    ]
    if wanted.member_id is not None:
        conditions.append(f"a.actor_id = {statement.bind(wanted.member_id)}::uuid")
    return (
        f"(SELECT '{OWNER_CHANGES}'::text AS source, '{OWNER_CHANGED}'::text AS kind, a.at AS at, NULL::date AS day,"
        f" {row_id} AS id, a.actor_id AS member, a.changes->'owner_id'->>0 AS old, a.changes->'owner_id'->>1 AS new"
        f" FROM audit a WHERE {' AND '.join(conditions)} ORDER BY a.at DESC, {row_id} DESC LIMIT {wanted.limit})"
    )


def _bounds(
    statement: Statement, wanted: Wanted, source: str, when: str, row_id: str, *, days: bool
) -> list[str]:
    """The page behind the cursor, and the period."""
    cast = "date" if days else "timestamptz"
    found = []
    if wanted.after is not None:
        moment, last = wanted.calendar.behind(wanted.after, source, days=days)
        pair = f"{statement.bind(moment)}::{cast}, {statement.bind(last)}::uuid"
        found.append(f"({when}, {row_id}) < ({pair})")
    if wanted.first_day is not None:
        first: date | datetime = wanted.first_day if days else wanted.calendar.begin(wanted.first_day)
        found.append(f"{when} >= {statement.bind(first)}::{cast}")
    if wanted.until is not None:
        end: date | datetime = wanted.until if days else wanted.calendar.begin(wanted.until)
        found.append(f"{when} < {statement.bind(end)}::{cast}")
    return found
