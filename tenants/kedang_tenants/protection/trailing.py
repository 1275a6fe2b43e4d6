"""A person's values in the audit trail: which entries hold some, so that these can be forgotten (T7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import TenantRead
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.protection.places import COPIES, of_customer
from kedang_tenants.protection.scrubbing import Scrubber, pattern_of
from kedang_tenants.protection.sweeping import Task

ENTRIES_AT_ONCE: Final = 50_000
_FIND: Final = """
SELECT record, record_id, changes FROM audit WHERE sequence > $1 AND sequence <= $2 AND changes::text ~* $3
"""


@dataclass(slots=True)
class Found:
    """By kind of record: the ids, and the fields in whose values the person stands."""

    ids: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    fields: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


async def last_entry(read: TenantRead) -> int:
    """The number of the latest entry."""
    return int(await read.fetchval("SELECT coalesce(max(sequence), 0) FROM audit"))


async def entries_with(read: TenantRead, task: Task, *, after: int) -> Found:
    """What the next ``ENTRIES_AT_ONCE`` entries behind ``after`` hold of the persons."""
    known = task.sought
    pattern = pattern_of([*known.reaches, *known.names, *known.more])
    found = Found()
    if pattern is None:
        return found
    rows = await read.fetch(_FIND, after, after + ENTRIES_AT_ONCE, pattern)
    belonging = await _belonging(read, rows, task)
    reaches = Scrubber(known.reaches)
    names = Scrubber([*known.reaches, *known.names])
    everything = Scrubber([*known.reaches, *known.names, *known.more])
    own = {person.id for person in task.persons}
    for row in rows:
        if row["record_id"] in own:
            scrubber = everything
        elif row["record"] in COPIES or row["record"] == "file" or row["record_id"] in belonging:
            scrubber = names
        else:
            scrubber = reaches
        fields = _fields(row, scrubber)
        if fields:
            found.ids[row["record"]].add(row["record_id"])
            found.fields[row["record"]] |= fields
    return found


def _fields(row: asyncpg.Record, scrubber: Scrubber) -> set[str]:
    changes: Mapping[str, object] = orjson.loads(row["changes"])
    return {name for name, value in changes.items() if scrubber.value(value) != value}


async def _belonging(read: TenantRead, rows: Sequence[asyncpg.Record], task: Task) -> set[UUID]:
    """Of the records in these entries those that belong to the persons' customers."""
    ids: dict[str, set[UUID]] = defaultdict(set)
    for row in rows:
        ids[row["record"]].add(row["record_id"])
    belonging: set[UUID] = set()
    for name, wanted in ids.items():
        if name in catalogue():
            belonging |= await _of(read, catalogue().record(name), wanted, task.customers)
    return belonging


async def _of(
    read: TenantRead, record: RecordType, wanted: set[UUID], customers: Sequence[UUID]
) -> set[UUID]:
    found: set[UUID] = set()
    for customer in customers:
        condition = of_customer(record, "t", "$2::uuid")
        if condition is not None:
            sql = f'SELECT t.id FROM "{record.table.name}" t WHERE t.id = ANY($1::uuid[]) AND {condition}'
            found |= {row["id"] for row in await read.fetch(sql, list(wanted), customer)}
    return found
