"""Explaining a statement that was slow: afterwards, at most once an operation and hour, and without its values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import TenantWrite
from kedang_platform.database.noting import Noted
from kedang_platform.errors import KedangError
from kedang_platform.ids import new_id
from kedang_tenants.measuring.findings import Finding, Surroundings, find
from kedang_tenants.measuring.literals import statement_text
from kedang_tenants.measuring.plans import Node

EVERY: Final = timedelta(hours=1)
_ROWS: Final = """
SELECT c.relname AS name, c.reltuples::bigint AS rows FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname = ANY($1::text[])"""
_CLAIM: Final = """
UPDATE measured_operation SET explained_at = $2
WHERE id = $1 AND (explained_at IS NULL OR explained_at <= $3) RETURNING TRUE"""


@dataclass(frozen=True, slots=True)
class Slow:
    """An answer whose statements took long together; ``statement`` is the slowest of them."""

    operation_id: UUID
    at: datetime
    seconds: float
    sql_seconds: float
    sql_count: int
    statement: Noted


async def explain(write: TenantWrite, slow: Slow) -> bool:
    """Note why it was slow; False where another process has done so within the hour, or nobody knows the operation."""
    if not await write.fetchval(_CLAIM, slow.operation_id, slow.at, slow.at - EVERY):
        return False
    plan = await _plan(write, slow.statement)
    findings = [Finding("NO_PLAN", {})] if plan is None else await _findings(write, plan, slow.statement)
    told: dict[str, Any] = {
        "at": slow.at,
        "micros": int(slow.seconds * 1_000_000),
        "sql_micros": int(slow.sql_seconds * 1_000_000),
        "sql_count": slow.sql_count,
        "statement": statement_text(slow.statement.sql),
        "statement_micros": int(slow.statement.seconds * 1_000_000),
        "rows": slow.statement.rows,
        "plan": plan.lines() if plan else [],
        "findings": [{"code": finding.code, "params": finding.params} for finding in findings],
    }
    await write.fetch(
        "UPDATE measured_operation SET slowest = $2::jsonb WHERE id = $1",
        slow.operation_id,
        orjson.dumps(told).decode(),
    )
    return True


async def _plan(write: TenantWrite, statement: Noted) -> Node | None:
    """The plan under the company's role; None where PostgreSQL gives none."""
    try:
        async with write.savepoint():
            if statement.args or "$1" not in statement.sql:
                told = await write.fetchval(f"EXPLAIN (FORMAT JSON) {statement.sql}", *statement.args)
            else:
                told = await _general_plan(write, statement.sql)
    except (KedangError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
    return Node.of(orjson.loads(told)[0]["Plan"])


async def _general_plan(write: TenantWrite, sql: str) -> Any:
    """The plan for any parameters, where those of the slow run are not at hand (before PostgreSQL 16, too)."""
    places = max(int(place) for place in re.findall(r"\$(\d+)", sql))
    name, nothing = f"slow_{new_id().hex}", ", ".join(["NULL"] * places)
    await write.fetch("SET LOCAL plan_cache_mode = force_generic_plan")
    await write.fetch(f"PREPARE {name} AS {sql}")
    told = await write.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE {name}({nothing})")
    await write.fetch(f"DEALLOCATE {name}")
    return told


async def _findings(write: TenantWrite, plan: Node, statement: Noted) -> list[Finding]:
    tables = sorted({step.table for step, _ in plan.steps() if step.table})
    rows = {row["name"]: row["rows"] for row in await write.fetch(_ROWS, tables)}
    memory = await write.fetchval("SELECT pg_size_bytes(current_setting('work_mem'))")
    known = {table: count for table, count in rows.items() if count >= 0}  # -1: never looked at
    return find(plan, statement.sql, fetched=statement.rows, around=Surroundings(known, memory))
