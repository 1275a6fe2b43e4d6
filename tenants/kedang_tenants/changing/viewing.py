"""Who viewed what in restricted archives and of sensitive fields, and which keys read: entries of the audit trail (T7).

At most one for a member and a record in ``QUIET``, however many processes saw it: reading must stay cheap.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.changing.trail import Row, entries_of
from kedang_tenants.reading.statement import quoted

QUIET: Final = timedelta(minutes=15)
VIEWED: Final = "viewed"
API_READ: Final = "api_read"

# Several processes write down what they saw; one after the other they see what is there already.
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('audit views ' || current_schema(), 0))"
_TOLD = """
SELECT record_id FROM audit
WHERE record = $1 AND record_id = ANY($2::uuid[]) AND action = $3 AND actor_id = $4 AND at > $5"""


@dataclass(frozen=True, slots=True)
class Viewed:
    """What one member saw of one kind of record: rows, each with the sensitive fields that were among it.

    Rows without any count only where their archive is restricted.
    """

    member_id: UUID
    via: str
    record: str
    rows: Mapping[UUID, Collection[str]]


@dataclass(frozen=True, slots=True)
class ReadByKey:
    """Which kinds of records an API key of a member read."""

    member_id: UUID
    records: Collection[str]


async def note_views(
    write: TenantWrite, views: Sequence[Viewed], reads: Sequence[ReadByKey], *, clock: Clock
) -> int:
    """Note what was seen and is not noted for the last quarter of an hour; returns how many entries were made."""
    await write.fetch(_ALONE)
    noted: list[Row] = []
    for viewed in views:
        noted += await _views(write, viewed, clock=clock)
    for read in reads:
        noted += await _reads(write, read, clock=clock)
    if noted:
        entries = entries_of(noted)
        await write.fetch(entries.sql, *entries.values)
    return len(noted)


async def _views(write: TenantWrite, viewed: Viewed, *, clock: Clock) -> list[Row]:
    record = catalogue().record(viewed.record)
    restricted = await _restricted(write, record, viewed.rows)
    telling = {row: names for row, names in viewed.rows.items() if names or row in restricted}
    action = f"{viewed.record}.{VIEWED}"
    since = clock.now() - QUIET
    told = await write.fetch(_TOLD, viewed.record, list(telling), action, viewed.member_id, since)
    known = {row["record_id"] for row in told}
    return [
        (
            clock.now(), write.transaction_id, viewed.member_id, viewed.via, action, viewed.record, row_id,
            {"fields": [None, sorted(names)]} | ({"restricted": [None, True]} if row_id in restricted else {}),
        )
        for row_id, names in sorted(telling.items())
        if row_id not in known
    ]  # fmt: skip


async def _restricted(write: TenantWrite, record: RecordType, ids: Collection[UUID]) -> set[UUID]:
    if not record.restricts:
        return set()
    table, column = quoted(record.table.name), quoted(record.restricts)
    rows = await write.fetch(f"SELECT id FROM {table} WHERE id = ANY($1::uuid[]) AND {column}", list(ids))
    return {row["id"] for row in rows}


async def _reads(write: TenantWrite, read: ReadByKey, *, clock: Clock) -> list[Row]:
    """One entry a member, about the member; kinds that were not named in it before make another."""
    since, action = clock.now() - QUIET, f"{API_READ}.made"
    known = await write.fetch(
        "SELECT k.name FROM audit a, jsonb_array_elements_text(a.changes -> 'records' -> 1) AS k (name)"
        " WHERE a.record = $1 AND a.record_id = $2 AND a.action = $3 AND a.at > $4",
        API_READ,
        read.member_id,
        action,
        since,
    )
    new = sorted(set(read.records) - {row["name"] for row in known})
    if not new:
        return []
    told: dict[str, object] = {"records": [None, new]}
    return [
        (clock.now(), write.transaction_id, read.member_id, "api_key", action, API_READ, read.member_id, told)
    ]
