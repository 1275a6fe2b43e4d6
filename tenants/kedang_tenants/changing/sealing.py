"""Sealing the audit trail, minute after minute: a seal's chain depends on every entry before it.

An entry's number is taken before its transaction commits, so a lower number may become visible after a higher one.
A stretch is sealed when nobody is left who was writing to the trail at the moment its end was chosen.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, ControlTransaction, Databases, TenantRead, TenantWrite
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing.storing import EVENTS
from kedang_tenants.changing.trail import ITEM

SEAL: Final = "changing.seal"
SEAL_ALL: Final = "changing.seal_all"
PATIENCE: Final = timedelta(seconds=20)
"""How long writers under way are waited for; the next minute's job makes up for it."""

START: Final = b""
"""What the first seal is chained to."""

_LOOKS_EVERY_SECONDS = 0.1

_LAST = "SELECT number, minute, last_sequence, chain FROM audit_seal ORDER BY number DESC LIMIT 1"
# Minutes that have ended, and nothing behind the first entry of one that has not.
_END = """
SELECT coalesce((SELECT min(sequence) - 1 FROM audit WHERE sequence > $1 AND at >= $2),
                (SELECT max(sequence) FROM audit WHERE sequence > $1))"""
# Whoever inserts holds this lock from before it takes a number to the end of its transaction.
_WRITERS = """
SELECT virtualtransaction FROM pg_locks
WHERE relation = 'audit'::regclass AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
# An entry that was visible only late belongs to a later minute's seal: minutes never go back.
_MINUTES = f"""
SELECT minute, min(sequence) AS first_sequence, max(sequence) AS last_sequence, count(*) AS count,
       sha256(string_agg(item, ''::bytea ORDER BY sequence)) AS body
FROM (SELECT sequence, {ITEM} AS item,
             greatest($3, max(date_trunc('minute', at, 'UTC')) OVER (ORDER BY sequence)) AS minute
      FROM audit WHERE sequence > $1 AND sequence <= $2) AS entries
GROUP BY minute ORDER BY minute"""
_INSERT = """
INSERT INTO audit_seal (number, minute, first_sequence, last_sequence, count, body, chain, sealed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (number) DO NOTHING RETURNING number"""
# The job of a transaction's events tells that something was noted; its id tells when.
_ACTIVE = """
SELECT id, schema_name, database FROM platform.company
WHERE status = 'active' AND id IN (SELECT company FROM work.job WHERE id >= $1 AND kind = $2)"""
_LOOKS_BACK: Final = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class SealedMinute:
    """What a seal says; ``body`` is the SHA-256 of the items of its entries in order."""

    number: int
    minute: datetime
    first_sequence: int
    last_sequence: int
    count: int
    body: bytes


def chained(before: bytes, seal: SealedMinute) -> bytes:
    """The chain at a seal: the SHA-256 of the chain before it and of everything that it says."""
    words = (seal.number, round(seal.minute.timestamp()), seal.first_sequence, seal.last_sequence, seal.count)
    told = ",".join(str(word) for word in words).encode()
    return hashlib.sha256(before + told + seal.body).digest()


async def seal(databases: Databases, company: CompanyRef, *, clock: Clock) -> int:
    """Seal all minutes that have ended; returns how many seals were made, 0 where another process was faster.

    Safe to repeat and to race: a seal's number is taken once. Makes none while somebody who was writing at the
    beginning goes on doing so for longer than ``PATIENCE``.
    """
    now = clock.now()
    async with databases.tenant_read(company) as read:
        last = await read.fetchrow(_LAST)
        after = last["last_sequence"] if last else 0
        until = await read.fetchval(_END, after, now.replace(second=0, microsecond=0))
        if until is None or until <= after:
            return 0
        writers = await _writers(read)
    if not await _gone(databases, company, writers):
        return 0
    async with databases.tenant_write(company) as write:
        return await _seal_until(write, last, until, now)


async def _writers(read: TenantRead) -> set[str]:
    return {row[0] for row in await read.fetch(_WRITERS)}


async def _gone(databases: Databases, company: CompanyRef, writers: set[str]) -> bool:
    """Whether these writers have ended, waiting for them a while."""
    waited = 0.0
    while writers and waited < PATIENCE.total_seconds():
        await asyncio.sleep(_LOOKS_EVERY_SECONDS)
        waited += _LOOKS_EVERY_SECONDS
        async with databases.tenant_read(company) as read:
            writers &= await _writers(read)
    return not writers


async def _seal_until(write: TenantWrite, last: asyncpg.Record | None, until: int, now: datetime) -> int:
    number, chain = (last["number"], last["chain"]) if last else (0, START)
    minutes: Sequence[asyncpg.Record] = await write.fetch(
        _MINUTES, last["last_sequence"] if last else 0, until, last["minute"] if last else None
    )
    for row in minutes:
        number += 1
        made = SealedMinute(number, *row.values())
        chain = chained(chain, made)
        values = (made.minute, made.first_sequence, made.last_sequence, made.count, made.body, chain, now)
        if await write.fetchval(_INSERT, number, *values) is None:
            return 0  # another process has sealed the same entries; what it wrote stands
    return len(minutes)


async def ask_for_seals(control: ControlTransaction, *, occurrence: str) -> int:
    """Ask for seals in the companies that noted something in the last minutes; returns in how many.

    What is missed, because nothing asked for so long, each company's nightly job makes up for.
    """
    now: datetime = await control.fetchval("SELECT clock_timestamp()")
    earliest = UUID(int=round((now - _LOOKS_BACK).timestamp() * 1000) << 80)
    rows = await control.fetch(_ACTIVE, earliest, EVENTS)
    refs = [CompanyRef(row["id"], row["schema_name"], row["database"]) for row in rows]
    await enqueue(control, *(NewJob(SEAL, key=f"{SEAL}:{occurrence}", company=ref) for ref in refs))
    return len(refs)
