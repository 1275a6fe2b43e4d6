"""Writing tallies down: figures of several processes for the same hour add up."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from kedang_platform.database import TenantWrite
from kedang_tenants.measuring.literals import statement_text
from kedang_tenants.measuring.tallies import MOST_STATEMENTS, OTHERS, SESSIONS, SUMS, Ran, Signature, Tally

MOST_OPERATIONS: Final = 1_000
"""Operations of a company that are told apart; what comes beyond them is added up as OTHERS."""

_KNOWN = "SELECT id FROM measured_operation WHERE id = ANY($1::uuid[])"
_COUNT = "SELECT count(*) FROM measured_operation"
_OPERATIONS = """
INSERT INTO measured_operation (id, kind, name, document, first_at, last_at)
SELECT id, kind, name, document, $2, $2
FROM jsonb_to_recordset($1::jsonb) AS x (id uuid, kind text, name text, document text) ORDER BY id
ON CONFLICT (id) DO UPDATE SET last_at = greatest(measured_operation.last_at, EXCLUDED.last_at)
"""
_ADDED = """(
  SELECT coalesce(jsonb_object_agg(key, amount), '{{}}') FROM (
    SELECT key, sum(value::bigint) AS amount FROM (
      SELECT * FROM jsonb_each_text(measured_hour.{0}) UNION ALL SELECT * FROM jsonb_each_text(EXCLUDED.{0})
    ) both_of GROUP BY key
  ) added)"""
_HOURS = f"""
INSERT INTO measured_hour (hour, operation_id, credential_id, {", ".join(SUMS)}, errors, latency)
SELECT $2, operation_id, credential_id, {", ".join(SUMS)}, errors, latency
FROM jsonb_to_recordset($1::jsonb) AS x (
  operation_id uuid, credential_id uuid, {", ".join(f"{name} bigint" for name in SUMS)}, errors jsonb, latency jsonb
) ORDER BY operation_id, credential_id
ON CONFLICT (hour, operation_id, credential_id) DO UPDATE SET
  {", ".join(f"{name} = measured_hour.{name} + EXCLUDED.{name}" for name in SUMS)},
  errors = {_ADDED.format("errors")}, latency = {_ADDED.format("latency")}
"""
# A text that the day does not know yet is taken only while there are few: a client may bring a new one each time.
_STATEMENTS = f"""
INSERT INTO measured_statement (operation_id, day, statement_id, text, count, micros, slowest_micros, rows)
SELECT operation_id, $2, statement_id, text, count, micros, slowest_micros, rows
FROM jsonb_to_recordset($1::jsonb) AS x (
  operation_id uuid, statement_id uuid, text text, count bigint, micros bigint, slowest_micros bigint, rows bigint
)
WHERE (
  SELECT count(*) < {MOST_STATEMENTS} OR bool_or(known.statement_id = x.statement_id)
  FROM measured_statement known WHERE known.operation_id = x.operation_id AND known.day = $2
) ORDER BY operation_id, statement_id
ON CONFLICT (operation_id, day, statement_id) DO UPDATE SET
  count = measured_statement.count + EXCLUDED.count,
  micros = measured_statement.micros + EXCLUDED.micros,
  slowest_micros = greatest(measured_statement.slowest_micros, EXCLUDED.slowest_micros),
  rows = measured_statement.rows + EXCLUDED.rows
"""


async def store_tallies(write: TenantWrite, tallies: Iterable[Tally], *, now: datetime) -> None:
    """Add the tallies to the hour of ``now``; operations that are one too many are added up as OTHERS.

    Rows are written in the order of their keys, so that two processes wait for each other at most.
    """
    placed = await _placed(write, list(tallies))
    signatures = {tally.signature.id: tally.signature for tally in placed}
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    await write.fetch(_OPERATIONS, _json([_operation(found) for found in signatures.values()]), now)
    await write.fetch(_HOURS, _json([_hour(tally) for tally in placed]), hour)
    # Emptying texts takes 8 ms for 100 KB of them: beside what the gateway is doing, not in its way.
    if statements := await asyncio.to_thread(lambda: list(_statements(placed))):
        await write.fetch(_STATEMENTS, _json(statements), hour.date())


async def _placed(write: TenantWrite, tallies: Sequence[Tally]) -> list[Tally]:
    """The tallies, those of operations that have no room any more merged into OTHERS."""
    ids = {tally.signature.id for tally in tallies}
    known = {row["id"] for row in await write.fetch(_KNOWN, list(ids))}
    room = MOST_OPERATIONS - int(await write.fetchval(_COUNT))
    for new in sorted(ids - known)[: max(room, 0)]:
        known.add(new)
    placed: dict[tuple[UUID, UUID], Tally] = {}
    for tally in tallies:
        told = tally.signature.id in known
        signature, credential = (tally.signature, tally.credential) if told else (OTHERS, SESSIONS)
        key = (signature.id, credential)
        if key not in placed:
            placed[key] = Tally(signature, credential)
        placed[key].merge(tally)
    return list(placed.values())


def _operation(found: Signature) -> dict[str, Any]:
    return {"id": found.id, "kind": found.kind, "name": found.name, "document": found.document}


def _hour(tally: Tally) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(tally, name) for name in SUMS}
    return {
        **row,
        "operation_id": tally.signature.id,
        "credential_id": tally.credential,
        "errors": tally.errors,
        "latency": {str(number): count for number, count in tally.latency.items()},
    }


def _statements(tallies: Iterable[Tally]) -> Iterable[dict[str, Any]]:
    """A row for each operation and text; texts that differ in their literals alone are one."""
    found: dict[tuple[UUID, str], Ran] = {}
    for tally in tallies:
        if tally.signature is not OTHERS:
            for sql, ran in tally.statements.items():
                found.setdefault((tally.signature.id, statement_text(sql)), Ran()).add(ran)
    for (operation, text), ran in found.items():
        yield {
            "operation_id": operation,
            "statement_id": UUID(bytes=hashlib.sha256(text.encode()).digest()[:16]),
            "text": text,
            "count": ran.count,
            "micros": ran.micros,
            "slowest_micros": ran.slowest,
            "rows": ran.rows,
        }


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return orjson.dumps(rows, default=str).decode()  # ids of the driver are its own type
