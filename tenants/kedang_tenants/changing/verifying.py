"""Whether the audit trail is what was sealed: every entry, every seal, and the chain through all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

import asyncpg
import orjson

from kedang_platform.database import TenantRead
from kedang_tenants.changing.erasing import FORGOTTEN, left_over_of
from kedang_tenants.changing.sealing import START, SealedMinute, chained
from kedang_tenants.changing.trail import CONTENT, ITEM

Kind = Literal[
    "ENTRY_CHANGED", "ENTRIES_MISSING", "ENTRIES_ADDED", "ENTRY_REWRITTEN", "SEAL_MISSING", "SEAL_CHANGED"
]
_AT_ONCE: Final = 500

_SEALS = """
SELECT number, minute, first_sequence, last_sequence, count, body, chain FROM audit_seal
WHERE number > $1 ORDER BY number LIMIT $2"""
_BODIES = f"""
SELECT s.number, count(a.sequence) AS count, sha256(string_agg({ITEM}, ''::bytea ORDER BY a.sequence)) AS body,
       count(*) FILTER (WHERE a.sequence IS NOT NULL AND a.salt IS NULL AND a.digest IS NOT NULL) AS erased,
       min(a.sequence) FILTER (WHERE a.salt IS NOT NULL AND a.digest IS DISTINCT FROM {CONTENT}) AS changed
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS s (number, after, until)
LEFT JOIN audit a ON a.sequence > s.after AND a.sequence <= s.until
GROUP BY s.number ORDER BY s.number"""
_ERASED = """
SELECT sequence, encode(sha256(convert_to(changes::text, 'UTF8')), 'hex') AS left_over FROM audit
WHERE sequence > $1 AND sequence <= $2 AND salt IS NULL AND digest IS NOT NULL ORDER BY sequence"""
_ERASURES = "SELECT changes FROM audit WHERE record = 'audit' AND action = $1 ORDER BY sequence"
_OPEN = f"""
SELECT count(*) AS count, min(sequence) FILTER (WHERE salt IS NOT NULL AND digest IS DISTINCT FROM {CONTENT}) AS changed
FROM audit WHERE sequence > $1"""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place that does not hold. ``minute`` is that of its seal, None behind the last one.

    The entry is among those from ``first_sequence`` to ``last_sequence``; where it is known the two are one.
    """

    kind: Kind
    minute: datetime | None
    first_sequence: int
    last_sequence: int


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found: ``sealed`` and ``unsealed`` count entries, ``erased`` those whose values were taken out.

    ``until`` is the last sealed minute, ``chain`` what stands for everything up to it: whoever writes it down
    elsewhere can tell later whether the end of the trail was cut off.
    """

    seals: int = 0
    sealed: int = 0
    unsealed: int = 0
    erased: int = 0
    until: datetime | None = None
    chain: bytes = START
    broken: Broken | None = None

    @property
    def intact(self) -> bool:
        return self.broken is None


async def verify(read: TenantRead) -> Verified:
    """Compare every entry with its digest, every seal with its entries and with the seal before.

    Ends at the first place that does not hold. Takes memory for one stretch of seals and for the erasures.
    """
    left_over = await _left_over(read)
    found, last = Verified(), 0
    while rows := await read.fetch(_SEALS, found.seals, _AT_ONCE):
        after = [last, *(row["last_sequence"] for row in rows[:-1])]
        numbers, ends = [row["number"] for row in rows], [row["last_sequence"] for row in rows]
        bodies = await read.fetch(_BODIES, numbers, after, ends)
        for row, begins, body in zip(rows, after, bodies, strict=True):
            broken = _broken_seal(found, row, begins, body) or await _broken_erasure(
                read, row, begins, body, left_over
            )
            if broken is not None:
                return replace(found, broken=broken)
            found = _with(found, row, body)
            last = row["last_sequence"]
    return await _with_the_rest(read, found, last)


async def _left_over(read: TenantRead) -> Mapping[int, str]:
    """What every erasure left in the entries that it named; the last one counts."""
    left_over: dict[int, str] = {}
    for row in await read.fetch(_ERASURES, FORGOTTEN):
        left_over |= left_over_of(orjson.loads(row["changes"]))
    return left_over


def _broken_seal(found: Verified, row: asyncpg.Record, begins: int, body: asyncpg.Record) -> Broken | None:
    def broken(kind: Kind, sequence: int | None = None) -> Broken:
        return Broken(
            kind, row["minute"], sequence or row["first_sequence"], sequence or row["last_sequence"]
        )

    said = SealedMinute(*(row[name] for name in SealedMinute.__slots__))
    if said.number != found.seals + 1:
        return Broken("SEAL_MISSING", row["minute"], begins + 1, row["first_sequence"])
    if chained(found.chain, said) != row["chain"]:
        return broken("SEAL_CHANGED")
    if body["changed"] is not None:
        return broken("ENTRY_CHANGED", body["changed"])
    if body["count"] != said.count:
        return broken("ENTRIES_MISSING" if body["count"] < said.count else "ENTRIES_ADDED")
    return broken("ENTRY_REWRITTEN") if body["body"] != said.body else None


async def _broken_erasure(
    read: TenantRead, row: asyncpg.Record, begins: int, body: asyncpg.Record, left_over: Mapping[int, str]
) -> Broken | None:
    """An entry without a salt that no erasure names, or that says something else than what it left."""
    if not body["erased"]:
        return None
    for entry in await read.fetch(_ERASED, begins, row["last_sequence"]):
        if left_over.get(entry["sequence"]) != entry["left_over"]:
            return Broken("ENTRY_CHANGED", row["minute"], entry["sequence"], entry["sequence"])
    return None


def _with(found: Verified, row: asyncpg.Record, body: asyncpg.Record) -> Verified:
    return replace(
        found,
        seals=row["number"],
        sealed=found.sealed + row["count"],
        erased=found.erased + body["erased"],
        until=row["minute"],
        chain=row["chain"],
    )


async def _with_the_rest(read: TenantRead, found: Verified, last: int) -> Verified:
    """The entries that wait for their seal: each has at least its own digest."""
    rest = await read.fetchrow(_OPEN, last)
    assert rest is not None, "an aggregate has one row"
    changed = rest["changed"]
    broken = Broken("ENTRY_CHANGED", None, changed, changed) if changed is not None else None
    return replace(found, unsealed=rest["count"], broken=broken)
