"""What is in force, and what was on a day: read by whoever obeys a rule, and named by what they decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import TenantRead

_COLUMNS = "id, kind, number, state, content, in_force_from, in_force_at, ended_at"
_IN_FORCE = f"SELECT {_COLUMNS} FROM rule_version WHERE kind = $1 AND state = 'IN_FORCE'"
_AT = f"""
SELECT {_COLUMNS} FROM rule_version
WHERE kind = $1 AND in_force_at <= $2 AND (ended_at IS NULL OR ended_at > $2)
ORDER BY in_force_at DESC, number DESC LIMIT 1
"""
_ONE = f"SELECT {_COLUMNS} FROM rule_version WHERE id = $1 AND archived_at IS NULL"


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """A version of a rule as whoever obeys it sees it."""

    id: UUID
    kind: str
    number: int
    state: str
    content: Mapping[str, Any]
    in_force_from: date | None
    in_force_at: datetime | None
    ended_at: datetime | None


async def in_force(read: TenantRead, kind: str) -> RuleVersion | None:
    """The version that is in force now; None where the company has none, so that the product's default holds."""
    return _version(await read.fetchrow(_IN_FORCE, kind))


async def in_force_on(read: TenantRead, kind: str, *, at: datetime) -> RuleVersion | None:
    """The version that was in force at an instant."""
    return _version(await read.fetchrow(_AT, kind, at))


async def rule_version(read: TenantRead, version_id: UUID) -> RuleVersion | None:
    """A version by its id, whatever became of it."""
    return _version(await read.fetchrow(_ONE, version_id))


async def stamp(read: TenantRead, kind: str, values: Mapping[str, object]) -> dict[str, object]:
    """What is to be written about a decision, with the version that it was made under as ``rule_version_id``.

    None stands for the product's default.
    """
    version: UUID | None = await read.fetchval(
        "SELECT id FROM rule_version WHERE kind = $1 AND state = 'IN_FORCE'", kind
    )
    return {**values, "rule_version_id": version}


def _version(row: asyncpg.Record | None) -> RuleVersion | None:
    if row is None:
        return None
    return RuleVersion(**{**row, "content": orjson.loads(row["content"])})
