"""Taking personal values out of the audit trail: the one way in which an entry ever changes.

A company's role can neither change nor delete entries, so this goes through the owner of its schema, in a
transaction of its own, and leaves an entry ``audit.forgotten`` that names the entries and what was left in them.
Without such an entry a missing salt is a breach (``verifying``): nobody hides a change behind an erasure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, Databases
from kedang_platform.database.company import checked_schema
from kedang_platform.ids import new_id
from kedang_tenants.changing.trail import DIGEST, entry

FORGOTTEN: Final = "audit.forgotten"
_AT_ONCE: Final = 500

_FIND = """
SELECT sequence, changes FROM audit
WHERE record = $1 AND record_id = ANY($2::uuid[]) AND sequence > $3 ORDER BY sequence LIMIT $4 FOR UPDATE"""
_FORGET = f"""
UPDATE audit SET changes = left_over.changes, salt = NULL, digest = {DIGEST.replace("changes", "audit.changes")}
FROM unnest($1::bigint[], $2::jsonb[]) AS left_over (sequence, changes)
WHERE audit.sequence = left_over.sequence
RETURNING audit.sequence, encode(sha256(convert_to(audit.changes::text, 'UTF8')), 'hex') AS left_over"""


async def forget(
    databases: Databases,
    company: CompanyRef,
    *,
    records: Mapping[str, Collection[UUID]],
    fields: Mapping[str, Collection[str]] | None = None,
    actor_id: UUID | None = None,
    clock: Clock,
) -> int:
    """Remove values from the trail of these ``records`` (kind → ids); returns how many entries lost some.

    ``fields`` (kind → names of fields; ``custom`` for the company's own) says which values go, all of them for a
    kind that it does not name. That there was an entry, when, by whom and about which fields stays, and so do digests
    and seals. Safe to repeat: what is gone is not noted twice. To be called outside of a transaction of the company
    that has written to the trail's entries, which it would wait for.
    """
    forgotten = 0
    async with databases.owner(company.database) as connection:
        for record, ids in records.items():
            names = None if fields is None or record not in fields else frozenset(fields[record])
            after: int | None = 0
            while after is not None:
                async with connection.transaction():
                    await connection.execute(
                        f'SET LOCAL search_path TO "{checked_schema(company.schema)}"; SET LOCAL timezone TO UTC'
                    )
                    found = await connection.fetch(_FIND, record, list(ids), after, _AT_ONCE)
                    forgotten += await _forget_part(connection, found, names, actor_id=actor_id, clock=clock)
                after = found[-1]["sequence"] if len(found) == _AT_ONCE else None
    return forgotten


async def _forget_part(
    connection: asyncpg.Connection[asyncpg.Record],
    found: Sequence[asyncpg.Record],
    names: frozenset[str] | None,
    *,
    actor_id: UUID | None,
    clock: Clock,
) -> int:
    emptied: dict[int, str] = {}
    for row in found:
        before = orjson.loads(row["changes"])
        after = {
            name: _empty(value) if names is None or name in names else value for name, value in before.items()
        }
        if after != before:
            emptied[row["sequence"]] = orjson.dumps(after).decode()
    if not emptied:
        return 0
    rows = await connection.fetch(_FORGET, list(emptied), list(emptied.values()))
    told = {"entries": sorted([row["sequence"], row["left_over"]] for row in rows)}
    erasure = new_id()
    noted = entry((clock.now(), erasure, actor_id, "erasure", FORGOTTEN, "audit", erasure, dict(told)))
    await connection.execute(noted.sql, *noted.values)
    return len(rows)


def _empty(value: object) -> object:
    """Nothing in place of a value; a pair of old and new stays a pair."""
    return [None] * len(value) if isinstance(value, list) else None


def left_over_of(changes: Mapping[str, object]) -> dict[int, str]:
    """Which entries an ``audit.forgotten`` names, each with the SHA-256 (hexadecimal) of what was left in it."""
    told = changes.get("entries")
    return {int(sequence): str(digest) for sequence, digest in told} if isinstance(told, list) else {}


def digest_of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
