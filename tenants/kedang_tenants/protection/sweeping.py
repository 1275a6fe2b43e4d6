"""Going through a table for a person's values, and replacing those that are found (T7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_tenants.catalogue import EmailKind, PhoneKind, RecordType
from kedang_tenants.changing import Change, Draft
from kedang_tenants.changing.deriving import derive
from kedang_tenants.protection.places import COPIES, NAMED_BY, PERSONAL, Place, of_customer
from kedang_tenants.protection.scrubbing import MARK, Scrubber, Sought, pattern_of
from kedang_tenants.protection.subjects import Person
from kedang_tenants.reading import Viewer

ROWS_AT_ONCE: Final = 20_000
"""Rows of a table that one step goes through, so that no statement takes long."""
_UNTIL: Final = 'SELECT id FROM "{}" WHERE id > $1 ORDER BY id OFFSET $2 LIMIT 1'


@dataclass(frozen=True, slots=True)
class Task:
    """What is looked for, and for whom."""

    persons: Sequence[Person]
    sought: Sought

    @property
    def customers(self) -> list[UUID]:
        return sorted({person.customer_id for person in self.persons if person.customer_id})

    @property
    def public_ids(self) -> list[str]:
        return [person.public_id for person in self.persons]


@dataclass(frozen=True, slots=True)
class Swept:
    """In how many rows something was replaced, and the id behind which the table goes on; None at its end."""

    rows: int
    last: UUID | None


async def sweep(
    write: TenantWrite, viewer: Viewer, place: Place, task: Task, *, after: UUID | None, clock: Clock
) -> Swept:
    """Replace the persons' values in the next ``ROWS_AT_ONCE`` rows of a table behind the id ``after``.

    Addresses and numbers are replaced wherever they stand; names in what belongs to the person's
    customer and in copies; anything else that is known of the person in copies that mention them. What
    the records that are persons themselves hold is left alone.
    """
    begin = after or UUID(int=0)
    until: UUID | None = None
    if place.key == ("id",):
        until = await write.fetchval(_UNTIL.format(place.name), begin, ROWS_AT_ONCE - 1)
    rows = 0
    for row in await _mentioning(write, place, task, begin, until):
        changed = _scrubbed(place, row, task)
        if changed:
            await _store(write, viewer, place, dict(row), changed, clock)
            rows += 1
    return Swept(rows, until)


async def _mentioning(
    read: TenantRead, place: Place, task: Task, after: UUID, until: UUID | None
) -> list[asyncpg.Record]:
    copies = place.name in COPIES
    named = task.sought.names
    everywhere = [*task.sought.reaches, *((*named, *task.public_ids) if copies else ())]
    text = " || ' ' || ".join(f"coalesce(t.{_quoted(name)}::text, '')" for name in place.columns)
    wheres: list[str] = []
    values: list[object] = []

    def bind(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    anywhere, by_name = pattern_of(everywhere), pattern_of(named)
    if anywhere is not None:
        wheres.append(f"({text}) ~* {bind(anywhere)}")
    if by_name is not None and not copies:
        belonging = _belongs(place.record, bind, task.customers)
        wheres += [f"(({belonging}) AND ({text}) ~* {bind(by_name)})"] if belonging else []
    if not wheres:
        return []
    part = ""
    if place.key == ("id",):
        part = f" AND t.id > {bind(after)}" + (f" AND t.id <= {bind(until)}" if until else "")
    own = ""
    if place.record is not None and place.record.name in PERSONAL:
        own = f" AND NOT t.id = ANY({bind([person.id for person in task.persons])}::uuid[])"
    # Columns by their names: what is added to a table later is none of ours.
    columns = ", ".join(f"t.{_quoted(column.name)}" for column in place.table.columns)
    return await read.fetch(
        f'SELECT {columns} FROM "{place.name}" t WHERE ({" OR ".join(wheres)}){own}{part} FOR UPDATE', *values
    )


def _belongs(record: RecordType | None, bind: Any, customers: Sequence[UUID]) -> str:
    """SQL: whether the row is one of the customers'; empty where it never is."""
    if record is None or of_customer(record, "t", "$1") is None:
        return ""
    found = [of_customer(record, "t", f"{bind(customer)}::uuid") for customer in customers]
    return " OR ".join(f"({each})" for each in found if each)


def _scrubbed(place: Place, row: asyncpg.Record, task: Task) -> dict[str, object]:
    copies = place.name in COPIES
    known = task.sought
    values = [*known.reaches, *known.names, *(known.more if copies else ())]
    if not copies and not _is_of(place.record, row, task):
        values = list(known.reaches)
    scrubber = Scrubber(values)
    changed: dict[str, object] = {}
    # What somebody else is called is theirs, however alike it is.
    theirs = NAMED_BY.get(place.record.name, frozenset()) if place.record is not None else frozenset()
    for name in place.columns:
        before = row[name]
        if before is None or name in theirs:
            continue
        value = orjson.loads(before) if name in place.documents else before
        after = scrubber.value(value)
        if after != value:
            changed[name] = _kept(place.record, name, after)
    return changed


def _is_of(record: RecordType | None, row: asyncpg.Record, task: Task) -> bool:
    """Whether names may be replaced in the row: it was found by a name only where it belongs to the customer."""
    if record is None:
        return False
    if "customer_id" in row:
        return row["customer_id"] in task.customers
    if record.name == "customer":
        return row["id"] in task.customers
    return bool(task.customers) and of_customer(record, "t", "$1") is not None


def _kept(record: RecordType | None, name: str, value: object) -> object:
    """What a field keeps: nothing where a mark would be no address or number."""
    found = record.fields.get(name) if record is not None else None
    if found is not None and isinstance(found.kind, EmailKind | PhoneKind) and found.nullable:
        return None
    return value


async def _store(
    write: TenantWrite,
    viewer: Viewer,
    place: Place,
    row: Mapping[str, Any],
    changed: Mapping[str, object],
    clock: Clock,
) -> None:
    values = dict(changed)
    if place.record is not None:
        draft = Draft(place.record, Change(place.record.name, "update"), row["id"], dict(row), values)
        derive(viewer, draft)
        values["updated_at"] = clock.now()
    await write_row(write, place.name, {name: row[name] for name in place.key}, values, place.documents)


async def write_row(
    write: TenantWrite,
    table: str,
    key: Mapping[str, object],
    values: Mapping[str, object],
    documents: Sequence[str] = (),
) -> None:
    """Set columns of one row, without a trace of what stood there before."""
    arguments: list[object] = []

    def bind(name: str, value: object) -> str:
        is_document = name in documents and value is not None
        arguments.append(orjson.dumps(value).decode() if is_document else value)
        return f"${len(arguments)}{'::text::jsonb' if is_document else ''}"

    sets = ", ".join(f"{_quoted(name)} = {bind(name, value)}" for name, value in values.items())
    wheres = " AND ".join(f"{_quoted(name)} = {bind('', value)}" for name, value in key.items())
    await write.fetch(f'UPDATE "{table}" SET {sets} WHERE {wheres}', *arguments)


def _quoted(name: str) -> str:
    return f'"{name}"'


__all__ = ["MARK", "Swept", "Task", "sweep", "write_row"]
