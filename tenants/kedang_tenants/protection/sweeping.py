"""Going through a table for a person's values, and replacing those that are found (T7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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

AT_ONCE: Final = 500


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


@dataclass(slots=True)
class Swept:
    """What was replaced: how many rows, and in records which fields of which ids."""

    rows: int = 0
    fields: set[str] = field(default_factory=set)
    ids: list[UUID] = field(default_factory=list)


async def sweep(write: TenantWrite, viewer: Viewer, place: Place, task: Task, *, clock: Clock) -> Swept:
    """Replace the persons' values in a table, except in the records that are persons themselves.

    Addresses and numbers are replaced wherever they stand; names in what belongs to the person's
    customer and in copies; anything else that is known of the person in copies that mention them.
    """
    swept = Swept()
    for row in await _mentioning(write, place, task):
        changed = _scrubbed(place, row, task)
        if changed:
            await _store(write, viewer, place, dict(row), changed, clock)
            swept.rows += 1
            swept.fields |= set(changed)
            if place.record is not None:
                swept.ids.append(row["id"])
    return swept


async def _mentioning(read: TenantRead, place: Place, task: Task) -> list[asyncpg.Record]:
    copies = place.name in COPIES
    named = task.sought.names
    everywhere = [*task.sought.reaches, *((*named, *task.public_ids) if copies else ())]
    text = " || ' ' || ".join(f"coalesce(t.{_quoted(name)}::text, '')" for name in place.columns)
    wheres: list[str] = []
    values: list[object] = []

    def bind(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    for pattern, condition in (
        (pattern_of(everywhere), None),
        (pattern_of(named), _belongs(place.record, bind, task.customers) if not copies else "FALSE"),
    ):
        if pattern is not None and condition != "FALSE":
            found = f"({text}) ~* {bind(pattern)}"
            wheres.append(f"({found} AND {condition})" if condition else found)
    if not wheres:
        return []
    own = ""
    if place.record is not None and place.record.name in PERSONAL:
        own = f" AND NOT t.id = ANY({bind([person.id for person in task.persons])}::uuid[])"
    # Columns by their names: what is added to a table later is none of ours.
    columns = ", ".join(f"t.{_quoted(column.name)}" for column in place.table.columns)
    return await read.fetch(
        f'SELECT {columns} FROM "{place.name}" t WHERE ({" OR ".join(wheres)}){own} FOR UPDATE', *values
    )


def _belongs(record: RecordType | None, bind: Any, customers: Sequence[UUID]) -> str:
    if record is None or not customers or of_customer(record, "t", "$1") is None:
        return "FALSE"
    found = [of_customer(record, "t", f"{bind(customer)}::uuid") for customer in customers]
    return " OR ".join(f"({each})" for each in found if each) or "FALSE"


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
