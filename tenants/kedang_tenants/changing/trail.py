"""Writing and reading the audit trail as it is sealed: entries with their salted digests, and what is hashed of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing.statements import OneRow
from kedang_tenants.reading import Viewer

SALT_BYTES: Final = 16
Row: TypeAlias = tuple[datetime, UUID, UUID | None, str, str, str, UUID, dict[str, object]]
"""at, transaction, actor, via, action, record, record's id, changes."""

_COLUMNS = "at, transaction, actor_id, via, action, record, record_id, changes, salt, digest"
# PostgreSQL hashes the document as it keeps it, since nobody else writes numbers and keys the way it does.
_ENTRY = (
    f"INSERT INTO audit ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
    " sha256($9 || convert_to($8::jsonb::text, 'UTF8')))"
)
_ENTRIES = f"""
INSERT INTO audit ({_COLUMNS})
SELECT at, transaction, actor_id, via, action, record, record_id, changes, salt,
       sha256(salt || convert_to(changes::text, 'UTF8'))
FROM unnest($1::timestamptz[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::jsonb[],
            $9::bytea[])
     AS noted (at, transaction, actor_id, via, action, record, record_id, changes, salt)""".strip()

CONTENT: Final = "sha256(coalesce(salt, ''::bytea) || convert_to(changes::text, 'UTF8'))"
"""What the digest of an entry was when it was written: over its salt and its values as they are now."""

DIGEST: Final = f"coalesce(digest, {CONTENT})"

# Everything but the values, in words that depend on no setting of the session.
_HEAD = (
    "jsonb_build_array(sequence, (extract(epoch FROM at) * 1000000)::bigint, transaction, actor_id, via, action,"
    " record, record_id)"
)
ITEM: Final = f"sha256(convert_to({_HEAD}::text, 'UTF8') || {DIGEST})"
"""What a seal holds of an entry; the same before and after its values are erased."""


def entry(row: Row) -> OneRow:
    """Inserts one entry."""
    *head, changes = row
    return OneRow(_ENTRY, [*head, orjson.dumps(changes).decode(), os.urandom(SALT_BYTES)])


def entries_of(rows: Sequence[Row]) -> OneRow:
    """Inserts several entries, numbered in their order."""
    *heads, changes = (list(column) for column in zip(*rows, strict=True))
    random = os.urandom(SALT_BYTES * len(rows))
    salts = [random[at : at + SALT_BYTES] for at in range(0, len(random), SALT_BYTES)]
    return OneRow(_ENTRIES, [*heads, [orjson.dumps(each).decode() for each in changes], salts])


async def note_action(
    write: TenantWrite,
    viewer: Viewer,
    record: str,
    event: str,
    record_id: UUID,
    told: dict[str, object],
    *,
    clock: Clock,
) -> None:
    """Note something that changes no record and that no feature waits for: an export, a view, a decision."""
    noted = entry(
        (
            clock.now(),
            write.transaction_id,
            viewer.member_id,
            viewer.via,
            f"{record}.{event}",
            record,
            record_id,
            told,
        )
    )
    await write.fetch(noted.sql, *noted.values)
